"""When a trend reaches its limit: of a defect rate, of a lamp's brightness, of a lens's focus."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_share
from lineside.statistics.errors import TooFewParts

LEAST_OBSERVATIONS = 8
"""A slope from fewer has an interval too wide to be of use."""

HORIZON_SPANS = 3.0
"""How far ahead a date is given, in spans of the observations: a line seen for a week says nothing of next year."""

_MOST_AUTOCORRELATION = 0.95
_FLAT = 1e-12  # of the values' own size: rounding, not a trend


class LimitOutlook(StrEnum):
    """What is to be expected of the limit."""

    REACHED = "reached"
    """The fitted line is at the limit or past it already."""
    EXPECTED = "expected"
    """It will be reached within the horizon, if the trend goes on."""
    BEYOND_HORIZON = "beyond-horizon"
    """There is a trend towards it, too slow to say when."""
    NO_TREND = "no-trend"
    """The slope cannot be told from none."""
    RECEDING = "receding"
    """The trend leads away from it."""


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """When a straight trend reaches its limit.

    Attributes:
        outlook: in a word; only with `EXPECTED` there is a `reached_s`.
        reached_s: when the fitted line reaches the limit, on the clock of the observations; None unless expected.
        earliest_s: lower end of the interval of that time, never before the last observation; None where the limit
            was reached before, or no line in agreement with the data reaches it.
        latest_s: upper end; None where it is not bounded, or past the horizon.
        last_s: time of the last observation.
        level: of the fitted line at that time.
        slope_per_s: of the fitted line.
        slope_lower: lower end of the slope's interval.
        slope_upper: upper end.
        autocorrelation: of neighbouring residuals, 0 or more; it has widened the intervals.
        observations: how many.
        horizon_s: how far past the last observation a time is given.
        confidence: of the intervals.
    """

    outlook: LimitOutlook
    reached_s: float | None
    earliest_s: float | None
    latest_s: float | None
    last_s: float
    level: float
    slope_per_s: float
    slope_lower: float
    slope_upper: float
    autocorrelation: float
    observations: int
    horizon_s: float
    confidence: float

    @property
    def remaining_s(self) -> float | None:
        """Life that is left after the last observation; 0 where the limit was reached, None where no time is given."""
        if self.outlook is LimitOutlook.REACHED:
            return 0.0
        return None if self.reached_s is None else self.reached_s - self.last_s


def forecast_limit(
    times_s: Sequence[float],
    values: Sequence[float],
    *,
    limit: float,
    confidence: float = 0.95,
    horizon_s: float | None = None,
) -> LimitForecast:
    """When the level reaches the limit, with an interval, if the straight trend of the observations goes on.

    The level is the line fitted by least squares, not a single noisy value: what is forecast is when the lamp *is* too
    dark, not when one frame first looks so. The interval is Fieller's: all times at which the confidence band of the
    line holds the limit. It is exact for independent normal noise, also where the slope is hardly significant; where it
    is not, the interval has no end, and there is no date.

    Sources: E. C. Fieller, "Some problems in interval estimation", Journal of the Royal Statistical Society B 16 (1954)
    175-185; inverse regression as in N. R. Draper and H. Smith, "Applied Regression Analysis", section 3.2. Neighbours
    whose residuals resemble each other (r) count for fewer observations, n (1 - r) / (1 + r), as in G. V. Bayley and
    J. M. Hammersley (1946); r gets the small-sample correction of F. H. C. Marriott and J. A. Pope (1954).

    Simulated with a slope of 8 spreads of the noise over the observations: of 400 intervals at 95 % each, 95 to 98 %
    hold the true time at 12 to 100 independent observations; 90, 94 and 95 % at 12, 30 and 100 with neighbours alike by
    0.5; 84, 88 and 93 % by 0.8. Sample health so far apart that neighbours are hardly alike, or give many of them.

    Assumptions: a straight trend that goes on, noise of constant spread. A lamp that fails at once, or ages faster at
    its end, is not foreseen; hence the horizon.

    The limit is approached from the side on which the fitted line began: a line that begins above a limit falls to it.

    Args:
        times_s: in seconds, not falling, shape (n,); gaps are allowed, equal times as well.
        values: at these times, shape (n,).
        limit: level to be reached, finite.
        confidence: of the intervals, two-sided.
        horizon_s: how far past the last observation a time is given; `HORIZON_SPANS` spans of the observations if None.

    Raises:
        TooFewParts: fewer than `LEAST_OBSERVATIONS` observations.
        ValueError: a figure is not finite, the lengths differ, times fall or are all the same, or an argument is out
            of its range.

    >>> hours = [3600.0 * hour for hour in range(10)]
    >>> forecast = forecast_limit(hours, [100 - hour for hour in range(10)], limit=80)
    >>> forecast.outlook.value, round(forecast.remaining_s / 3600, 6)
    ('expected', 11.0)
    """
    check_share("confidence", confidence)
    times, levels = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    if times.ndim != 1 or times.shape != levels.shape:
        raise ValueError(f"{times.shape} times and {levels.shape} values; expected as many of the one as of the other")
    if times.size < LEAST_OBSERVATIONS:
        raise TooFewParts("a forecast (counted in observations)", needed=LEAST_OBSERVATIONS, found=times.size)
    if not (np.isfinite(times).all() and np.isfinite(levels).all() and math.isfinite(limit)):
        raise ValueError("a time, a value or the limit is not finite; expected numbers. Leave missing values out")
    span = float(times[-1] - times[0])
    if (np.diff(times) < 0).any() or span <= 0:
        raise ValueError("times that fall, or are all the same; expected observations in order, over some time")
    horizon = HORIZON_SPANS * span if horizon_s is None else horizon_s
    if not (math.isfinite(horizon) and horizon >= 0):
        raise ValueError(f"the horizon is {horizon} s; expected a finite number, 0 or more")

    line = _Line.through(times, levels, confidence=confidence)
    began, now = line.at(float(times[0])) - limit, line.at(float(times[-1])) - limit
    outlook, reached_s = LimitOutlook.NO_TREND, None
    earliest_s: float | None = None
    latest_s: float | None = None
    last_s = float(times[-1])
    if now == 0 or began * now < 0 or (began == 0 and now * line.slope >= 0):
        outlook = LimitOutlook.REACHED
    else:
        low, high = line.times_at(limit)
        earliest_s = None if low is None else max(low, last_s)
        if earliest_s is not None and earliest_s > last_s + horizon:
            earliest_s = None
        if line.has_trend and line.slope * now < 0:
            crossing = line.middle_s + (limit - line.middle) / line.slope
            is_near = crossing <= last_s + horizon
            outlook = LimitOutlook.EXPECTED if is_near else LimitOutlook.BEYOND_HORIZON
            reached_s = crossing if is_near else None
            latest_s = high if high is not None and high <= last_s + horizon else None
        elif line.has_trend:
            outlook, earliest_s = LimitOutlook.RECEDING, None
    return LimitForecast(
        outlook=outlook,
        reached_s=reached_s,
        earliest_s=earliest_s,
        latest_s=latest_s,
        last_s=last_s,
        level=line.at(last_s),
        slope_per_s=line.slope,
        slope_lower=line.slope - line.slope_margin,
        slope_upper=line.slope + line.slope_margin,
        autocorrelation=line.autocorrelation,
        observations=times.size,
        horizon_s=horizon,
        confidence=confidence,
    )


def remaining_life(
    times_s: Sequence[float],
    values: Sequence[float],
    *,
    limit: float,
    confidence: float = 0.95,
    horizon_s: float | None = None,
) -> LimitForecast:
    """Life that a lamp or a lens has left: `forecast_limit` of its brightness or sharpness down to what health allows.

    Give the values since the last lamp change or cleaning only: an older lamp's end says nothing of the new one's.

    Args and Raises: as `forecast_limit`; read `remaining_s`, `earliest_s` and `latest_s`.
    """
    return forecast_limit(times_s, values, limit=limit, confidence=confidence, horizon_s=horizon_s)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line by least squares with what its intervals need."""

    slope: float
    middle: float  # fitted value at the mean time
    middle_s: float
    slope_margin: float  # half width of the slope's interval
    middle_margin: float  # half width of the interval at the mean time
    autocorrelation: float
    size: float  # of the values, for telling rounding from a trend

    @classmethod
    def through(
        cls, times: np.typing.NDArray[np.float64], values: np.typing.NDArray[np.float64], *, confidence: float
    ) -> "_Line":
        count = times.size
        middle_s, middle = float(times.mean()), float(values.mean())
        centred = times - middle_s
        square_sum = float(centred @ centred)
        slope = float(centred @ values) / square_sum
        residuals = values - middle - slope * centred
        size = float(np.abs(values).max())
        noise = float(residuals @ residuals)
        noise = noise if noise > count * (_FLAT * size) ** 2 else 0.0
        lag_one = float(residuals[1:] @ residuals[:-1]) / noise if noise > 0 else 0.0
        # a fitted line takes part of the likeness with it: the estimate is low by (1 + 4 r) / n for a line's residuals
        corrected = (count * lag_one + 2) / (count - 4) if count > 4 else lag_one
        likeness = min(max(corrected, 0.0), _MOST_AUTOCORRELATION) if lag_one > 0 else 0.0
        effective = max(count * (1 - likeness) / (1 + likeness), 3.0)
        variance = noise / (count - 2) * (1 + likeness) / (1 - likeness)
        quantile = float(stdtrit(max(effective - 2, 1.0), 0.5 + confidence / 2))
        return cls(
            slope=slope,
            middle=middle,
            middle_s=middle_s,
            slope_margin=quantile * math.sqrt(variance / square_sum),
            middle_margin=quantile * math.sqrt(variance / count),
            autocorrelation=likeness,
            size=size / math.sqrt(square_sum / count),
        )

    @property
    def has_trend(self) -> bool:
        """Whether the interval of the slope leaves 0 out."""
        return abs(self.slope) > max(self.slope_margin, _FLAT * self.size)

    def at(self, time_s: float) -> float:
        return self.middle + self.slope * (time_s - self.middle_s)

    def times_at(self, limit: float) -> tuple[float | None, float | None]:
        """Where the confidence band of the line holds the limit, from now on: its two ends, None where there is none.

        With a trend the band holds it between two times. Without one it does so from some time on (and up to some time
        in the past), or always.
        """
        offset = self.middle - limit
        square = self.slope**2 - self.slope_margin**2
        rest = offset**2 - self.middle_margin**2
        root = (self.slope * offset) ** 2 - square * rest
        if rest <= 0 or root < 0:
            return (self.middle_s, None) if not self.has_trend else (None, None)
        if square == 0:
            return (
                (None, None) if self.slope * offset == 0 else (self.middle_s - rest / (2 * self.slope * offset), None)
            )
        ends = sorted((-self.slope * offset + sign * math.sqrt(root)) / square for sign in (-1, 1))
        if square > 0:
            return self.middle_s + ends[0], self.middle_s + ends[1]
        return self.middle_s + ends[1], None
