"""The steps of a retraining, and how far it is."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What is done, in this order."""

    LIVE = "live"
    PULL = "pull"
    SPLIT = "split"
    TRAIN = "train"
    EXPORT = "export"
    PARITY = "parity"
    EVALUATE = "evaluate"
    BUILD = "build"
    SIGN = "sign"
    GATE = "gate"
    COMPARE = "compare"
    PROMOTE = "promote"
    BRING = "bring"


class Phase(StrEnum):
    """Where a step is."""

    STARTED = "started"
    RUNNING = "running"
    SAID = "said"
    """Something worth a line of its own."""
    FINISHED = "finished"
    """Done and written down."""
    KEPT = "kept"
    """It was done by an earlier call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainProgress:
    """How far a retraining is.

    Attributes:
        step: which.
        phase: where it is.
        done: of `total`, within the step; None where nothing is counted.
        total: how much there is; None likewise.
        seconds_left: of the step, as far as one can tell.
        text: for people; may be empty.
    """

    step: Step
    phase: Phase
    done: int | None = None
    total: int | None = None
    seconds_left: float | None = None
    text: str = ""


OnProgress = Callable[[RetrainProgress], None]
"""Hears of every step."""


def nobody_listens(_progress: RetrainProgress) -> None:
    """An `OnProgress` that does nothing."""
