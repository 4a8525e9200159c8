"""A finished training run becomes a release: measured thresholds, known defects, figures, and nothing made up."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from blob_detector import BLOB_CLASSES, Blob, BlobModel, draw_blobs
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import RevisionStore
from lineside.datasets.revisions.records import CatalogueRef, RevisionDraft
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import EngineChoice
from lineside.inspection.release import CanaryDefect, CanaryFrame, run_canary
from lineside.training.errors import NoCanary, NothingToEvaluate, ParityRefused, ReleaseNotBuilt, ReleaseTaken
from lineside.training.evaluation import Evaluation, EvaluationPlan, evaluate
from lineside.training.evaluation.subject import read_subject
from lineside.training.parity import EngineParity, ParityReport
from lineside.training.registry import Registry
from lineside.training.registry.building import BuildPlan, build_release
from lineside.training.registry.thresholds import given_thresholds
from signing import TestKeys

SIZE_WH_PX = (160, 160)


class Workshop:
    """A dataset, a finished run of the blob detector, and an empty registry."""

    def __init__(self, folder: Path, *, classes_shown: int = len(BLOB_CLASSES), model: BlobModel | None = None) -> None:
        self.store = RevisionStore(str(folder / "datasets"))
        self.registry = Registry(str(folder / "registry"))
        self.run = folder / "run"
        images = [self._image(number, Split.VAL, number % classes_shown) for number in range(12)]
        images.append(self._image(90, Split.GOLDEN, 0))
        self.revision = self.store.write(
            RevisionDraft(
                classes=BLOB_CLASSES,
                images=tuple(images),
                source="drawn by the test",
                licence_note="free",
                catalogue=CatalogueRef("pcb", 1),
            )
        )
        self.model = (model or BlobModel()).to_bytes()
        self.run.mkdir()
        (self.run / "model.onnx").write_bytes(self.model)
        (self.run / "checkpoint.safetensors").write_bytes(b"weights")
        self.record: dict[str, Any] = {
            "schema": "lineside.run/1",
            "status": "finished",
            "command": "lineside train ...",
            "kind": "single",
            "architecture": "yolo11n",
            "classes": list(BLOB_CLASSES),
            "catalogue": {"id": "pcb", "version": 1},
            "dataset_revision": self.revision.id,
            "start": "scratch",
            "parent": None,
            "seed": 1,
            "model_sha256": hashlib.sha256(self.model).hexdigest(),
            "settings": {"private": "not for the manifest"},
        }
        self.write_record()

    def _image(self, number: int, split: Split, class_id: int) -> LabelledImage:
        blobs = [Blob(class_id, 16 + 4 * number % 100, 32), Blob((class_id + 1) % 6 if class_id else 0, 64, 100)]
        pixels = draw_blobs(blobs, SIZE_WH_PX)
        pixels[0, 0] = number  # another file
        data = cv2.imencode(".png", pixels)[1].tobytes()
        return LabelledImage(
            name=f"{split.value}-{number}",
            part_id=f"{split.value}-{number}",
            group=f"{split.value}-{number}",
            image=self.store.add_picture(data, source="test"),
            boxes=tuple(LabelledBox(BLOB_CLASSES[blob.class_id], blob.box_xyxy_px) for blob in blobs),
            split=split,
        )

    def write_record(self, **changes: Any) -> None:
        (self.run / "run.json").write_text(json.dumps({**self.record, **changes}))

    def plan(self, **changes: Any) -> BuildPlan:
        return replace(BuildPlan(self.run, "blobs", "1.0.0"), **changes)

    def evaluation(self, split: Split = Split.VAL) -> Evaluation:
        plan = EvaluationPlan(splits=(split,), engine="onnxruntime-fp32", timed_parts=0, resamples=20)
        return evaluate(_with_canary(self.run), self.revision, self.store, plan=plan)

    def parity(self, **changes: Any) -> ParityReport:
        figures = EngineParity(
            3, 6, 6, 0, 0, 0.01, 0.02, 0.001, 0.002, 1.0, 0.0, 1.0, 0.0, is_offered=True, limit={}, reason=""
        )
        report = ParityReport(
            "run", hashlib.sha256(self.model).hexdigest(), None, "test", {}, {}, {}, 1.0, 1.0,
            {"openvino-bf16": figures}, {}, "here", {},
        )  # fmt: skip
        return replace(report, **changes)


def _with_canary(run: Path) -> Any:
    """The run as the evaluation reads it, with one known defect: `evaluate` asks for some."""
    blob = Blob(0, 40, 40)
    left, top, right, bottom = blob.box_xyxy_px
    defect = CanaryDefect(BLOB_CLASSES[0], (left, top, right, bottom))
    return replace(read_subject(run), canary=(CanaryFrame("one", draw_blobs([blob], SIZE_WH_PX), (defect,)),))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_a_run_becomes_a_release_that_a_server_would_load(workshop: Workshop) -> None:
    keys = TestKeys()
    built = build_release(workshop.plan(), workshop.store, workshop.registry)
    workshop.registry.sign("blobs", "1.0.0", keys.build)
    release = workshop.registry.verify("blobs", "1.0.0", keys.trust, now=datetime.now(UTC))
    assert release.digest == built.release.digest
    assert built.classes_without_canary == ()
    assert {defect.class_name for frame in release.canary for defect in frame.expected} == set(BLOB_CLASSES)
    detector = open_detector(release, EngineChoice("onnxruntime-fp32", threads=1))
    run_canary(detector, release)
    detector.close()


def test_the_manifest_says_where_the_release_comes_from(workshop: Workshop) -> None:
    build_release(workshop.plan(), workshop.store, workshop.registry)
    found = workshop.registry.find("blobs", "1.0.0").manifest
    assert found.dataset_revision == workshop.revision.id
    assert found.checkpoint_sha256 == hashlib.sha256(b"weights").hexdigest()
    assert workshop.registry.storage.read(f"checkpoints/{found.checkpoint_sha256}.safetensors") == b"weights"
    assert found.training["command"] == "lineside train ..."
    assert "settings" not in found.training
    assert set(found.files) >= {"model.onnx", "MODEL_CARD.md", "LICENSE"}
    assert "checkpoint.safetensors" not in found.files


def test_the_canaries_are_validation_images_and_no_golden_ones(workshop: Workshop) -> None:
    built = build_release(workshop.plan(), workshop.store, workshop.registry)
    val = [workshop.store.pixels(image.image) for image in workshop.revision.of_split(Split.VAL)]
    for frame in built.release.canary:
        assert any(np.array_equal(frame.image, pixels) for pixels in val)


def test_a_class_that_no_canary_shows_is_named(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, classes_shown=2)
    built = build_release(workshop.plan(), workshop.store, workshop.registry)
    assert set(built.classes_without_canary) == set(BLOB_CLASSES[3:])
    with workshop.registry.folder("blobs", "1.0.0") as folder:
        assert (
            f"No canary frame shows {', '.join(built.classes_without_canary)}" in (folder / "MODEL_CARD.md").read_text()
        )


def test_a_model_that_finds_nothing_becomes_no_release(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, model=BlobModel(mixing=(0.0, 0.0, 1e-6)))
    with pytest.raises(NoCanary, match="synthetic"):
        build_release(workshop.plan(), workshop.store, workshop.registry)
    assert list(workshop.registry.list()) == []


def test_thresholds_are_those_of_the_best_f_on_validation_images(workshop: Workshop) -> None:
    evaluation = workshop.evaluation()
    built = build_release(workshop.plan(evaluation=evaluation), workshop.store, workshop.registry)
    assert built.thresholds.source == "best F on split val, less 0.005"
    for name in BLOB_CLASSES:
        curve = dict(evaluation.figures["curves"][name]["f_over_threshold"])
        chosen = built.release.thresholds[name]
        assert curve[chosen] >= max(curve.values()) - 0.005
        assert all(f_score < max(curve.values()) - 0.005 for lower, f_score in curve.items() if lower < chosen)
    manifest = workshop.registry.find("blobs", "1.0.0").manifest
    assert manifest.metrics["escapes"] == evaluation.figures["escapes"]
    assert manifest.metrics["splits"] == ["val"]
    assert "curves" not in manifest.metrics


def test_thresholds_given_count_before_measured_ones(workshop: Workshop) -> None:
    given = given_thresholds(["0.3", "open=0.6"], BLOB_CLASSES)
    built = build_release(
        workshop.plan(evaluation=workshop.evaluation(Split.GOLDEN), given_thresholds=given),
        workshop.store,
        workshop.registry,
    )
    assert built.release.thresholds["open"] == 0.6
    assert built.release.thresholds["short"] == 0.3


@pytest.mark.parametrize("word", ["x", "open=", "0", "1.1", "dent=0.3", "nan"])
def test_a_threshold_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(ReleaseNotBuilt, match="threshold"):
        given_thresholds([word], BLOB_CLASSES)


def on_golden_images(workshop: Workshop) -> BuildPlan:
    return workshop.plan(evaluation=workshop.evaluation(Split.GOLDEN))


def on_another_revision(workshop: Workshop) -> BuildPlan:
    return workshop.plan(thresholds_from=replace(workshop.evaluation(), revision="7" * 64))


def of_another_model(workshop: Workshop) -> BuildPlan:
    evaluation = workshop.evaluation()
    return workshop.plan(evaluation=replace(evaluation, release=replace(evaluation.release, digest="0" * 64)))


def parity_of_another_model(workshop: Workshop) -> BuildPlan:
    return workshop.plan(parity=workshop.parity(model_sha256="0" * 64))


def parity_of_another_int8(workshop: Workshop) -> BuildPlan:
    return workshop.plan(parity=workshop.parity(int8_model_sha256="0" * 64))


def no_catalogue(workshop: Workshop) -> BuildPlan:
    workshop.write_record(catalogue=None)
    return workshop.plan()


def unfinished(workshop: Workshop) -> BuildPlan:
    workshop.write_record(status="running")
    return workshop.plan()


def exchanged_model(workshop: Workshop) -> BuildPlan:
    (workshop.run / "model.onnx").write_bytes(BlobModel(levels=BlobModel().levels[::-1]).to_bytes())
    return workshop.plan()


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        pytest.param(on_golden_images, ReleaseNotBuilt, "fitted to", id="thresholds from golden images"),
        pytest.param(on_another_revision, ReleaseNotBuilt, "would not know", id="thresholds from another revision"),
        pytest.param(of_another_model, ReleaseNotBuilt, "evaluate the run", id="the evaluation of another model"),
        pytest.param(parity_of_another_model, ParityRefused, "measure again", id="parity of another model"),
        pytest.param(parity_of_another_int8, ReleaseNotBuilt, "measure again", id="parity of another int8 model"),
        pytest.param(no_catalogue, ReleaseNotBuilt, "--catalogue", id="classes of no catalogue"),
        pytest.param(unfinished, NothingToEvaluate, "running", id="a run that is not finished"),
        pytest.param(exchanged_model, NothingToEvaluate, "is not the model", id="a model exchanged in the run"),
    ],
)
def test_what_does_not_fit_together_becomes_no_release(
    prepare: Callable[[Workshop], BuildPlan], error: type[Exception], message: str, workshop: Workshop
) -> None:
    plan = prepare(workshop)
    with pytest.raises(error, match=message):
        build_release(plan, workshop.store, workshop.registry)
    assert list(workshop.registry.list()) == []


def test_measured_engines_are_offered(workshop: Workshop) -> None:
    built = build_release(workshop.plan(parity=workshop.parity()), workshop.store, workshop.registry)
    assert built.release.offered_engines == {"openvino-bf16"}


def test_classes_of_another_catalogue_need_that_one(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    built = build_release(workshop.plan(catalogue=("own", 3)), workshop.store, workshop.registry)
    assert (built.release.catalogue_id, built.release.catalogue_version) == ("own", 3)


def test_a_version_is_built_once(workshop: Workshop) -> None:
    build_release(workshop.plan(), workshop.store, workshop.registry)
    with pytest.raises(ReleaseTaken, match="next version"):
        build_release(workshop.plan(given_thresholds={"open": 0.5}), workshop.store, workshop.registry)
