"""The check of labels with real training runs, as small as they go."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.release import InputKind
from lineside.training.crops import CropPlan
from lineside.training.fitting import Silence
from lineside.training.plan import TrainingPlan
from lineside.training.runs import RunSettings
from lineside.workflows.errors import LabelCheckRefused
from lineside.workflows.label_checking import RESULT_NAME, LabelCheckTask, check_labels
from tiny_revision import store_in, tiny_revision

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def quiet(_line: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RevisionStore:
    return store_in(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def revision(store: RevisionStore) -> Revision:
    return tiny_revision(store, train=5, val=2, extra=(Split.GOLDEN,))


def a_task(store: RevisionStore, revision: Revision, out: Path, *, seed: int = 1) -> LabelCheckTask:
    settings = RunSettings(
        revision=revision.id,
        kind=InputKind.REFERENCE,
        start="scratch",
        input_size_wh_px=(128, 128),
        plan=TrainingPlan(epochs=1, batch=8, image_px=64, seed=3),
        crops=CropPlan(64, 2, seed=3),
        command="this test",
    )
    return LabelCheckTask(settings, store.url, folds=3, seed=seed, share=0.5, out=out)


def test_every_image_is_judged_by_a_model_that_never_saw_it(
    store: RevisionStore, revision: Revision, tmp_path: Path
) -> None:
    task = a_task(store, revision, tmp_path / "check")
    seen: list[tuple[int, int]] = []
    found = check_labels(
        task, now=NOW, listener=Silence(), say=quiet, on_image=lambda done, of: seen.append((done, of))
    )
    learnable = [image.name for image in revision.images if image.split is not Split.GOLDEN]
    assert seen[-1] == (len(learnable), len(learnable))
    assert found.checked == len(learnable)
    for number in range(3):
        record = json.loads((task.out / f"fold-{number}" / "run.json").read_bytes())
        learnt = {image.name for image in store.read(record["dataset_revision"]).images}
        assert learnt < set(learnable)
        assert store.read(record["dataset_revision"]).parent == revision.id
    assert json.loads((task.out / RESULT_NAME).read_text())["revision"] == revision.id

    runs = {path: path.stat().st_mtime_ns for path in task.out.glob("fold-*/run.json")}
    assert check_labels(task, now=NOW, listener=Silence(), say=quiet) == found
    assert {path: path.stat().st_mtime_ns for path in runs} == runs, "what is finished is not trained again"

    with pytest.raises(LabelCheckRefused, match="other settings"):
        check_labels(replace(task, seed=2), now=NOW, listener=Silence(), say=quiet)


def test_a_folder_with_something_else_is_left_alone(store: RevisionStore, revision: Revision, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(LabelCheckRefused, match="not empty"):
        check_labels(a_task(store, revision, tmp_path), now=NOW, listener=Silence(), say=quiet)
