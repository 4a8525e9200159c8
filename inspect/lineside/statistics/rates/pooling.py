"""What lots that differ from each other say of the process: an interval that knows they differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv, stdtrit  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.errors import ImpossibleCounts, TooFewParts
from lineside.statistics.intervals import RateInterval


@dataclass(frozen=True, slots=True)
class LotCount:
    """What was found in one lot's sample.

    Attributes:
        events: defective parts or escapes.
        units: parts read.

    Raises:
        TypeError: a count is not an integer.
        ImpossibleCounts: more events than units.
        ValueError: a count is negative.
    """

    events: int
    units: int

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_counts(events=self.events, units=self.units)
        if self.events > self.units:
            raise ImpossibleCounts(f"{self.events} events in {self.units} units; expected at most as many")


@dataclass(frozen=True, slots=True)
class ProcessRate:
    """The share that the process makes, estimated from lots.

    Attributes:
        interval: of the share; its counts are the raw sums.
        design_effect: how many times the variance between lots is what independent parts would show; 1 or more.
        effective_units: units that would be as good, were parts independent.
        lots: that had a part read.
    """

    interval: RateInterval
    design_effect: float
    effective_units: float
    lots: int


def process_rate(lots: Sequence[LotCount], *, confidence: float = 0.95) -> ProcessRate:
    """Two-sided interval for the share in the process behind several lots, lots as clusters.

    Clopper-Pearson with the effective sample size: units divided by the design effect, and by a ratio of t quantiles
    for the few lots it was estimated from. The design effect is the variance of the ratio estimate between lots over
    that of a binomial share; one under 1 counts as 1. Source: E. L. Korn and B. I. Graubard, "Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data", Survey Methodology 24 (1998)
    193-201.

    Use it for what the process does (the next lots). For the rate of these very lots, whose parts were audited with one
    probability, `estimate_rate` needs no design effect. Assumptions: lots are independent and alike in what they are
    drawn from. Measured with 20 lots of 150 reads at a mean of 1 % (3,000 times): a gamma-distributed share with a
    variation of 0 / 100 / 200 % between lots is covered in 96.7 / 95.1 / 90.4 %; pooling the lots without a design
    effect covers in 95.3 / 79.6 / 53.6 %.

    Args:
        lots: their counts; a lot without a unit counts nowhere.
        confidence: nominal coverage, strictly between 0 and 1.

    Raises:
        TooFewParts: fewer than two lots had a part read; the variation between lots cannot be seen in one.
        ValueError: the confidence is out of range.
    """
    check_share("confidence", confidence)
    used = [lot for lot in lots if lot.units]
    if len(used) < 2:
        raise TooFewParts("an interval over lots", needed=2, found=len(used), what_is_counted="lots")
    units = sum(lot.units for lot in used)
    events = sum(lot.events for lot in used)
    share = events / units
    effect = _design_effect(used, share, units)
    tail = (1 - confidence) / 2
    # The quantile of many units over that of few lots; with no event there is no variance to have estimated badly.
    degrees = (stdtrit(units - 1, 1 - tail) / stdtrit(len(used) - 1, 1 - tail)) ** 2 if effect > 1 else 1.0
    effective = units / effect * degrees
    found = share * effective
    lower = 0.0 if events == 0 else float(betaincinv(found, effective - found + 1, tail))
    upper = 1.0 if events == units else float(betaincinv(found + 1, effective - found, 1 - tail))
    interval = RateInterval(events, units, share, lower, upper, confidence)
    return ProcessRate(interval, effect, effective, len(used))


def _design_effect(lots: Sequence[LotCount], share: float, units: int) -> float:
    if share in (0.0, 1.0):
        return 1.0
    residuals = math.fsum((lot.events - share * lot.units) ** 2 for lot in lots)
    variance = len(lots) / (len(lots) - 1) * residuals / units**2
    return max(1.0, variance / (share * (1 - share) / units))
