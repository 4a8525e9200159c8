"""Boundaries for a test that is looked at a few times, at looks fixed beforehand."""

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts, check_share

MOST_LOOKS = 50
_NODES = 121  # across the interval that goes on; twice as many move no fourth digit
_FURTHEST = 8.0  # standard deviations of the sum that are integrated over


class BoundaryShape(StrEnum):
    """How the chance of a false alarm is spent over the looks."""

    O_BRIEN_FLEMING = "o-brien-fleming"
    """Hardly any early: the last look is almost as if it were the only one."""
    POCOCK = "pocock"
    """The same bar at every look: quick to stop, dearer at the end."""


def group_sequential_boundary(
    looks: int, *, shape: BoundaryShape = BoundaryShape.O_BRIEN_FLEMING, false_alarms: float = 0.05
) -> tuple[float, ...]:
    """Critical values of |z| for equally spaced looks: a two-sided test that may stop at each of them.

    Sources: P. C. O'Brien and T. R. Fleming, "A multiple testing procedure for clinical trials", Biometrics 35 (1979)
    549-556: bounds c sqrt(looks / k) at look k; S. J. Pocock, "Group sequential methods in the design and analysis of
    clinical trials", Biometrika 64 (1977) 191-199: one bound for all; the chance of crossing by the recursive
    integration of P. Armitage, C. K. McPherson and B. C. Rowe, "Repeated significance tests on accumulating data",
    Journal of the Royal Statistical Society A 132 (1969) 235-244.

    Assumptions: z at look k is a sum of k independent, equal steps divided by its standard deviation, near normal; the
    number of looks and the information between them are fixed before. Where one looks whenever one likes, take the e
    values of `sequential`.

    Args:
        looks: how many, from 1 to `MOST_LOOKS`.
        shape: of the boundary.
        false_alarms: chance of crossing it anywhere while there is no difference, both sides together.

    Returns:
        One value for each look, in order.

    Raises:
        TypeError: the number of looks is no integer.
        ValueError: an argument is out of its range.

    >>> [round(value, 3) for value in group_sequential_boundary(2)]
    [2.797, 1.977]
    >>> [round(value, 3) for value in group_sequential_boundary(2, shape=BoundaryShape.POCOCK)]
    [2.178, 2.178]
    """
    check_counts(looks=looks)
    check_share("false_alarms", false_alarms)
    if not 1 <= looks <= MOST_LOOKS:
        raise ValueError(f"{looks} looks; expected from 1 to {MOST_LOOKS}")
    steps = np.arange(1, looks + 1)
    is_flat = shape is BoundaryShape.POCOCK
    factors = np.ones(looks) if is_flat else np.sqrt(looks / steps)
    single = float(-ndtri(false_alarms / 2))
    least, most = single, float(-ndtri(false_alarms / (2 * looks))) + 1e-9  # Bonferroni's bar is high enough for both

    def excess(level: float) -> float:
        return crossing_chance((level * factors).tolist()) - false_alarms

    level = single if looks == 1 else float(brentq(excess, least, most, xtol=1e-9))
    return tuple((level * factors).tolist())


def crossing_chance(boundary: list[float] | tuple[float, ...], *, drift: float = 0.0) -> float:
    """Chance that |z| exceeds the boundary at one look or another.

    Args:
        boundary: critical value at each equally spaced look, above 0.
        drift: mean of z at the last look; 0 while there is no difference, so that 1 less the result is then the
            test's confidence, and otherwise the result its power.

    Raises:
        ValueError: there is no look, or a value is not above 0.
    """
    if not boundary or not all(value > 0 for value in boundary):
        raise ValueError(f"a boundary of {boundary}; expected a value above 0 for each look")
    step = drift / math.sqrt(len(boundary))  # mean of each step of the sum, whose standard deviation is 1
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edge = min(boundary[0], _FURTHEST)
    places: NDArray[np.float64] = nodes * edge
    crossed = float(ndtr(-boundary[0] + step) + ndtr(-boundary[0] - step))
    density = weights * edge * _normal_density(places - step)
    for look, value in enumerate(boundary[1:], 2):
        edge = value * math.sqrt(look)
        crossed += float(np.sum(density * (ndtr(places + step - edge) + ndtr(-edge - places - step))))
        inner = min(edge, (_FURTHEST + abs(drift)) * math.sqrt(look))
        following = nodes * inner
        # summed without a matrix product: its threads cost more than they save at this size
        steps = _normal_density(following[:, None] - places[None, :] - step) * density[None, :]
        density = weights * inner * steps.sum(axis=1)
        places = following
    return crossed


def _normal_density(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(values**2) / 2) / math.sqrt(2 * math.pi), np.float64)
