"""How a training run is shown: a bar while an epoch runs, a line when it is over; all on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID

from lineside.cli.progress import bars_and_lines, clock_time
from lineside.training.fitting import EpochReport


class TrainingView:
    """Listens to a run and draws it.

    Args:
        progress: the bar; None where nobody looks, then there are lines only.
        console: for the lines.
    """

    def __init__(self, progress: Progress | None, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._task: TaskID | None = None
        self._has_head = False

    def on_epoch_start(self, epoch: int, *, epochs: int, steps: int) -> None:
        """See `Listener`."""
        if self._progress is not None:
            self._task = self._progress.add_task(f"epoch {epoch}/{epochs}", total=steps, left="")

    def on_step(self, step: int, *, seconds_left: float | None) -> None:
        """See `Listener`."""
        if self._progress is not None and self._task is not None:
            left = "" if seconds_left is None else f"about {clock_time(seconds_left)} left in all"
            self._progress.update(self._task, completed=step, left=left)

    def on_epoch(self, report: EpochReport) -> None:
        """See `Listener`."""
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
        if not self._has_head:
            self._has_head = True
            losses = "".join(f"{name.removesuffix('_loss'):>8}" for name in report.losses)
            self._line(f"{'epoch':>5}{losses}{'mAP50':>9}{'mAP50-95':>10}{'time':>8}")
        losses = "".join(f"{value:>8.3f}" for value in report.losses.values())
        seen = report.validation
        figures = f"{'-':>9}{'-':>10}" if seen is None else f"{seen.map50:>9.4f}{seen.map50_95:>10.4f}"
        best = "  best" if report.is_best and seen is not None else ""
        self._line(f"{report.epoch:>5}{losses}{figures}{clock_time(report.seconds):>8}{best}")

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)


@contextmanager
def training_view() -> Iterator[TrainingView]:
    """A view of stderr, with a bar only if it is a terminal."""
    with bars_and_lines() as (progress, console):
        yield TrainingView(progress, console)
