"""How sure a figure over parts is, when no formula says: resampling."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_GROUPS = 20
"""With fewer groups (boards, lots) than this their resamples say little; then parts are drawn."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval.

    Attributes:
        value: over all images.
        low: 2.5 % quantile over resamples.
        high: 97.5 % quantile.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """Draws with replacement of whole units (Efron, 1979), each as a weight of every image.

    Parts of one group (board, lot) resemble each other, so groups are drawn where there are enough of them; below that
    parts are, and the intervals speak only of more parts from these very groups.

    Attributes:
        unit_of: int64 (images,), the unit that each image belongs to.
        units: how many there are.
        is_by_group: whether the units are groups; else they are parts.
        resamples: number of draws.
        seed: of the draws.
    """

    unit_of: NDArray[np.int64]
    units: int
    is_by_group: bool
    resamples: int = 200
    seed: int = 1

    @classmethod
    def of(
        cls, parts: Sequence[Hashable], groups: Sequence[Hashable], *, resamples: int = 200, seed: int = 1
    ) -> "Resampling":
        """Choose the units.

        Args:
            parts: the part that each image shows.
            groups: the group that each image belongs to.
            resamples: number of draws, at least 1.
            seed: of the draws.

        Raises:
            ValueError: there is no image.
        """
        if not parts:
            raise ValueError("no image to score; expected at least one")
        is_by_group = len(set(groups)) >= LEAST_GROUPS
        names = groups if is_by_group else parts
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        return cls(np.array([numbers[name] for name in names], np.int64), len(numbers), is_by_group, resamples, seed)

    def weights(self) -> Iterator[Weights]:
        """How often each image counts, float64 (images,), for each draw; the same draws each time."""
        rng = np.random.default_rng(self.seed)
        for _ in range(self.resamples):
            drawn = rng.integers(self.units, size=self.units)
            yield np.bincount(drawn, minlength=self.units).astype(np.float64)[self.unit_of]

    def intervals(self, score: Callable[[Weights], Sequence[float]]) -> tuple[Interval, ...]:
        """Percentile intervals of figures.

        Args:
            score: figures under weights of the images, always the same number of them. NaN where the weights leave
                nothing to score; such draws are left out.

        Returns:
            One for each figure, in order; all NaN where the figure itself is.
        """
        whole = score(np.ones(len(self.unit_of)))
        draws = np.array([score(weights) for weights in self.weights()], np.float64)
        return tuple(_interval(value, column) for value, column in zip(whole, draws.T, strict=True))


def _interval(value: float, draws: NDArray[np.float64]) -> Interval:
    usable = draws[~np.isnan(draws)]
    if np.isnan(value) or not len(usable):
        return Interval(float(value), float("nan"), float("nan"))
    low, high = np.quantile(usable, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))
