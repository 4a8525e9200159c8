"""Looking for wrong labels: models of other parts judge each labelled part, and what they contradict is named.

Every fold is a training run in a folder of its own; killed anywhere, the same call goes on where it stopped.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from lineside.datasets.label_quality import (
    CheckedImage,
    Fold,
    SuspectLabel,
    divide_into_folds,
    fold_draft,
    suspect_labels,
)
from lineside.datasets.labelled import LabelledImage
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import REFERENCE_ENGINE, choose_engine
from lineside.training.evaluation import read_subject
from lineside.training.evaluation.judging import PartJudge, Rules, parts_of
from lineside.training.fitting import Listener
from lineside.training.runs import RUN_NAME, RunSettings, resume_run, start_run
from lineside.workflows.errors import LabelCheckRefused

RESULT_NAME = "labels.json"
SCHEMA = "lineside.label-check/1"


@dataclass(frozen=True, slots=True)
class LabelCheckTask:
    """What to check, and how.

    Attributes:
        settings: of each fold's training; its revision is the one that is checked.
        store: where revisions live, a folder or a URL.
        folds: how many models, 3 or more.
        seed: of the folds.
        share: of the images that are named at most, in (0, 1].
        out: folder of the folds' runs and of the result.
    """

    settings: RunSettings
    store: str
    folds: int
    seed: int
    share: float
    out: Path


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """What was found.

    Attributes:
        revision: id of the checked revision.
        checked: images.
        suspects: for each image named, its doubtful labels, the most doubtful image first.
    """

    revision: str
    checked: int
    suspects: tuple[tuple[SuspectLabel, ...], ...]

    def to_json(self) -> str:
        """One document with every suspect label."""
        record = {
            "schema": SCHEMA,
            "revision": self.revision,
            "checked": self.checked,
            "images": [
                {"name": suspects[0].image, "suspects": [asdict(suspect) for suspect in suspects]}
                for suspects in self.suspects
            ],
        }
        return json.dumps(record, indent=2, allow_nan=False) + "\n"


def check_labels(
    task: LabelCheckTask,
    *,
    now: datetime,
    listener: Listener,
    say: Callable[[str], None],
    on_image: Callable[[int, int], None] | None = None,
) -> LabelCheck:
    """Train a model for each fold, have it judge the parts that it never saw, and name the labels in doubt.

    The folds' revisions are written into the store as children of the checked one; nothing else of it changes.

    Args:
        task: what and how.
        now: aware UTC instant.
        listener: hears of each training.
        say: hears what is being done.
        on_image: called with how many images were judged and how many there are.

    Raises:
        LabelCheckRefused: the folder holds a check of another revision or with other settings.
        SplitRefused: too few parts for the folds.
        TrainingError, DatasetError: the data, the start or the device does not do.
    """
    store = RevisionStore(task.store)
    revision = store.read(task.settings.revision)
    folds = divide_into_folds(revision.images, folds=task.folds, seed=task.seed)
    _claim_folder(task)
    total = sum(len(fold.judged) for fold in folds)
    checked: list[CheckedImage] = []
    for fold in folds:
        say(f"fold {fold.number + 1} of {len(folds)}: learning from {len(fold.training)} images")
        folder = task.out / f"fold-{fold.number}"
        _train(task, store, revision, fold, folder, listener=listener, say=say)
        say(f"fold {fold.number + 1} of {len(folds)}: judging {len(fold.judged)} images")
        for image in _judge(folder, store, revision, fold, now):
            checked.append(image)
            if on_image is not None:
                on_image(len(checked), total)
    found = LabelCheck(revision.id, len(checked), suspect_labels(checked, revision.classes, share=task.share))
    (task.out / RESULT_NAME).write_text(found.to_json(), encoding="utf-8")
    return found


def _claim_folder(task: LabelCheckTask) -> None:
    """Write down what the folder is for; a second check in it must be the same one."""
    path = task.out / "task.json"
    settings = {name: value for name, value in task.settings.to_json().items() if name != "command"}
    wanted = {"settings": settings, "folds": task.folds, "seed": task.seed}
    text = json.dumps(wanted, indent=2, default=str) + "\n"
    if not path.exists():
        task.out.mkdir(parents=True, exist_ok=True)
        if any(task.out.iterdir()):
            raise LabelCheckRefused(f"{task.out} is not empty and holds no label check; give a new folder")
        path.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        raise LabelCheckRefused(
            f"{task.out} holds a check of another revision or with other settings; give a new folder, or the settings "
            f"in {path} to go on with it"
        )


def _train(
    task: LabelCheckTask,
    store: RevisionStore,
    revision: Revision,
    fold: Fold,
    folder: Path,
    *,
    listener: Listener,
    say: Callable[[str], None],
) -> None:
    record = folder / RUN_NAME
    if record.is_file():
        if json.loads(record.read_bytes()).get("status") == "running":
            resume_run(store, folder, listener=listener, say=say)
        return
    of_fold = store.write(fold_draft(revision, fold, folds=task.folds, seed=task.seed))
    start_run(replace(task.settings, revision=of_fold.id), store, folder, listener=listener, say=say)


def _judge(folder: Path, store: RevisionStore, revision: Revision, fold: Fold, now: datetime) -> Sequence[CheckedImage]:
    """What the fold's model finds on the images that it never saw; those that cannot be judged say nothing."""
    release = read_subject(folder)
    detector = open_detector(release, choose_engine(release, cache_dir=None, requested=REFERENCE_ENGINE))
    images: list[LabelledImage] = [image for image in revision.images if image.name in fold.judged]
    try:
        judge = PartJudge(detector, store, revision.classes, rules=Rules(), now=now)
        return [
            CheckedImage(view.labelled, view.judged.found)
            for part in judge.judge_all(parts_of(images))
            for view in part.views
            if not view.judged.is_refused
        ]
    finally:
        detector.close()
