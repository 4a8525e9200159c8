"""How a control chart is to be computed, where its kind leaves a choice."""

import math
from dataclasses import dataclass
from enum import StrEnum

from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.spc.records import Measure

D2_OF_TWO = 2 / math.sqrt(math.pi)
"""Mean range of two normal values in standard deviations, 1.128379; tables print 1.128."""

EWMA_WEIGHT = 0.1
EWMA_WIDTH = 2.7
"""With weight 0.1 an undisturbed chart whose limits widen over its first points alarms once in about 358 points, with
the final limits from the start once in 368 (8000 simulated runs each, +-4), as a Shewhart chart does in 370."""

CUSUM_SLACK = 0.5
CUSUM_LIMIT = 4.77
"""With slack 0.5 an undisturbed two-sided CUSUM alarms once in about 370 points (Montgomery, table 9.4: h = 4.77)."""

TAIL_PROBABILITY = 0.00135
"""Beyond each limit of a chart with probability limits: that of a normal value beyond three sigma."""


class Tails(StrEnum):
    """On which side a chart with probability limits may signal."""

    BOTH = "both"
    WORSE = "worse"
    """Only where gaps are too short; the whole chance of a false alarm, twice `tail`, lies there."""


class TimeLimits(StrEnum):
    """How the limits of a t chart are found."""

    PROBABILITY = "probability"
    """Quantiles of the exponential (or Erlang) distribution."""
    TRANSFORMED = "transformed"
    """An individuals chart of the gaps to the power 1 / 3.6."""


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """Choices with their defaults; each chart takes those that concern it.

    Attributes:
        measure: what the subgroups of an EWMA or CUSUM count; the other charts know it.
        width: of the limits in standard deviations, for Shewhart charts.
        d2: divides the mean moving range to give a standard deviation, for p', u' and what builds on them.
        has_over_dispersion: whether EWMA and CUSUM take the spread between subgroups in, as p' and u' do.
        weight: of an EWMA's newest point, in (0, 1).
        ewma_width: of an EWMA's limits, in standard deviations of the average.
        slack: of a CUSUM, in standard deviations: half the shift that it is tuned to.
        limit: of a CUSUM, in standard deviations: the decision interval.
        head_start: of a CUSUM's two sums, in standard deviations, below `limit` (Lucas and Crosier's fast initial
            response takes half of it); 0 for none.
        order: defects that a point of a g_r chart counts up to.
        tail: chance beyond each probability limit.
        tails: which of them signal.
        time_limits: of a t chart.
    """

    measure: Measure = Measure.PROPORTION
    width: float = 3.0
    d2: float = D2_OF_TWO
    has_over_dispersion: bool = True
    weight: float = EWMA_WEIGHT
    ewma_width: float = EWMA_WIDTH
    slack: float = CUSUM_SLACK
    limit: float = CUSUM_LIMIT
    head_start: float = 0.0
    order: int = 4
    tail: float = TAIL_PROBABILITY
    tails: Tails = Tails.BOTH
    time_limits: TimeLimits = TimeLimits.PROBABILITY

    def __post_init__(self) -> None:
        """Refuse choices that no chart can take.

        Raises:
            TypeError: the order is no integer.
            ValueError: a figure is out of its range.
        """
        for name, value in (("width", self.width), ("ewma_width", self.ewma_width), ("d2", self.d2)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; expected a finite number above 0")
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight is {self.weight}; expected a number above 0, at most 1")
        if not (self.slack >= 0 and self.limit > 0 and 0 <= self.head_start < self.limit):
            raise ValueError(
                f"slack {self.slack}, limit {self.limit}, head start {self.head_start}; expected a slack of 0 or more,"
                " a limit above 0, and a head start from 0 to below the limit"
            )
        if self.measure is Measure.TRANSFORMED_TIME:
            raise ValueError("subgroups cannot measure transformed time; expected proportion or per-unit")
        check_counts(order=self.order)
        if self.order == 0:
            raise ValueError("order is 0; expected the number of defects to count up to, 1 or more")
        check_share("tail", self.tail)
        if self.tail >= 0.25:
            raise ValueError(f"tail is {self.tail}; expected a chance of a false alarm, below 0.25")
