"""What is believed of a count that was not seen: a mass for each value it may have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import logsumexp  # type: ignore[import-untyped]  # as above

Floats = NDArray[np.floating[Any]]

DROPPED_TAIL = 1e-9
"""At most this much of the belief is left out where a support is cut; far below any interval's tail."""

_NEGLIGIBLE_LOG_MASS = -46.0
"""A count this far below the most believed one (e^-46 = 1e-20) is left out: 10^7 such counts hold 1e-13."""

_LONGEST_SUPPORT = 1 << 17
"""Masses kept at most; beyond, neighbouring counts share one."""

_EXACT_BLOCKS = 16
"""Blocks of a thinned support whose counts are summed one by one."""

_SCOUTS = 32
"""Counts at which a belief is looked at first, to find where it lives."""


@dataclass(frozen=True, slots=True, eq=False)
class CountBelief:
    """A distribution over counts `start, start + step, ...`; a step over 1 stands for the counts around it.

    Attributes:
        start: the first count, 0 or more.
        step: counts that share a mass: [count - step // 2, count + (step - 1) // 2]. 1 unless the support is very
            long; quantiles are then rounded outwards, to the edge of a step.
        masses: shape (n,), not negative, with sum 1.
    """

    start: int
    step: int
    masses: Floats

    @property
    def counts(self) -> Floats:
        """The counts, shape (n,), as floats."""
        return np.arange(len(self.masses)) * float(self.step) + self.start

    @property
    def mean(self) -> float:
        """Expected count."""
        return float(np.sum(self.counts * self.masses))  # no BLAS: its threads wait for each other on a busy host

    def lower(self, tail: float) -> int:
        """The largest count below which there is at most `tail`."""
        index = int(np.searchsorted(np.cumsum(self.masses), tail, side="right"))
        return max(0, self.start + min(index, len(self.masses) - 1) * self.step - self.step // 2)

    def upper(self, tail: float) -> int:
        """The least count above which there is at most `tail`."""
        index = int(np.searchsorted(np.cumsum(self.masses[::-1]), tail, side="right"))
        return self.start + max(len(self.masses) - 1 - index, 0) * self.step + (self.step - 1) // 2

    def share_above(self, count: float) -> float:
        """Belief in more than `count`."""
        return float(self.masses[self.counts > count].sum())

    def plus(self, other: "CountBelief") -> "CountBelief":
        """The belief in the sum of two counts that do not depend on each other."""
        step = max(self.step, other.step)
        left, right = self._stretched(step), other._stretched(step)
        if min(len(left.masses), len(right.masses)) == 1:
            masses = left.masses * right.masses[0] if len(right.masses) == 1 else right.masses * left.masses[0]
        elif min(len(left.masses), len(right.masses)) <= 64:
            masses = np.convolve(left.masses, right.masses)
        else:
            masses = np.maximum(fftconvolve(left.masses, right.masses), 0.0)
        total = CountBelief(left.start + right.start, step, masses / masses.sum())
        return total._shortened()

    def _stretched(self, step: int) -> "CountBelief":
        """The same belief with a longer step; `step` is at least the present one."""
        if step == self.step:
            return self
        places = np.rint((self.counts - self.start) / step).astype(np.int64)
        return CountBelief(self.start, step, np.asarray(np.bincount(places, weights=self.masses), dtype=np.float64))

    def _shortened(self) -> "CountBelief":
        if len(self.masses) <= _LONGEST_SUPPORT:
            return self
        return self._stretched(self.step * -(-len(self.masses) // _LONGEST_SUPPORT))


def certain(count: int) -> CountBelief:
    """The belief of one who knows."""
    return CountBelief(count, 1, np.ones(1))


def mixture(beliefs: Sequence[CountBelief], weights: Floats) -> CountBelief:
    """One of several beliefs holds, each with its weight; the weights need not add up to 1."""
    step = max(belief.step for belief in beliefs)
    start = min(belief.start for belief in beliefs)
    places = [np.rint((belief.counts - start) / step).astype(np.int64) for belief in beliefs]
    masses = np.zeros(max(int(place[-1]) for place in places) + 1)
    for belief, place, weight in zip(beliefs, places, weights, strict=True):
        masses += np.bincount(place, weights=belief.masses * weight, minlength=len(masses))
    return CountBelief(start, step, masses / masses.sum())


def belief_from(
    log_mass: Callable[[Floats], Floats], *, least: int, most: int, longest: int = _LONGEST_SUPPORT
) -> CountBelief:
    """Normalise a log mass function over the counts where it matters.

    The support is found by looking at ever denser counts around the greatest ones; what is cut off lies 46 below the
    maximum in log mass, together under `DROPPED_TAIL`. More than `longest`
    counts are thinned to equal steps.

    Args:
        log_mass: log of a mass up to a constant, for counts of shape (n,); -inf where impossible; smooth between
            neighbouring counts, with few peaks.
        least: the least count possible.
        most: the greatest one.
        longest: masses kept at most.

    Raises:
        ValueError: there is no count, or all are impossible.
    """
    if most < least:
        raise ValueError(f"no count is possible between {least} and {most}")
    low, high = least, most
    while high - low >= _SCOUTS * 4:
        scouts = _scouts(low, high)
        heights = log_mass(scouts)
        alive = np.flatnonzero(heights > np.max(heights) + _NEGLIGIBLE_LOG_MASS)
        if not len(alive):
            raise ValueError(f"all counts between {least} and {most} contradict what was observed")
        first, last = max(int(alive[0]) - 1, 0), min(int(alive[-1]) + 1, len(scouts) - 1)
        narrower = int(scouts[first]), int(scouts[last])
        shrunk = (narrower[1] - narrower[0]) / (high - low)
        low, high = narrower
        if shrunk > 0.7:
            break
    step = max(1, -(-(high - low + 1) // longest))
    heights = log_block_masses(log_mass, low, step=step, blocks=-(-(high - low + 1) // step))
    top = float(np.max(heights))
    if not np.isfinite(top):
        raise ValueError(f"all counts between {least} and {most} contradict what was observed")
    masses = np.exp(heights - top)
    return CountBelief(low + step // 2, step, masses / masses.sum())


def log_block_masses(log_mass: Callable[[Floats], Floats], low: int, *, step: int, blocks: int) -> Floats:
    """Log masses of blocks of `step` counts from `low` on, shape (..., blocks).

    The first blocks, where a belief in rare events may change within one, are summed count by count; the others are
    taken at their middle.

    Args:
        log_mass: for counts of shape (n,), of shape (..., n).
        low: first count.
        step: counts of a block.
        blocks: how many.
    """
    if step == 1:
        return log_mass(low + np.arange(blocks, dtype=np.float64))
    exact = min(_EXACT_BLOCKS, blocks)
    first = log_mass(low + np.arange(exact * step, dtype=np.float64))
    summed = logsumexp(first.reshape(*first.shape[:-1], exact, step), axis=-1)
    if exact == blocks:
        return np.asarray(summed)
    rest = log_mass(low + step // 2 + step * np.arange(exact, blocks, dtype=np.float64)) + np.log(step)
    return np.concatenate((summed, rest), axis=-1)


def _scouts(low: int, high: int) -> Floats:
    """Integers between two, dense at the lower end where rare events live, and even over the whole as well."""
    spread = np.geomspace(1, high - low + 1, _SCOUTS) - 1 + low
    even = np.linspace(low, high, _SCOUTS)
    scouts: Floats = np.unique(np.rint(np.concatenate((spread, even))))
    return scouts
