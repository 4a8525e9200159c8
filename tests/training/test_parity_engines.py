"""The engines of this host against a trained network, from a dataset revision to the manifest."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionSelection, RevisionStore, read_picture
from lineside.inspection.engines import ENGINES, Precision, usable_engines
from lineside.inspection.release import INT8_MODEL_NAME, MODEL_NAME
from lineside.training.errors import CheckpointRefused, ExportRefused, ParityBroken, ParityRefused
from lineside.training.export.command import ExportOrder, Int8Order, export_model
from lineside.training.parity import ParityLimits, ParityReport, compare_engines, read_parity_subject, require_unbroken
from lineside.training.parity.command import ParityOrder, measure_folder
from lineside.training.plan import Architecture
from small_checkpoints import CLASSES, SIDE_PX, ExportedFiles, small_board, write_random_checkpoint

pytestmark = pytest.mark.training

FEW_WILL_DO = ParityLimits(least_defects=5)
BOARDS = {Split.TRAIN: range(4), Split.VAL: range(10, 16)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RevisionStore:
    return RevisionStore(str(tmp_path_factory.mktemp("datasets")))


@pytest.fixture(scope="module")
def revision(store: RevisionStore) -> Revision:
    files, images = [], []
    for split, seeds in BOARDS.items():
        for seed in seeds:
            board = small_board(seed)
            _, encoded = cv2.imencode(".png", board.frame)
            files.append(bytes(encoded.tobytes()))
            picture: ImageFile = read_picture(files[-1], source="a board").file
            boxes = tuple(LabelledBox(str(each.defect_class), each.box_xyxy_px) for each in board.defects)
            name = f"board-{seed}"
            images.append(LabelledImage(name=name, part_id=name, group=name, image=picture, boxes=boxes, split=split))
    draft = RevisionDraft(classes=CLASSES, images=tuple(images), source="synthetic", licence_note="free")
    return store.write(draft, files=files)


@pytest.fixture
def run_folder(exported_files: ExportedFiles, tmp_path: Path) -> Path:
    """As `lineside train` leaves it."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / MODEL_NAME).write_bytes(exported_files.model.read_bytes())
    (folder / "checkpoint.safetensors").write_bytes(exported_files.checkpoint.read_bytes())
    record = {"schema": "lineside.run/1", "status": "finished", "kind": "single"}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def order(folder: Path, store: RevisionStore, revision: Revision, **changes: Any) -> ParityOrder:
    return ParityOrder(folder=folder, selection=RevisionSelection(revision.id, (Split.VAL,)), store=store, **changes)


def test_every_engine_finds_what_the_network_finds(run_folder: Path, store: RevisionStore, revision: Revision) -> None:
    """From the checkpoint to each engine, int8 included; the network finds most of the labelled defects."""
    export_model(ExportOrder(run_folder, None, (SIDE_PX, SIDE_PX), Int8Order(store=store.url, revision=revision.id)))
    assert (run_folder / INT8_MODEL_NAME).is_file()
    report = compare_engines(
        read_parity_subject(run_folder),
        store=store,
        revision=revision,
        splits=(Split.VAL,),
        threads=1,
        limits=FEW_WILL_DO,
    )
    require_unbroken(report)
    assert set(report.engines) == set(usable_engines())
    assert (report.network_map50_95 or 0) > 0.4
    for name, figures in report.engines.items():
        assert (figures.frames, figures.defects) == (6, 12)
        assert figures.matched >= 8
        if ENGINES[name].precision is Precision.FP32:
            assert figures.is_offered
            assert 0 < figures.mean_box_difference_px < 0.1  # the weights are rounded to half precision
        else:
            assert figures.mean_box_difference_px < 2
            assert figures.mean_score_difference < 0.1


