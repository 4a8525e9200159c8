"""Exact bounds of a share: never surer than the counts allow, however small the share."""

from scipy.special import betaincinv  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.intervals import RateInterval


def clopper_pearson(events: int, units: int, *, confidence: float = 0.95) -> RateInterval:
    """Two-sided exact interval of a share.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934) 404-413; the ends as quantiles of beta distributions.

    Assumptions: the units are independent and share one chance of an event. The interval then covers the true share
    at least as often as `confidence` says, whatever the share is; it is wider than Wilson's.

    Args:
        events: units that show the event, 0 to `units`.
        units: units looked at, 0 or more. With 0 the interval is [0, 1]: nothing is known.
        confidence: least coverage, strictly between 0 and 1.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative, there are more events than units, or the confidence is out of range.

    >>> interval = clopper_pearson(0, 20)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.0, 0.1684)
    """
    check_share("confidence", confidence)
    tail = (1 - confidence) / 2
    lower = exact_lower_bound(events, units, confidence=1 - tail)
    upper = exact_upper_bound(events, units, confidence=1 - tail)
    return RateInterval(events, units, events / units if units else None, lower, upper, confidence)


def exact_upper_bound(events: int, units: int, *, confidence: float = 0.95) -> float:
    """One-sided exact upper bound of a share: the upper end of a Clopper-Pearson interval, all the doubt on one side.

    Args:
        events: units that show the event, 0 to `units`.
        units: units looked at; with 0 the bound is 1.
        confidence: how often, at least, the bound is above the true share.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative, there are more events than units, or the confidence is out of range.

    >>> round(exact_upper_bound(0, 59), 4)  # 59 parts without a miss show a miss rate of at most 5 %
    0.0495
    """
    _check(events, units, confidence)
    if events == units:
        return 1.0
    return float(betaincinv(events + 1, units - events, confidence))


def exact_lower_bound(events: int, units: int, *, confidence: float = 0.95) -> float:
    """One-sided exact lower bound of a share; the mirror image of `exact_upper_bound`.

    Args:
        events: units that show the event, 0 to `units`.
        units: units looked at; with 0 the bound is 0.
        confidence: how often, at least, the bound is below the true share.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative, there are more events than units, or the confidence is out of range.
    """
    _check(events, units, confidence)
    if events == 0:
        return 0.0
    return float(betaincinv(events, units - events + 1, 1 - confidence))


def units_for_upper_bound(limit: float, *, events: int = 0, confidence: float = 0.95) -> int:
    """How many units are needed for an exact upper bound at or below a limit.

    Args:
        limit: the share to stay at or below, strictly between 0 and 1.
        events: units that show the event nevertheless.
        confidence: of the bound.

    Returns:
        The least count of units; 59 for a limit of 0.05 without an event (ln 0.05 / ln 0.95 = 58.4).

    Raises:
        TypeError: `events` is not an integer.
        ValueError: a figure is out of its range.
    """
    check_counts(events=events)
    check_share("limit", limit)
    check_share("confidence", confidence)
    too_few, enough = events, events + 1
    while exact_upper_bound(events, enough, confidence=confidence) > limit:
        too_few, enough = enough, enough * 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if exact_upper_bound(events, middle, confidence=confidence) > limit:
            too_few = middle
        else:
            enough = middle
    return enough


def _check(events: int, units: int, confidence: float) -> None:
    check_counts(events=events, units=units)
    if events > units:
        raise ValueError(f"{events} events in {units} units; expected 0 <= events <= units")
    check_share("confidence", confidence)
