"""How sure a rate is: an interval for a share estimated from counts."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A share with its interval and the counts behind it.

    Attributes:
        events: units counted, e.g. NG parts.
        units: units looked at, e.g. OK and NG parts together.
        estimate: events / units; None where nothing was looked at.
        lower: lower end of the interval, in [0, 1]; 0 where nothing was looked at.
        upper: upper end, in [0, 1]; 1 where nothing was looked at.
        confidence: the interval's nominal coverage, in (0, 1).
    """

    events: int
    units: int
    estimate: float | None
    lower: float
    upper: float
    confidence: float


def wilson_interval(events: int, units: int, *, confidence: float = 0.95) -> RateInterval:
    """Two-sided Wilson score interval of a share.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927) 209-212; without continuity correction, method 3 of
    R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
    857-872.

    Assumptions: the units are independent and share one chance of an event. Defects that come in runs (a worn
    tool, one bad lot) break the first: the interval is then too narrow. Its coverage is near `confidence` on
    average over shares, not at least `confidence` for each.

    Args:
        events: units that show the event, 0 to `units`.
        units: units looked at, 0 or more. With 0 the interval is [0, 1]: nothing is known.
        confidence: nominal coverage, strictly between 0 and 1.

    Raises:
        TypeError: a count is not an integer; a share of a part is not a count.
        ValueError: a count is negative, there are more events than units, or the confidence is out of range.

    >>> interval = wilson_interval(81, 263)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.2553, 0.3662)
    """
    for name, count in (("events", events), ("units", units)):
        if isinstance(count, bool) or not isinstance(count, int):
            raise TypeError(f"{name} is {count!r} ({type(count).__name__}); expected an integer count")
    if not 0 <= events <= units:
        raise ValueError(f"{events} events in {units} units; expected 0 <= events <= units")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; expected a number strictly between 0 and 1, such as 0.95")
    if units == 0:
        return RateInterval(events, units, None, 0.0, 1.0, confidence)
    estimate = events / units
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    shrink = 1 + z**2 / units
    centre = (estimate + z**2 / (2 * units)) / shrink
    half_width = z / shrink * math.sqrt(estimate * (1 - estimate) / units + z**2 / (4 * units**2))
    # At the ends the formula gives exactly 0 and 1; rounding must not move them inside, away from the estimate.
    lower = 0.0 if events == 0 else max(0.0, centre - half_width)
    upper = 1.0 if events == units else min(1.0, centre + half_width)
    return RateInterval(events, units, estimate, lower, upper, confidence)
