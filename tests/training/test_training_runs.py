"""Training runs with real networks, as small as they go: folder, record, resumption, and what is refused."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lineside.datasets.errors import LeakFound
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.inspection.heads import Head
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.release import InputKind
from lineside.training.checkpoints import load_checkpoint
from lineside.training.crops import CropPlan
from lineside.training.errors import DeviceMissing, PlanRefused, RunRefused, TrainingDataRefused
from lineside.training.fitting import EpochReport, Silence
from lineside.training.plan import Architecture, TrainingPlan
from lineside.training.revision_frames import read_frames
from lineside.training.runs import RunResult, RunSettings, resume_run, start_run
from tiny_revision import store_in, tiny_revision

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

CROP_PX = 64


def quiet(_line: str) -> None:
    """Nobody listens."""


class Told(Silence):
    """Keeps what it heard."""

    def __init__(self) -> None:
        self.reports: list[EpochReport] = []
        self.steps = 0

    def on_step(self, step: int, *, seconds_left: float | None) -> None:
        self.steps += 1
        assert seconds_left is None or seconds_left >= 0

    def on_epoch(self, report: EpochReport) -> None:
        self.reports.append(report)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RevisionStore:
    return store_in(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def revision(store: RevisionStore) -> Revision:
    return tiny_revision(store, extra=(Split.GOLDEN, Split.SEALED, Split.CALIBRATION))


def settings(revision: Revision, kind: InputKind = InputKind.REFERENCE, **plan: Any) -> RunSettings:
    chosen = {"epochs": 2, "batch": 8, "image_px": CROP_PX, "seed": 3, **plan}
    return RunSettings(
        revision=revision.id,
        kind=kind,
        start=chosen.pop("start", "scratch"),
        input_size_wh_px=(128, 128),
        plan=TrainingPlan(**chosen),
        crops=CropPlan(CROP_PX, 4, seed=3),
        command="this test",
        photometric=0.5,
    )


@pytest.fixture(scope="module")
def run(
    store: RevisionStore, revision: Revision, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunResult, Told, list[str]]:
    folder = tmp_path_factory.mktemp("work")
    said: list[str] = []
    told = Told()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # what is written relative to the working folder shows up there
        patch.setenv("HOME", str(folder / "home"))
        (folder / "home").mkdir()
        result = start_run(settings(revision), store, folder / "run", listener=told, say=said.append)
    assert {path.name for path in folder.iterdir()} == {"home", "run"}
    assert not list((folder / "home").iterdir())
    return result, told, said


def test_the_folder_holds_model_checkpoint_metrics_and_record(run: tuple[RunResult, Told, list[str]]) -> None:
    folder = run[0].folder
    names = {path.name for path in folder.iterdir()}
    assert names == {"run.json", "metrics.csv", "checkpoint.safetensors", "model.onnx", "work"}


def test_the_record_says_where_the_model_came_from(run: tuple[RunResult, Told, list[str]], revision: Revision) -> None:
    record = json.loads((run[0].folder / "run.json").read_bytes())
    assert record["schema"] == "lineside.run/1"
    assert record["status"] == "finished"
    assert record["dataset_revision"] == revision.id
    assert record["parent"] is None
    assert record["classes"] == list(revision.classes)
    assert record["images"] == {"train": 4, "val": 2, "crops_an_epoch": 16, "refused": []}
    assert record["epochs_done"] == 2
    assert record["augmentation"]["crops"]["crop_px"] == CROP_PX
    assert record["augmentation"]["photometric"] == 0.5


def test_every_epoch_has_a_line_of_metrics_and_was_told(run: tuple[RunResult, Told, list[str]]) -> None:
    result, told, _ = run
    with (result.folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"] == [str(report.epoch) for report in told.reports]
    assert all(0 <= float(row["map50_95"]) <= float(row["map50"]) <= 1 for row in rows)
    assert all(float(row[name]) > 0 for row in rows for name in ("box_loss", "cls_loss", "dfl_loss"))
    assert told.steps == 4


def test_checkpoint_and_model_say_what_they_are(run: tuple[RunResult, Told, list[str]], revision: Revision) -> None:
    folder = run[0].folder
    checkpoint = load_checkpoint(folder / "checkpoint.safetensors")
    assert (checkpoint.architecture, checkpoint.kind) == (Architecture.YOLO11N, InputKind.REFERENCE)
    assert (checkpoint.classes, checkpoint.image_px) == (revision.classes, CROP_PX)
    graph = read_model_graph((folder / "model.onnx").read_bytes())
    assert (graph.classes, graph.input_size_wh_px, graph.head) == (revision.classes, (128, 128), Head.RAW)


def test_what_ultralytics_says_is_in_the_log(run: tuple[RunResult, Told, list[str]]) -> None:
    assert (run[0].folder / "work/log.txt").is_file()
    assert any("4 frames" in line for line in run[2])


def test_a_taken_folder_is_refused(
    run: tuple[RunResult, Told, list[str]], store: RevisionStore, revision: Revision
) -> None:
    with pytest.raises(RunRefused, match="not empty"):
        start_run(settings(revision), store, run[0].folder, listener=Silence(), say=print)


def test_a_finished_run_is_not_resumed(run: tuple[RunResult, Told, list[str]], store: RevisionStore) -> None:
    with pytest.raises(RunRefused, match="finished"):
        resume_run(store, run[0].folder, listener=Silence(), say=print)


def test_nothing_is_not_resumed(store: RevisionStore, tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match="no run to resume"):
        resume_run(store, tmp_path, listener=Silence(), say=print)


def test_a_checkpoint_is_gone_on_from_and_an_end_to_end_network_has_its_head(
    run: tuple[RunResult, Told, list[str]], store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    parent = run[0].folder / "checkpoint.safetensors"
    continued = settings(revision, epochs=1, start=str(parent), learning_rate=0.0001)
    start_run(continued, store, tmp_path / "continued", listener=Silence(), say=quiet)
    record = json.loads((tmp_path / "continued/run.json").read_bytes())
    assert record["parent"] == json.loads((run[0].folder / "run.json").read_bytes())["checkpoint_sha256"]
    single = settings(revision, InputKind.SINGLE, architecture=Architecture.YOLO26N, epochs=1)
    start_run(single, store, tmp_path / "single", listener=Silence(), say=quiet)
    graph = read_model_graph((tmp_path / "single/model.onnx").read_bytes())
    assert graph.head is Head.END_TO_END


def test_no_better_figure_within_the_patience_ends_the_run(
    store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    """At this rate two steps an epoch teach nothing: every look finds the same nothing, and the first stays best."""
    patient = settings(revision, epochs=9, patience=1, learning_rate=1e-7)
    result = start_run(patient, store, tmp_path / "run", listener=Silence(), say=quiet)
    assert result.ended_by == "patience"
    assert result.epochs < 9


def test_a_run_that_is_out_of_time_ends_with_a_model(store: RevisionStore, revision: Revision, tmp_path: Path) -> None:
    result = start_run(
        settings(revision, epochs=500, minutes=0.01), store, tmp_path / "run", listener=Silence(), say=quiet
    )
    assert result.ended_by == "time"
    assert (tmp_path / "run/model.onnx").is_file()


@pytest.mark.system
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been_killed(
    store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    """The same weights come out: state and crops are decided by seed, epoch and index alone."""
    whole = start_run(settings(revision, epochs=4), store, tmp_path / "whole", listener=Silence(), say=quiet)
    killed = tmp_path / "killed"
    script = f"""
