"""How sure a figure over boards is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Board = TypeVar("Board")


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval.

    Attributes:
        value: over all boards.
        low: 2.5 % quantile over resamples.
        high: 97.5 % quantile.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_intervals(
    boards: Sequence[Board],
    score: Callable[[Sequence[Board]], Sequence[float]],
    *,
    resamples: int = 200,
    seed: int = 1,
) -> tuple[Interval, ...]:
    """Percentile bootstrap over boards (Efron, 1979).

    Boards are drawn with replacement, each with all its defects. The intervals speak of boards like these: images
    cut from the same physical board are not independent, so between boards a figure varies more than they say.

    Args:
        boards: what the score is over, at least one.
        score: figures of a list of boards, always the same number of them.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        One interval for each figure, in order.
    """
    if not boards:
        raise ValueError("no board to score; expected at least one")
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(boards), size=(resamples, len(boards)))
    draws = np.array([score([boards[index] for index in row]) for row in chosen], np.float64)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    whole = score(boards)
    return tuple(Interval(float(v), float(a), float(b)) for v, a, b in zip(whole, low, high, strict=True))
