"""What a figure of an inspection capability study is usually held to be: good, marginal or unacceptable.

Source: Automotive Industry Action Group, "Measurement Systems Analysis", 4th edition (2010), chapter III, section C,
for effectiveness, miss rate and false-alarm rate; for kappa the bands 0.9 and 0.7 in common use. They are conventions,
not laws: where a miss is dear, ask for less than 2 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Band(StrEnum):
    """What a figure is held to be."""

    GOOD = "good"
    MARGINAL = "marginal"
    UNACCEPTABLE = "unacceptable"


@dataclass(frozen=True, slots=True)
class Bands:
    """Where one figure passes from good over marginal to unacceptable.

    Attributes:
        good: the worst figure that is still good.
        marginal: the worst that is still marginal.
    """

    good: float
    marginal: float

    def of(self, value: float) -> Band:
        """The band of a figure; a figure on the border is in the better one."""
        sign = 1.0 if self.good >= self.marginal else -1.0
        if sign * value >= sign * self.good:
            return Band.GOOD
        return Band.MARGINAL if sign * value >= sign * self.marginal else Band.UNACCEPTABLE

    def worst_of(self, lower: float, upper: float) -> Band:
        """The band of an interval's bad end: what can be claimed at its confidence."""
        return self.of(lower if self.good >= self.marginal else upper)


KAPPA = Bands(0.9, 0.7)
EFFECTIVENESS = Bands(0.9, 0.8)
MISS_RATE = Bands(0.02, 0.05)
FALSE_ALARM_RATE = Bands(0.05, 0.10)


def worst(bands: Sequence[Band]) -> Band:
    """The worst of some bands; good where there are none."""
    order = list(Band)
    return max(bands, key=order.index, default=Band.GOOD)
