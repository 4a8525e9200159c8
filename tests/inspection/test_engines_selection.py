import json
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from blob_detector import WriteRelease
from lineside.inspection.detections import Detections
from lineside.inspection.engines import (
    ENGINES,
    REFERENCE_ENGINE,
    Difference,
    Precision,
    Tolerance,
    choose_engine,
    compare,
    offered_engines,
    usable_engines,
)
from lineside.inspection.engines.memory import ChoiceMemory, circumstances
from lineside.inspection.errors import EngineError, NothingUsable
from lineside.inspection.release import Release, read_release
from odd_engines import engines_with


def clock_that_measures(durations_s: Iterable[float]) -> Callable[[], float]:
    """A clock that is read before and after each inference, and shows the given durations in turn."""
    durations = cycle(durations_s)
    now_s = 0.0
    is_running = False

    def read() -> float:
        nonlocal now_s, is_running
        if is_running:
            now_s += next(durations)
        is_running = not is_running
        return now_s

    return read


def test_the_engines_of_this_host_agree_and_one_is_chosen(tiny_release: Release) -> None:
    choice = choose_engine(tiny_release, cache_dir=None)
    assert choice.refused == {}
    assert set(choice.lone_ms) == set(offered_engines(tiny_release))
    assert choice.lone_ms[choice.name] == min(choice.lone_ms.values())
    assert not choice.is_remembered


@pytest.mark.parametrize("fastest", [0, 1])
def test_the_fastest_by_the_clock_is_chosen(fastest: int, tiny_release: Release) -> None:
    engines = engines_with(twin="OnnxRuntimeEngine")
    durations_s = [0.009, 0.009]
    durations_s[fastest] = 0.004
    choice = choose_engine(tiny_release, cache_dir=None, engines=engines, monotonic=clock_that_measures(durations_s))
    assert choice.name == list(engines)[fastest]
    assert choice.lone_ms == pytest.approx({name: 1000 * s for name, s in zip(engines, durations_s, strict=True)})


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        pytest.param("UnsureEngine", "confidences up to 0.200 apart", id="less sure"),
        pytest.param("ShiftedEngine", "12 defects found by one of them only", id="boxes elsewhere"),
        pytest.param("BlindEngine", "6 defects found by one of them only", id="finds nothing"),
        pytest.param("NanEngine", "NaN", id="not finite"),
        pytest.param("UnloadableEngine", "not implemented", id="cannot load the model"),
    ],
)
def test_an_engine_that_does_not_agree_is_never_chosen(factory: str, why: str, tiny_release: Release) -> None:
    """Nor when it is asked for by name, however fast it is."""
    engines = engines_with(odd=factory)
    choice = choose_engine(tiny_release, cache_dir=None, engines=engines, monotonic=clock_that_measures([0.009, 0.001]))
    assert choice.name == REFERENCE_ENGINE
    assert why in choice.refused["odd"]
    with pytest.raises(NothingUsable, match="no eligible engine"):
        choose_engine(tiny_release, cache_dir=None, engines=engines, requested="odd")


@pytest.mark.parametrize("requested", [name for name in usable_engines() if ENGINES[name].precision is Precision.FP32])
def test_an_engine_can_be_asked_for(requested: str, tiny_release: Release) -> None:
    choice = choose_engine(tiny_release, cache_dir=None, requested=requested)
    assert choice.name == requested
    assert set(choice.lone_ms) == {requested}


def test_an_engine_that_does_not_exist_cannot(tiny_release: Release) -> None:
    with pytest.raises(EngineError, match="no engine 'fastest'"):
        choose_engine(tiny_release, cache_dir=None, requested="fastest")


def test_without_the_reference_engine_nothing_is_usable(tiny_release: Release) -> None:
    engines = engines_with() | {"twin": engines_with(twin="OnnxRuntimeEngine")["twin"]}
    broken = {**engines, REFERENCE_ENGINE: engines_with(odd="UnloadableEngine")["odd"]}
    with pytest.raises(NothingUsable, match="reference engine cannot run"):
        choose_engine(tiny_release, cache_dir=None, engines=broken)


def test_the_choice_is_remembered(tiny_release: Release, tmp_path: Path) -> None:
    first = choose_engine(tiny_release, cache_dir=tmp_path / "cache")
    second = choose_engine(tiny_release, cache_dir=tmp_path / "cache")
    assert second.is_remembered
    assert (second.name, second.threads, second.lone_ms) == (first.name, first.threads, first.lone_ms)


def test_another_request_release_or_thread_count_is_measured_anew(
    tiny_release: Release, write_release: WriteRelease, tmp_path: Path
) -> None:
    choose_engine(tiny_release, cache_dir=tmp_path / "cache", threads=2)
    other_release = read_release(write_release(name="other"))
    assert not choose_engine(tiny_release, cache_dir=tmp_path / "cache", threads=1).is_remembered
    assert not choose_engine(other_release, cache_dir=tmp_path / "cache", threads=2).is_remembered
    again = choose_engine(tiny_release, cache_dir=tmp_path / "cache", threads=2, requested=REFERENCE_ENGINE)
    assert not again.is_remembered
    assert again.name == REFERENCE_ENGINE
    strict = choose_engine(tiny_release, cache_dir=tmp_path / "cache", threads=2, tolerance=Tolerance(confidence=0.2))
    assert not strict.is_remembered


