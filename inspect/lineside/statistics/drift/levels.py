"""Levels over time: a figure of each batch of parts against the same figure of the reference period.

A batch's mean is nearly normal whatever a single part's figure is, and the spread of the reference's batches holds
all that makes batches differ in normal running, which the spread of single parts does not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import t as student  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_share
from lineside.statistics.drift.samples import FloatArray, finite
from lineside.statistics.errors import TooFewParts

LEAST_BATCHES = 8
"""A spread from fewer is known to no better than a factor of two."""

EWMA_WEIGHT = 0.2
"""Weight of the newest batch: a change of one spread is seen best between 10 and 20 batches (Lucas and Saccucci)."""

CUSUM_SLACK = 0.5
"""In spreads: tuned to a change of one spread (Page)."""

_MOST_AUTOCORRELATION = 0.9
_LARGEST_DEVIATE = 8.0  # of a batch; a single wild one then counts as large and no more


@dataclass(frozen=True, slots=True)
class Level:
    """What a figure of a batch is in the reference period.

    Attributes:
        mean: over its batches.
        spread: standard deviation between its batches, at least the resolution.
        batches: how many.
        autocorrelation: of neighbouring batches, 0 to 0.9.
    """

    mean: float
    spread: float
    batches: int
    autocorrelation: float

    @classmethod
    def of(cls, figures: Sequence[float], *, resolution: float) -> "Level":
        """Learn the level from one figure a batch.

        Args:
            figures: in the order of the batches, at least `LEAST_BATCHES`.
            resolution: the least spread to assume, in the figure's unit: a lamp that did not vary at all while the
                reference was taken must not alarm at its first flicker.

        Raises:
            NonFiniteMeasure: a figure is NaN or infinite.
            TooFewParts: there are too few batches.
            ValueError: the resolution is not above 0.
        """
        if not resolution > 0:
            raise ValueError(f"the resolution is {resolution}; expected a number above 0")
        values = finite("a batch's figure", figures)
        if values.size < LEAST_BATCHES:
            raise TooFewParts("a level (counted in batches)", needed=LEAST_BATCHES, found=values.size)
        centred = values - values.mean()
        square_sum = float(centred @ centred)
        lag_one = float(centred[1:] @ centred[:-1]) / square_sum if square_sum > 0 else 0.0
        return cls(
            mean=float(values.mean()),
            spread=max(float(values.std(ddof=1)), resolution),
            batches=values.size,
            autocorrelation=min(max(lag_one, 0.0), _MOST_AUTOCORRELATION),
        )

    def deviates(self, figures: Sequence[float]) -> FloatArray:
        """Each figure as a standard normal deviate, as far as the reference lets one know it.

        Source: Q statistics, C. P. Quesenberry, "SPC Q charts for start-up processes and short or long runs", Journal
        of Quality Technology 23 (1991) 213-224: a prediction from an estimated mean and spread follows Student's
        distribution, whose quantile is turned into that of a normal one. Neighbours that resemble each other are made
        less sure by the variance factor (1 + r) / (1 - r) of a first-order autoregression.
        """
        factor = (1 + self.autocorrelation) / (1 - self.autocorrelation)
        scale = self.spread * math.sqrt(factor * (1 + 1 / self.batches))
        ratios = (finite("a batch's figure", figures) - self.mean) / scale
        tails = student.cdf(-np.abs(ratios), self.batches - 1)
        return np.asarray(np.clip(-np.sign(ratios) * ndtri(tails), -_LARGEST_DEVIATE, _LARGEST_DEVIATE))


@dataclass(frozen=True, slots=True)
class LevelShift:
    """How a figure stands against its reference.

    Attributes:
        p_value: chance of a deviation this large, in either direction, if nothing changed.
        before: mean of the reference.
        after: exponentially weighted mean of the newest batches.
        spreads: their difference in spreads between the reference's batches.
    """

    p_value: float
    before: float
    after: float
    spreads: float


def level_shift(level: Level, figures: Sequence[float], *, weight: float = EWMA_WEIGHT) -> LevelShift:
    """Exponentially weighted moving average of a figure, against the reference.

    Source: S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959) 239-250,
    with the variance of a first-order autoregression (factor (1 + r(1 - w)) / (1 - r(1 - w)), W. Schmid, "On EWMA
    charts for time series", 1997) and the reference's own error; Student's distribution, as the spread is estimated.

    Args:
        level: of the reference.
        figures: of the batches since, in order, 1 or more.
        weight: of the newest batch, strictly between 0 and 1.

    Raises:
        NonFiniteMeasure: a figure is NaN or infinite.
        TooFewParts: there is no figure.
        ValueError: the weight is out of range.
    """
    check_share("the weight of the newest batch", weight)
    values = finite("a batch's figure", figures)
    if values.size == 0:
        raise TooFewParts("a moving average (counted in batches)", needed=1, found=0)
    ages = np.arange(values.size)[::-1]
    weights = weight * (1 - weight) ** ages
    forgotten = float((1 - weight) ** values.size)
    average = float(weights @ values) + forgotten * level.mean
    r = level.autocorrelation
    own = weight / (2 - weight) * (1 - forgotten**2) * (1 + r * (1 - weight)) / (1 - r * (1 - weight))
    error_of_reference = (1 - forgotten) ** 2 * (1 + r) / (1 - r) / level.batches
    deviation = average - level.mean
    ratio = deviation / (level.spread * math.sqrt(own + error_of_reference))
    return LevelShift(
        p_value=float(2 * student.sf(abs(ratio), level.batches - 1)),
        before=level.mean,
        after=average,
        spreads=deviation / level.spread,
    )


@dataclass(frozen=True, slots=True)
class CusumRun:
    """Where a two-sided cumulative sum stands after its last batch.

    Attributes:
        upper: sum of what lies above the reference, 0 or more.
        lower: sum of what lies below, 0 or more.
        crossed_at: the first batch (from 0) at which the limit was reached; None if never.
        began_at: the batch after which the larger sum last stood at 0: Page's estimate of when the change began.
    """

    upper: float
    lower: float
    crossed_at: int | None
    began_at: int


def cusum(deviates: Sequence[float], *, limit: float, slack: float = CUSUM_SLACK) -> CusumRun:
    """Two-sided cumulative sum of standard normal deviates.

    Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954) 100-115; NIST/SEMATECH e-Handbook 6.3.2.3.

    Args:
        deviates: one a batch, in order; may be empty.
        limit: from which a sum alarms, above 0.
        slack: taken off each deviate, 0 or more.

    Raises:
        NonFiniteMeasure: a deviate is NaN or infinite.
        ValueError: the limit or the slack is out of range.
    """
    if not limit > 0 or not slack >= 0:
        raise ValueError(f"limit {limit} and slack {slack}; expected a limit above 0 and a slack of 0 or more")
    upper = lower = 0.0
    upper_began = lower_began = 0
    crossed_at: int | None = None
    for index, deviate in enumerate(finite("a deviate", deviates).tolist()):
        upper, lower = max(0.0, upper + deviate - slack), max(0.0, lower - deviate - slack)
        upper_began = index + 1 if upper == 0 else upper_began
        lower_began = index + 1 if lower == 0 else lower_began
        if crossed_at is None and max(upper, lower) >= limit:
            crossed_at = index
    return CusumRun(upper, lower, crossed_at, upper_began if upper >= lower else lower_began)


def cusum_limit(batches_between_false_alarms: float, *, slack: float = CUSUM_SLACK) -> float:
    """The limit at which an undisturbed two-sided sum alarms once in so many batches, on average.

    Source: D. Siegmund, "Sequential Analysis" (1985): run length (exp(2kb) - 2kb - 1) / (2k²) with b = limit + 1.166 of
    one side; two sides alarm twice as often.

    Args:
        batches_between_false_alarms: above 10.
        slack: as in `cusum`, above 0.

    Raises:
        ValueError: an argument is out of its range.

    >>> round(cusum_limit(465), 1)  # the textbook's h = 5 (Montgomery gives 465)
    5.0
    """
    if not batches_between_false_alarms > 10 or not slack > 0:
        raise ValueError(
            f"{batches_between_false_alarms} batches between false alarms with slack {slack}; expected more than 10 "
            "batches and a slack above 0"
        )
    low, high = 0.01, 200.0 / slack
    for _ in range(100):
        middle = (low + high) / 2
        exponent = 2 * slack * (middle + 1.166)
        run_length = (math.expm1(min(exponent, 700.0)) - exponent) / (2 * slack**2) / 2
        low, high = (middle, high) if run_length < batches_between_false_alarms else (low, middle)
    return high
