"""What parts are like, and the chances that each part takes with it into every scenario."""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.line_model.errors import ImpossibleLine
from lineside.serving.twin.line_model.numbers import check_share

NEVER_FLAGGED = -1.0
"""Score of a part that no threshold flags."""

ALWAYS_FLAGGED = 2.0
"""Score of a part that every threshold flags."""


@dataclass(frozen=True, slots=True, eq=False)
class PartMix:
    """Kinds of parts with their shares.

    Attributes:
        is_defective: (n,) whether parts of this kind are defective in truth.
        scores: (n,) the score that the detector gives them; flagged from the threshold on.
        weights: (n,) how many there are of each, of any sum above 0.
    """

    is_defective: NDArray[np.bool_]
    scores: Numbers
    weights: Numbers
    _bounds: Numbers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no mix of parts."""
        shapes = {np.shape(column) for column in (self.is_defective, self.scores, self.weights)}
        if len(shapes) != 1 or len(shapes.copy().pop()) != 1:
            raise ImpossibleLine(f"kinds of parts of shapes {sorted(shapes)}; expected three lists of one length")
        weights: NDArray[Any] = np.asarray(self.weights, np.float64)
        total = weights.sum()
        if not (np.isfinite(weights).all() and (weights >= 0).all() and total > 0):
            raise ImpossibleLine("weights of parts that are negative, not finite or all 0")
        if not np.isfinite(self.scores).all():
            raise ImpossibleLine("scores of parts that are not finite")
        object.__setattr__(self, "_bounds", np.cumsum(weights) / total)

    @classmethod
    def of_shares(cls, *, defective: float, recall: float, false_call: float) -> Self:
        """Parts of whom only shares are known: flagged at every threshold up to 1, or at none.

        Args:
            defective: share of parts.
            recall: share of defective ones that are flagged.
            false_call: share of good ones that are flagged.
        """
        for name, share in (
            ("the defective share", defective),
            ("recall", recall),
            ("the false-call rate", false_call),
        ):
            check_share(name, share)
        good = 1.0 - defective
        return cls(
            np.array([True, True, False, False]),
            np.array([ALWAYS_FLAGGED, NEVER_FLAGGED] * 2),
            np.array([defective * recall, defective * (1 - recall), good * false_call, good * (1 - false_call)]),
        )

    def kinds(self, uniforms: Numbers) -> NDArray[np.intp]:
        """Which kind a part of that chance is."""
        last = len(self._bounds) - 1
        return np.minimum(np.searchsorted(self._bounds, uniforms, side="right"), last)

    def flagged_share(self, threshold: float) -> float:
        """Share of parts that are flagged."""
        return float(self.weights[self.scores >= threshold].sum() / self.weights.sum())


class Purpose(IntEnum):
    """What a chance is for; each has a stream of its own, so that one more use of one moves no other."""

    ARRIVAL = 0
    KIND = 1
    INSPECTION = 2
    NOT_INSPECTED = 3
    WHAT_NEXT = 4
    TURNAROUND = 5
    LATER_VERDICT = 6


@dataclass(frozen=True)
class Chances:
    """Uniform numbers of one run, keyed by purpose, part and attempt: common random numbers.

    Two scenarios of the same seed and replication see the same parts with the same luck, so that their difference is
    due to the scenario. Source: A. M. Law, "Simulation Modeling and Analysis", 5th ed., section 11.2.

    Attributes:
        seed: of the whole comparison.
        replication: which run of it.
        parts: how many parts there may be; the numbers of a part do not depend on it.
        attempts: how many attempts of each.
    """

    seed: int
    replication: int
    parts: int
    attempts: int

    @cached_property
    def arrivals(self) -> Numbers:
        """(parts,) when each comes."""
        return self._stream(Purpose.ARRIVAL).random(self.parts)

    @cached_property
    def kinds(self) -> Numbers:
        """(parts,) what each is."""
        return self._stream(Purpose.KIND).random(self.parts)

    def by_attempt(self, purpose: Purpose) -> Numbers:
        """(parts, attempts)."""
        return self._stream(purpose).random((self.parts, self.attempts))

    def _stream(self, purpose: Purpose) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.replication, purpose)))
