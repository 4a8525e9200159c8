"""What came of one run of a line, counted, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lineside.serving.twin.line_model.numbers import check_not_negative


class Measure(StrEnum):
    """What options are compared by; each is a mean or a rate of one period."""

    THROUGHPUT_PER_H = "throughput_per_h"
    NG_RATE = "ng_rate"
    TIME_TO_LAST_VERDICT_S = "time_to_last_verdict_s"
    WAIT_S = "wait_s"
    ESCAPES = "escapes"
    FALSE_CALLS = "false_calls"
    REWORKS = "reworks"
    SCRAPPED = "scrapped"
    LATE = "late"
    COST_PER_PART = "cost_per_part"


@dataclass(frozen=True, slots=True)
class Costs:
    """What each thing costs, in one currency.

    Attributes:
        escape: a defective part that passed.
        false_call: a good part that was flagged, each time.
        rework: of a part, each time.
        scrap: a part that is lost, rejected ones too.
        late: a part that was longer in the system than allowed.
    """

    escape: float = 0.0
    false_call: float = 0.0
    rework: float = 0.0
    scrap: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what costs less than nothing."""
        for name in ("escape", "false_call", "rework", "scrap", "late"):
            check_not_negative(f"the cost of {name}", getattr(self, name))


@dataclass(frozen=True, slots=True)
class PeriodOutcome:
    """Counts of one run; every part that came is in exactly one of the five fates.

    Attributes:
        span_s: how long it lasted.
        arrived: parts that came.
        passed: their last verdict is OK.
        rejected: flagged, neither reworked nor retested nor scrapped.
        scrapped: flagged and scrapped, or flagged at the last attempt.
        set_aside: never judged, and not looked at again.
        in_system: at the end still waiting, in inspection or in rework.
        first_judged: parts with a judgement.
        first_flagged: those of them whose first one is NG.
        escapes: passed and defective.
        false_calls: verdicts of NG on good parts.
        reworks: parts sent to rework, each time.
        late: parts that were longer in the system than allowed, those still in it too.
        inspections: attempts that were begun.
        waited_s: before those, in all.
        with_verdict: parts with a verdict, NOT_INSPECTED too.
        to_last_verdict_s: from arrival to their last one within the span, in all.
        in_system_area_s: number of parts in the system, integrated over the span.
        sojourn_s: time that parts spent in the system within the span, in all.
    """

    span_s: float
    arrived: int
    passed: int
    rejected: int
    scrapped: int
    set_aside: int
    in_system: int
    first_judged: int
    first_flagged: int
    escapes: int
    false_calls: int
    reworks: int
    late: int
    inspections: int
    waited_s: float
    with_verdict: int
    to_last_verdict_s: float
    in_system_area_s: float
    sojourn_s: float

    def cost(self, costs: Costs) -> float:
        """Of everything in the run."""
        return (
            costs.escape * self.escapes
            + costs.false_call * self.false_calls
            + costs.rework * self.reworks
            + costs.scrap * (self.scrapped + self.rejected)
            + costs.late * self.late
        )

    def measures(self, costs: Costs) -> Mapping[Measure, float]:
        """What the run is compared by; 0 where nothing came that could be counted."""
        return {
            Measure.THROUGHPUT_PER_H: 3600.0 * self.passed / self.span_s,
            Measure.NG_RATE: self.first_flagged / max(1, self.first_judged),
            Measure.TIME_TO_LAST_VERDICT_S: self.to_last_verdict_s / max(1, self.with_verdict),
            Measure.WAIT_S: self.waited_s / max(1, self.inspections),
            Measure.ESCAPES: float(self.escapes),
            Measure.FALSE_CALLS: float(self.false_calls),
            Measure.REWORKS: float(self.reworks),
            Measure.SCRAPPED: float(self.scrapped + self.rejected),
            Measure.LATE: float(self.late),
            Measure.COST_PER_PART: self.cost(costs) / max(1, self.arrived),
        }
