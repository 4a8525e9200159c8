"""How a retraining is shown: a bar while a step runs, a line when something is known; all on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID

from lineside.cli.progress import bars_and_lines, clock_time
from lineside.workflows.retraining import OnProgress, Phase, RetrainProgress, Step

_WORDS = {
    Step.PULL: "pull the labels",
    Step.LIVE: "find the live release",
    Step.SPLIT: "split, golden untouched",
    Step.TRAIN: "train",
    Step.EXPORT: "export",
    Step.PARITY: "compare the engines",
    Step.EVALUATE: "evaluate on val",
    Step.BUILD: "build the candidate",
    Step.SIGN: "sign it",
    Step.GATE: "the gate, on golden",
    Step.COMPARE: "what was learnt",
    Step.PROMOTE: "promote",
    Step.BRING: "bring it to the line",
}


class RetrainView:
    """Hears a retraining and draws it.

    Args:
        progress: the bar; None where nobody looks, then there are lines only.
        console: for the lines.
    """

    def __init__(self, progress: Progress | None, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._task: TaskID | None = None

    def __call__(self, told: RetrainProgress) -> None:
        """See `OnProgress`."""
        words = _WORDS[told.step]
        if told.phase is Phase.KEPT:
            self._line(f"{words}: done before")
        elif told.phase is Phase.STARTED:
            self._line(words)
            if self._progress is not None:
                self._task = self._progress.add_task(words, total=None, left="")
        elif told.phase is Phase.SAID:
            self._line(f"  {told.text}")
        elif told.phase is Phase.RUNNING:
            self._draw(told)
        elif self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _draw(self, told: RetrainProgress) -> None:
        if self._progress is None or self._task is None:
            return
        left = "" if told.seconds_left is None else f"about {clock_time(told.seconds_left)} left"
        self._progress.update(self._task, completed=told.done, total=told.total, left=left)

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)


@contextmanager
def retrain_view() -> Iterator[OnProgress]:
    """A view of stderr, with a bar only if it is a terminal."""
    with bars_and_lines() as (progress, console):
        yield RetrainView(progress, console)
