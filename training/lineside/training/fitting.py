"""From the first epoch to the last: looking at the validation split, stopping early, and surviving a kill."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lineside.training.checkpoints import write_whole
from lineside.training.errors import RunRefused
from lineside.training.learning import Learner, Progress
from lineside.training.plan import TrainingPlan
from lineside.training.ultralytics_adapter import Network

STATE_NAME = "state.safetensors"
METRICS_NAME = "metrics.csv"
_BEST_NAME = "best.safetensors"

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ValidationFigures:
    """How good the averaged weights are on the validation split.

    Attributes:
        map50: COCO's mean average precision at IoU 0.5; NaN where no class occurs.
        map50_95: the mean over IoU 0.5 to 0.95; it decides which epoch is the best.
    """

    map50: float
    map50_95: float


@dataclass(frozen=True, slots=True)
class EpochReport:
    """A line of the run's table.

    Attributes:
        epoch: from 1.
        losses: mean by name.
        learning_rate: at the epoch's end.
        seconds: learning and looking.
        validation: None where nobody looked.
        is_best: no earlier look was better.
    """

    epoch: int
    losses: Mapping[str, float]
    learning_rate: float
    seconds: float
    validation: ValidationFigures | None
    is_best: bool


class Listener(Protocol):
    """Hears how a run goes."""

    def on_epoch_start(self, epoch: int, *, epochs: int, steps: int) -> None:
        """An epoch of so many steps begins; `epoch` counts from 1."""
        ...

    def on_step(self, step: int, *, seconds_left: float | None) -> None:
        """A step is done; how long the run still takes as far as one can tell."""
        ...

    def on_epoch(self, report: EpochReport) -> None:
        """An epoch is over and saved."""
        ...


class Silence:
    """A listener that says nothing."""

    def on_epoch_start(self, epoch: int, *, epochs: int, steps: int) -> None:
        """See `Listener`."""

    def on_step(self, step: int, *, seconds_left: float | None) -> None:
        """See `Listener`."""

    def on_epoch(self, report: EpochReport) -> None:
        """See `Listener`."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a run came to.

    Attributes:
        weights: averaged, of the best epoch by the validation split, or of the last one where nobody looked.
        best_epoch: from 1.
        reports: of all epochs, resumed ones too.
        seconds: of all parts.
        ended_by: "epochs", "patience" or "time".
    """

    weights: Weights
    best_epoch: int
    reports: tuple[EpochReport, ...]
    seconds: float
    ended_by: str


@dataclass(slots=True)
class _Course:
    """How the run went so far; saved with the learner's state."""

    reports: list[EpochReport] = field(default_factory=list)
    best_epoch: int = 0
    best_figure: float = -math.inf
    is_cut_short: bool = False


def fit(
    learner: Learner,
    *,
    plan: TrainingPlan,
    folder: Path,
    metrics: Path,
    validate: Callable[[Network], ValidationFigures] | None = None,
    listener: Listener | None = None,
    is_resumed: bool = False,
) -> Fit:
    """Train until the epochs, the patience or the minutes are used up; after each epoch everything is saved.

    Args:
        learner: fresh.
        plan: the learner's.
        folder: of the state.
        metrics: CSV file with a line for each epoch.
        validate: looks at the averaged weights; None keeps those of the last epoch.
        listener: hears of it.
        is_resumed: go on from the state in the folder, if it has one.

    Raises:
        TrainingError: the loss is not finite; the state is of another network.
    """
    listener = listener or Silence()
    course = _load(learner, folder) if is_resumed else _Course()
    ended_by = _ended_by(learner, plan, course)
    while not ended_by:
        report = _epoch(learner, plan, course, validate=validate, listener=listener)
        course.reports.append(report)
        if report.is_best:
            course.best_epoch = report.epoch
            if report.validation is not None:
                course.best_figure = report.validation.map50_95
            _write_arrays(folder / _BEST_NAME, _weights(learner.average), {})
        _save(learner, folder, course)
        write_whole(metrics, _csv(course.reports))
        listener.on_epoch(report)
        ended_by = _ended_by(learner, plan, course)
    weights = {name: values.astype(np.float32) for name, values in _read_arrays(folder / _BEST_NAME)[0].items()}
    return Fit(weights, course.best_epoch, tuple(course.reports), learner.seconds, ended_by)


