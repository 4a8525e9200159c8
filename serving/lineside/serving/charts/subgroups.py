"""What a window counts for a chart: defective parts or defects, as people confirmed them or as the detector called."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lineside.serving.charts.schemas import Counted
from lineside.serving.rates.windows import WindowCounts
from lineside.statistics.spc import ChartKind, Subgroup

RECENT: Final = timedelta(minutes=15)
"""For so long after its end a window may still get parts that stations hand in late."""

DEFECT_KINDS: Final = frozenset({ChartKind.C, ChartKind.U, ChartKind.U_PRIME})
"""Charts that count defects; the others count defective parts."""


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """One window as a point of a chart.

    Attributes:
        label: unique in the chart.
        start: aware UTC.
        end: aware UTC; not part of it.
        count: defective parts, or defects.
        size: inspected parts.
        unsettled: called parts that nobody has settled and somebody is to.
        is_provisional: the count may still change.
        is_estimated: the count is scaled up from the calls that were drawn for confirmation.
    """

    label: str
    start: datetime
    end: datetime
    count: int
    size: int
    unsettled: int
    is_provisional: bool
    is_estimated: bool

    def subgroup(self) -> Subgroup:
        """As the statistics take it."""
        return Subgroup(label=self.label, count=self.count, size=float(self.size))


def count_window(window: WindowCounts, kind: ChartKind, counted: Counted, *, now: datetime) -> CountedWindow:
    """What a window counts for a chart.

    The process counts what people confirmed; a call that somebody overturned has left it, and one that nobody settled
    is not in it yet: the window is provisional until then. Where only a share of the calls is drawn for confirmation,
    the confirmed ones are scaled up to all calls of their stratum and rounded. Escapes are in no chart of parts: how
    many are noticed depends on the audit.

    Args:
        window: the counts.
        kind: of the chart: it decides between parts and defects.
        counted: whose count.
        now: aware UTC.
    """
    is_recent = now < window.end + RECENT
    if counted is Counted.DETECTOR:
        count, unsettled, is_estimated = window.flagged, 0, False
        if kind in DEFECT_KINDS:
            count = window.defects
    else:
        is_estimated = any(stratum.probability < 1.0 for stratum in window.counts.flagged)
        count, unsettled = _confirmed(window)
        if kind in DEFECT_KINDS:
            count, is_estimated = window.true_defects, False
    return CountedWindow(
        label=window.label,
        start=window.start,
        end=window.end,
        count=count,
        size=window.inspected,
        unsettled=unsettled,
        is_provisional=is_recent or unsettled > 0,
        is_estimated=is_estimated,
    )


def _confirmed(window: WindowCounts) -> tuple[int, int]:
    """Confirmed parts, and calls still to be settled."""
    strata = window.counts.flagged
    if all(stratum.probability == 1.0 for stratum in strata):
        return window.confirmed, window.flagged - window.confirmed - window.false_calls
    count = sum(stratum.parts * stratum.confirmed / stratum.read for stratum in strata if stratum.read)
    waiting = sum(stratum.drawn - stratum.read if stratum.read else stratum.parts for stratum in strata)
    return round(count), waiting