def test_few_defects_offer_nothing_of_reduced_precision(
    run_folder: Path, store: RevisionStore, revision: Revision
) -> None:
    progress: list[tuple[int, int]] = []
    given = order(run_folder, store, revision, engines=("onnxruntime-fp32",), most_frames=2)
    report = measure_folder(given, on_progress=lambda done, total: progress.append((done, total)))
    assert progress == [(done, 4) for done in range(1, 5)]
    assert report.offered == ("onnxruntime-fp32",)
    assert ParityReport.from_json((run_folder / "parity.json").read_bytes()).to_json() == report.to_json()


def test_a_model_of_another_checkpoint_is_told_and_its_figures_are_kept(
    run_folder: Path, store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    other = write_random_checkpoint(tmp_path / "other", Architecture.YOLO11N)
    given = order(run_folder, store, revision, checkpoint=other, engines=("onnxruntime-fp32",), most_frames=1)
    report = measure_folder(given, on_progress=lambda *_: None)
    with pytest.raises(ParityBroken, match="onnxruntime-fp32 is not the trained network"):
        require_unbroken(report)
    assert not json.loads((run_folder / "parity.json").read_bytes())["engines"]["onnxruntime-fp32"]["is_offered"]


def pickled(folder: Path) -> Path:
    path = folder / "best.pt"
    path.write_bytes(b"\x80\x04.")
    return path


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        pytest.param({"engines": ("tensorrt",)}, ParityRefused, "no engine 'tensorrt'", id="unknown engine"),
        pytest.param({"engines": ("openvino-int8",)}, ParityRefused, "no int8 file", id="int8 without its file"),
        pytest.param({"splits": (Split.GOLDEN,)}, ParityRefused, "no frame", id="a split without images"),
        pytest.param({"checkpoint": pickled}, CheckpointRefused, "pickle", id="a .pt for a checkpoint"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    changes: dict[str, Any],
    error: type[Exception],
    why: str,
    run_folder: Path,
    store: RevisionStore,
    revision: Revision,
    tmp_path: Path,
) -> None:
    make: Callable[[Path], Path] | None = changes.get("checkpoint")
    selection = RevisionSelection(revision.id, changes.get("splits", (Split.VAL,)))
    given = ParityOrder(
        folder=run_folder,
        selection=selection,
        store=store,
        checkpoint=None if make is None else make(tmp_path),
        engines=changes.get("engines"),
    )
    with pytest.raises(error, match=why):
        measure_folder(given, on_progress=lambda *_: None)
    assert not (run_folder / "parity.json").exists()


def test_int8_needs_training_images(run_folder: Path, store: RevisionStore, revision: Revision) -> None:
    images = tuple(image for image in revision.images if image.split is Split.VAL)
    files = [store.image_bytes(image.image) for image in images]
    draft = RevisionDraft(classes=CLASSES, images=images, source="no train", licence_note="free")
    without = store.write(draft, files=files)
    int8 = Int8Order(store=store.url, revision=without.id)
    with pytest.raises(ExportRefused, match="no image of split 'train'"):
        export_model(ExportOrder(run_folder, None, (SIDE_PX, SIDE_PX), int8))
    assert not (run_folder / INT8_MODEL_NAME).exists()


def test_a_run_that_has_its_model_keeps_it(run_folder: Path) -> None:
    with pytest.raises(ExportRefused, match="is there already"):
        export_model(ExportOrder(run_folder, None, (SIDE_PX, SIDE_PX), None))


def test_the_starters_state_figures_of_this_very_model() -> None:
    from lineside.inspection.release import read_release, starter_release_folder

    for name in ("pcb-reference", "pcb-single"):
        folder = starter_release_folder(name)
        section = json.loads((folder / "manifest.json").read_bytes())["parity"]
        report = ParityReport.from_json(json.dumps({"schema": "lineside.parity/1", **section}))
        report.require_model((folder / MODEL_NAME).read_bytes(), source=name)
        require_unbroken(report)
        assert all(figures.defects == 1350 for figures in report.engines.values())
        assert read_release(folder).offered_engines == set(report.offered)
        assert np.isfinite(report.network_map50_95 or np.nan)