def rename_the_engine(text: str) -> str:
    """A choice that nobody measured: whole as JSON, but its seal is broken."""
    document = json.loads(text)
    document["choice"]["name"] = next(
        name for name in document["choice"]["lone_ms"] if name != document["choice"]["name"]
    )
    return json.dumps(document)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda text: text[: len(text) // 2], id="half"),
        pytest.param(lambda _: "[]", id="other JSON"),
        pytest.param(lambda text: text.replace("openvino", "openvin0"), id="a changed letter"),
        pytest.param(rename_the_engine, id="another engine's name"),
        pytest.param(lambda _: "[" * 100_000, id="deeply nested"),
        pytest.param(lambda _: '{"choice": null, "sha256": 3}', id="wrong types"),
    ],
)
def test_a_damaged_memory_is_measured_again_and_mended(
    damage: Callable[[str], str], tiny_release: Release, tmp_path: Path
) -> None:
    choose_engine(tiny_release, cache_dir=tmp_path)
    (path,) = tmp_path.glob("engine-*.json")
    path.write_text(damage(path.read_text()))
    assert not choose_engine(tiny_release, cache_dir=tmp_path).is_remembered
    assert choose_engine(tiny_release, cache_dir=tmp_path).is_remembered


def test_a_memory_that_is_not_text_is_measured_again(tiny_release: Release, tmp_path: Path) -> None:
    choose_engine(tiny_release, cache_dir=tmp_path)
    (path,) = tmp_path.glob("engine-*.json")
    path.write_bytes(b"\xff\xfe\x00")
    assert not choose_engine(tiny_release, cache_dir=tmp_path).is_remembered


def test_a_memory_moved_from_other_circumstances_is_not_believed(tiny_release: Release, tmp_path: Path) -> None:
    choose_engine(tiny_release, cache_dir=tmp_path, threads=1)
    (path,) = tmp_path.glob("engine-*.json")
    elsewhere = circumstances(tiny_release.digest, usable_engines(), 2, Tolerance())
    path.rename(tmp_path / f"engine-{elsewhere[:32]}.json")
    assert ChoiceMemory(tmp_path, elsewhere).recall() is None


def test_a_folder_that_cannot_be_written_costs_the_memory_only(tiny_release: Release, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    choice = choose_engine(tiny_release, cache_dir=tmp_path / "file" / "cache")
    assert choice.name in usable_engines()


def detections(*rows: tuple[tuple[int, int, int, int], float, int]) -> Detections:
    return Detections(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[2] for row in rows], np.int64),
    )


BOX = (0, 0, 20, 20)
THRESHOLDS = np.array([0.25, 0.5], np.float32)


@pytest.mark.parametrize(
    ("reference", "candidate", "expected"),
    [
        pytest.param(detections(), detections(), Difference(), id="neither finds anything"),
        pytest.param(
            detections((BOX, 0.9, 0)), detections((BOX, 0.85, 0)), Difference(1, 0, 1.0, 0.05), id="less sure"
        ),
        pytest.param(
            detections((BOX, 0.9, 0)), detections(((0, 0, 20, 18), 0.9, 0)), Difference(1, 0, 0.9, 0.0), id="smaller"
        ),
        pytest.param(detections((BOX, 0.9, 0)), detections(), Difference(0, 1, 1.0, 0.0), id="missed"),
        pytest.param(detections(), detections((BOX, 0.9, 0)), Difference(0, 1, 1.0, 0.0), id="made up"),
        pytest.param(
            detections((BOX, 0.9, 0)), detections((BOX, 0.9, 1)), Difference(0, 2, 1.0, 0.0), id="another class"
        ),
        pytest.param(
            detections((BOX, 0.55, 1)), detections(), Difference(0, 0, 1.0, 0.0), id="missed near its threshold"
        ),
        pytest.param(
            detections((BOX, 0.55, 0)), detections(), Difference(0, 1, 1.0, 0.0), id="near another's threshold"
        ),
    ],
)
def test_how_far_two_engines_lie_apart(reference: Detections, candidate: Detections, expected: Difference) -> None:
    found = compare(reference, candidate, thresholds=THRESHOLDS, tolerance=Tolerance())
    assert (found.matched, found.unmatched) == (expected.matched, expected.unmatched)
    assert found.least_iou == pytest.approx(expected.least_iou)
    assert found.largest_confidence_gap == pytest.approx(expected.largest_confidence_gap, abs=1e-6)


@pytest.mark.parametrize(("iou", "confidence"), [(0.0, 0.1), (1.1, 0.1), (0.8, -0.1), (0.8, 1.0)])
def test_a_tolerance_that_tolerates_all_or_is_no_share_is_refused(iou: float, confidence: float) -> None:
    with pytest.raises(ValueError, match="shares of 1"):
        Tolerance(iou, confidence)
