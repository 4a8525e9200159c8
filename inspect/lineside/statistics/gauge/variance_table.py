"""The table of variance of a crossed study: sums of squares and their tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.gauge.records import GaugeRefused, MeanSquare

Sum = tuple[float, int]
"""A sum of squares with its degrees of freedom."""


@dataclass(frozen=True, slots=True)
class VarianceTable:
    """Sums of squares of the crossed design. With one appraiser, or pooled, interaction is part of repeating."""

    parts: int
    appraisers: int
    trials: int
    part: Sum
    appraiser: Sum
    interaction: Sum
    pure_repeating: Sum
    is_pooled: bool

    @classmethod
    def of(cls, sizes: NDArray[np.float64], pool_above: float) -> "VarianceTable":
        """The table of sizes of shape (appraisers, parts, trials)."""
        appraisers, parts, trials = sizes.shape
        # Held against the first trial and the first appraiser: what repeats exactly then differs by exactly nothing.
        apart = sizes - sizes[:, :, :1]
        within = apart.mean(axis=2)
        offsets = sizes[:, :, 0] - sizes[:1, :, 0] + within - within[:1]
        mean, of_parts = sizes.mean(), sizes.mean(axis=(0, 2))
        by_part = appraisers * trials * float(np.sum((of_parts - mean) ** 2)) if np.ptp(sizes) > 0 else 0.0
        by_appraiser = parts * trials * float(np.sum((offsets.mean(axis=1) - offsets.mean()) ** 2))
        mixed = offsets - offsets.mean(axis=1, keepdims=True) - offsets.mean(axis=0, keepdims=True) + offsets.mean()
        interaction = (trials * float(np.sum(mixed**2)), (parts - 1) * (appraisers - 1))
        repeating = (float(np.sum((apart - within[:, :, np.newaxis]) ** 2)), parts * appraisers * (trials - 1))
        if by_part + by_appraiser + interaction[0] + repeating[0] == 0.0:
            raise GaugeRefused("all measurements are the same; expected parts of different sizes")
        is_pooled = appraisers == 1 or _tail(interaction, repeating)[1] > pool_above
        return cls(
            parts,
            appraisers,
            trials,
            (by_part, parts - 1),
            (by_appraiser, appraisers - 1),
            interaction,
            repeating,
            is_pooled,
        )

    @property
    def repeating(self) -> Sum:
        """What repeating shows, with the interaction where that is pooled."""
        if not self.is_pooled:
            return self.pure_repeating
        return (self.interaction[0] + self.pure_repeating[0], self.interaction[1] + self.pure_repeating[1])

    @property
    def against(self) -> Sum:
        """What appraisers and parts are tested with."""
        return self.repeating if self.is_pooled else self.interaction

    @staticmethod
    def value(row: Sum) -> float:
        """The mean square."""
        return row[0] / row[1]

    def tested(self, row: Sum) -> MeanSquare:
        """A row with its test."""
        return MeanSquare(*row, self.value(row), *_tail(row, self.against))

    def interaction_row(self) -> MeanSquare | None:
        """The interaction with its test, pooled or not; None with one appraiser."""
        if self.appraisers == 1:
            return None
        return MeanSquare(
            *self.interaction, self.value(self.interaction), *_tail(self.interaction, self.pure_repeating)
        )


def _tail(row: Sum, against: Sum) -> tuple[float | None, float]:
    """F ratio and p-value; without any spread to test with, whatever is there is there for sure."""
    if against[0] == 0.0:
        return None, 0.0 if row[0] > 0.0 else 1.0
    ratio = (row[0] / row[1]) / (against[0] / against[1])
    return ratio, float(fdtrc(row[1], against[1], ratio))
