"""How the steps of a retraining follow each other: each is done once, told of, and written down when it is done."""

import time
from collections.abc import Callable
from datetime import datetime

from lineside.training.fitting import EpochReport
from lineside.workflows.retraining.progress import OnProgress, Phase, RetrainProgress, Step
from lineside.workflows.retraining.states import Json, Made, StepStates

Clock = Callable[[], datetime]


class Teller:
    """Tells how far one step is.

    Args:
        step: which.
        on_progress: hears of it.
        monotonic: seconds of a monotonic clock.
    """

    def __init__(self, step: Step, on_progress: OnProgress, monotonic: Callable[[], float]) -> None:
        self._step = step
        self._on_progress = on_progress
        self._monotonic = monotonic
        self._began: float | None = None

    def count(self, done: int, total: int) -> None:
        """So much is done; a count that begins anew is another piece of work."""
        now = self._monotonic()
        if self._began is None or done <= 1:
            self._began = now
        left = (now - self._began) / (done - 1) * (total - done) if done > 1 else None
        self.running(done, total, seconds_left=left)

    def running(self, done: int, total: int, *, seconds_left: float | None) -> None:
        """So much is done, and somebody knows how long the rest takes."""
        self._tell(Phase.RUNNING, done=done, total=total, seconds_left=seconds_left)

    def say(self, text: str) -> None:
        """A line for people."""
        self._tell(Phase.SAID, text=text)

    def _tell(
        self,
        phase: Phase,
        *,
        done: int | None = None,
        total: int | None = None,
        seconds_left: float | None = None,
        text: str = "",
    ) -> None:
        self._on_progress(
            RetrainProgress(step=self._step, phase=phase, done=done, total=total, seconds_left=seconds_left, text=text)
        )


class TrainingTeller:
    """Hears a training run, and tells of it as of one piece of work: a `Listener`.

    Args:
        teller: of the step.
    """

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._before = 0
        self._total = 0

    def on_epoch_start(self, epoch: int, *, epochs: int, steps: int) -> None:
        """See `Listener`."""
        self._before, self._total = (epoch - 1) * steps, epochs * steps

    def on_step(self, step: int, *, seconds_left: float | None) -> None:
        """See `Listener`."""
        self._teller.running(self._before + step, self._total, seconds_left=seconds_left)

    def on_epoch(self, report: EpochReport) -> None:
        """See `Listener`."""
        seen = report.validation
        figure = "" if seen is None else f", mAP50-95 on split val {seen.map50_95:.4f}"
        self._teller.say(f"epoch {report.epoch}{figure}{' (best so far)' if report.is_best else ''}")


class Course:
    """Does the steps of a retraining that are not done yet.

    Args:
        states: what is done.
        clock: gives the present instant, aware.
        on_progress: hears of every step.
        monotonic: seconds of a monotonic clock.
    """

    def __init__(
        self,
        states: StepStates,
        *,
        clock: Clock,
        on_progress: OnProgress,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.states = states
        self._on_progress = on_progress
        self._monotonic = monotonic

    def take(self, step: Step, inputs: Json, work: Callable[[Teller], Made]) -> Json:
        """Do a step, or take what an earlier call did.

        Args:
            step: which.
            inputs: JSON values that decide its outcome.
            work: does it; whatever it leaves half done when killed, it must cope with when called again.

        Returns:
            The step's outputs.

        Raises:
            RetrainingChanged: an earlier call did it with something else.
        """
        state = self.states.kept(step, inputs)
        if state is not None:
            self._on_progress(RetrainProgress(step=step, phase=Phase.KEPT))
            return state.outputs
        self._on_progress(RetrainProgress(step=step, phase=Phase.STARTED))
        began = self._monotonic()
        made = work(Teller(step, self._on_progress, self._monotonic))
        state = self.states.write(step, inputs, made, finished_at=self.clock(), seconds=self._monotonic() - began)
        self._on_progress(RetrainProgress(step=step, phase=Phase.FINISHED))
        return state.outputs