import sys
from pathlib import Path
import lineside.training.ultralytics_adapter as adapter
adapter.available_threads = lambda: 1
from test_training_runs import Silence, quiet, settings, start_run, store_in
store = store_in(Path({store.url!r}))
start_run(settings(store.read({revision.id!r}), epochs=4), store, Path({str(killed)!r}), listener=Silence(), say=quiet)
"""
    paths = [str(Path(__file__).parent), *sys.path]
    process = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    while not (killed / "metrics.csv").is_file():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = len((killed / "metrics.csv").read_text().splitlines()) - 1
    assert done < 4, "killed too late to prove anything"
    result = resume_run(store, killed, listener=Silence(), say=quiet)
    assert (result.epochs, result.best_epoch) == (whole.epochs, whole.best_epoch)
    one, other = (load_checkpoint(folder / "checkpoint.safetensors").weights for folder in (whole.folder, killed))
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("split", [Split.GOLDEN, Split.SEALED, Split.ESCAPE_BANK])
def test_a_copy_of_a_judging_image_among_those_to_learn_from_is_refused(split: Split, tmp_path: Path) -> None:
    store = store_in(tmp_path / "datasets")
    revision = tiny_revision(store, copied=split)
    with pytest.raises(LeakFound, match="board-0"):
        start_run(settings(revision), store, tmp_path / "run", listener=Silence(), say=quiet)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("split", [Split.GOLDEN, Split.SEALED, Split.ESCAPE_BANK])
def test_what_judged_in_an_earlier_revision_is_not_learnt_from(split: Split, tmp_path: Path) -> None:
    store = store_in(tmp_path / "datasets")
    earlier = tiny_revision(store, extra=(split,))
    images = tuple(replace(image, split=Split.TRAIN) if image.split is split else image for image in earlier.images)
    later = store.write(
        RevisionDraft(
            classes=earlier.classes,
            images=images,
            source=earlier.source,
            licence_note=earlier.licence_note,
            parent=earlier.id,
        )
    )
    with pytest.raises(LeakFound, match="same picture"):
        start_run(settings(later), store, tmp_path / "run", listener=Silence(), say=quiet)
    assert not (tmp_path / "run").exists()


def test_a_run_of_a_gpu_is_not_resumed_where_there_is_none(store: RevisionStore, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    revision = tiny_revision(store)
    record = {
        "schema": "lineside.run/1",
        "status": "running",
        "settings": settings(revision, device="cuda").to_json(),
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(DeviceMissing, match="sees none"):
        resume_run(store, tmp_path, listener=Silence(), say=quiet)


def test_a_patience_that_ends_before_the_first_look_is_refused() -> None:
    with pytest.raises(PlanRefused, match="look every 5"):
        TrainingPlan(patience=3, validate_every=5)


def test_only_train_is_learnt_from_and_only_val_looked_at(
    store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    frames = read_frames(store, revision, InputKind.REFERENCE, tmp_path, say=quiet)
    assert {frame.name for frame in frames.train} == {image.name for image in revision.of_split(Split.TRAIN)}
    assert {frame.name for frame in frames.val} == {image.name for image in revision.of_split(Split.VAL)}


@pytest.mark.parametrize(
    ("boards", "message"),
    [
        pytest.param({"train": 0}, "no image of split 'train'", id="nothing to learn from"),
        pytest.param({"val": 0}, "no image of split 'val'", id="nothing to look at"),
        pytest.param({"has_references": False}, "have no reference", id="no references for a reference network"),
    ],
)
def test_a_revision_that_cannot_be_trained_on_is_refused(boards: dict[str, Any], message: str, tmp_path: Path) -> None:
    store = store_in(tmp_path / "datasets")
    with pytest.raises(TrainingDataRefused, match=message):
        start_run(settings(tiny_revision(store, **boards)), store, tmp_path / "run", listener=Silence(), say=print)
    assert not (tmp_path / "run").exists()