def _epoch(
    learner: Learner,
    plan: TrainingPlan,
    course: _Course,
    *,
    validate: Callable[[Network], ValidationFigures] | None,
    listener: Listener,
) -> EpochReport:
    started = learner.seconds
    steps = learner.steps_per_epoch()
    listener.on_epoch_start(learner.progress.epochs_done + 1, epochs=plan.epochs, steps=steps)
    learnt = learner.learn_epoch(on_step=lambda step: listener.on_step(step, seconds_left=learner.seconds_left()))
    course.is_cut_short = learnt.is_cut_short
    figures = None
    if validate is not None and (
        learnt.epoch % plan.validate_every == 0 or learnt.epoch == plan.epochs or learner.is_out_of_time
    ):
        figures = validate(learner.average)
    is_best = validate is None or not course.best_epoch or (figures is not None and _is_better(figures, course))
    return EpochReport(
        learnt.epoch, dict(learnt.losses), learnt.learning_rate, learner.seconds - started, figures, is_best
    )


def _is_better(figures: ValidationFigures, course: _Course) -> bool:
    return figures.map50_95 > course.best_figure


def _ended_by(learner: Learner, plan: TrainingPlan, course: _Course) -> str:
    if learner.progress.epochs_done >= plan.epochs:
        return "epochs"
    if course.reports and (course.is_cut_short or learner.is_out_of_time):
        return "time"
    if plan.patience is not None and learner.progress.epochs_done - course.best_epoch >= plan.patience:
        return "patience"
    return ""


def _weights(network: Network) -> dict[str, NDArray[Any]]:
    return {
        name: value.detach().float().cpu().numpy()
        for name, value in network.state_dict().items()
        if value.dtype.is_floating_point
    }


def _save(learner: Learner, folder: Path, course: _Course) -> None:
    progress = learner.progress
    facts = {
        "progress": {
            "epochs_done": progress.epochs_done,
            "steps_done": progress.steps_done,
            "seconds": learner.seconds,
        },
        "best_epoch": course.best_epoch,
        "best_figure": course.best_figure if math.isfinite(course.best_figure) else None,
        "is_cut_short": course.is_cut_short,
        "reports": [asdict(report) for report in course.reports],
    }
    _write_arrays(folder / STATE_NAME, learner.state(), facts)


def _load(learner: Learner, folder: Path) -> _Course:
    """The state of the last whole epoch; a run that was killed before its first one starts from the beginning."""
    path = folder / STATE_NAME
    if not path.is_file():
        return _Course()
    arrays, facts = _read_arrays(path)
    learner.restore(arrays, Progress(**facts["progress"]))
    reports = [
        EpochReport(**{**row, "validation": row["validation"] and ValidationFigures(**row["validation"])})
        for row in facts["reports"]
    ]
    best_figure = -math.inf if facts["best_figure"] is None else float(facts["best_figure"])
    return _Course(reports, facts["best_epoch"], best_figure, facts["is_cut_short"])


def _write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(values).reshape(values.shape) for name, values in arrays.items()}
    write_whole(path, save(contiguous, {"facts": json.dumps(facts)}))


def _read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as opened:
            names = opened.keys()
            arrays = {name: opened.get_tensor(name) for name in names}
            return arrays, json.loads((opened.metadata() or {})["facts"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise RunRefused(f"{path} is damaged or no state of a run ({error}); start again in a new folder") from error


def _csv(reports: list[EpochReport]) -> bytes:
    names = list(reports[0].losses) if reports else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *names, "learning_rate", "seconds", "map50", "map50_95", "is_best"])
    for report in reports:
        figures = report.validation
        shown = ("", "") if figures is None else (f"{figures.map50:.5f}", f"{figures.map50_95:.5f}")
        losses = [f"{report.losses[name]:.5f}" for name in names]
        writer.writerow(
            [report.epoch, *losses, f"{report.learning_rate:.3e}", f"{report.seconds:.1f}", *shown, int(report.is_best)]
        )
    return text.getvalue().encode()
