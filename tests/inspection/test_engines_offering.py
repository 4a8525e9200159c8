"""Which engines a release may run on: float32 always, less only with figures of its own."""

from typing import Any

import pytest

from blob_detector import BlobModel, WriteRelease
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import (
    ENGINES,
    REFERENCE_ENGINE,
    EngineChoice,
    Precision,
    choose_engine,
    offered_engines,
    usable_engines,
    why_not_offered,
)
from lineside.inspection.errors import EngineError, ReleaseUnverified
from lineside.inspection.release import Release, read_release

FP32 = {name for name in usable_engines() if ENGINES[name].precision is Precision.FP32}
REDUCED = [name for name, entry in ENGINES.items() if entry.precision is not Precision.FP32]


def parity(**offered: bool) -> dict[str, Any]:
    """The manifest's key, engines with an underscore for the hyphen."""
    return {"engines": {name.replace("_", "-"): {"is_offered": value} for name, value in offered.items()}, "limits": {}}


def test_a_release_without_figures_runs_in_float32_only(tiny_release: Release) -> None:
    assert set(offered_engines(tiny_release)) == FP32


@pytest.mark.parametrize("name", REDUCED)
def test_an_engine_without_figures_is_refused_when_asked_for(name: str, tiny_release: Release) -> None:
    with pytest.raises(EngineError, match=f"does not offer {name}: it has no parity figures"):
        choose_engine(tiny_release, cache_dir=None, requested=name)


def test_figures_within_their_limit_offer_an_engine(write_release: WriteRelease) -> None:
    offering = read_release(write_release(changes={"parity": parity(openvino_bf16=True)}))
    refusing = read_release(write_release(changes={"parity": parity(openvino_bf16=False)}))
    assert why_not_offered(offering, "openvino-bf16") is None
    assert "past their limit" in (why_not_offered(refusing, "openvino-bf16") or "")
    is_usable = "openvino-bf16" in usable_engines()
    assert ("openvino-bf16" in offered_engines(offering)) == is_usable
    assert "openvino-bf16" not in offered_engines(refusing)


def test_no_figure_takes_float32_away(write_release: WriteRelease) -> None:
    release = read_release(write_release(changes={"parity": parity(onnxruntime_fp32=False)}))
    assert REFERENCE_ENGINE in offered_engines(release)


def test_int8_needs_a_model_of_its_own(write_release: WriteRelease) -> None:
    release = read_release(write_release(changes={"parity": parity(onnxruntime_int8=True)}))
    assert "no int8 model" in (why_not_offered(release, "onnxruntime-int8") or "")
    with pytest.raises(EngineError, match="no int8 model"):
        open_detector(release, EngineChoice("onnxruntime-int8", threads=1))


def test_the_int8_engine_runs_the_int8_model(write_release: WriteRelease) -> None:
    """It knows no gray level of the canary's, so that finding nothing shows which file ran."""
    blind = BlobModel(levels=(250, 250, 250, 250, 250, 250)).to_bytes()
    figures = parity(onnxruntime_int8=True, openvino_int8=False)
    release = read_release(write_release(int8_model_bytes=blind, changes={"parity": figures}))
    assert why_not_offered(release, "onnxruntime-int8") is None
    assert "openvino-int8" not in offered_engines(release)
    canary = release.canary[0].image
    for name, expected in (("onnxruntime-fp32", 6), ("onnxruntime-int8", 0)):
        detector = open_detector(release, EngineChoice(name, threads=1))
        assert len(detector.detect(canary)) == expected
        detector.close()


def test_an_int8_model_of_other_classes_is_refused(write_release: WriteRelease) -> None:
    other = BlobModel(classes=("a", "b", "c", "d", "e", "f")).to_bytes()
    with pytest.raises(ReleaseUnverified, match="classes"):
        read_release(write_release(int8_model_bytes=other))


def test_parity_that_does_not_say_whether_is_refused(write_release: WriteRelease) -> None:
    folder = write_release(changes={"parity": {"engines": {"openvino-bf16": {"frames": 10}}}})
    with pytest.raises(ReleaseUnverified, match="is_offered"):
        read_release(folder)
