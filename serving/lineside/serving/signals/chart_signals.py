"""Which points of a chart are signals to be told: a pure choice among the points, and the question that draws them."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from lineside.serving.charts.computing import ChartChoices
from lineside.serving.charts.schemas import BaselineOut, BaselineRef, ChartOut, ChartPointOut
from lineside.serving.charts.service import ChartQuestion
from lineside.serving.charts.subgroups import RECENT
from lineside.serving.signals.schemas import ChartSignalTold, SignalPoint
from lineside.statistics.spc import ChartKind

_SPANS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(days=2),
    "shift": timedelta(days=14),
    "day": timedelta(days=60),
    "lot": timedelta(days=30),
}
"""How far back a chart is drawn for its rules of several points: some 50 points."""

_GAPS: Final = frozenset({ChartKind.G_R, ChartKind.T})
_MOST_PREVIOUS: Final = 8  # as many as the longest of the Western Electric rules looks back


def question_for(baseline: BaselineOut, *, now: datetime) -> ChartQuestion:
    """The chart on which the newest points are held against a baseline.

    Windows of so many parts, and gaps between defective ones, are counted from the baseline's end on, so that the same
    parts are the same point each time; the others have names of their own, and a span of them is enough.

    Args:
        baseline: frozen.
        now: aware UTC.
    """
    span = _SPANS.get(baseline.by)
    start = baseline.end
    if span is not None and baseline.kind not in _GAPS:
        start = max(start, now - span)
    return ChartQuestion(
        scope=baseline.scope,
        start=start,
        end=max(now, start + RECENT),
        by=baseline.by,
        counted=baseline.counted,
        baseline=f"{baseline.id}@{baseline.version}",
        choices=ChartChoices(),
    )


def signals_of(
    chart: ChartOut, baseline: BaselineOut, *, since: datetime, now: datetime, stations: tuple[str, ...]
) -> Iterator[ChartSignalTold]:
    """The signals of a chart that may be told, oldest first.

    A point is a signal if it breaks a rule that the point before it did not break. It is told once its time is over and
    parts may hardly come any more. One whose calls are not settled is told if it already lies on the side of more
    defects: people can only settle more of them as defective than are counted now. On the other side it waits.

    Args:
        chart: held against the baseline.
        baseline: of it.
        since: points that ended before are history; aware UTC.
        now: aware UTC.
        stations: whose parts are charted.
    """
    charted = [point for point in chart.points if not point.excluded and point.value is not None]
    before: ChartPointOut | None = None
    for place, point in enumerate(charted):
        known = frozenset(() if before is None else before.rules)
        new_rules = tuple(rule for rule in point.rules if rule not in known)
        before = point
        if not new_rules or point.end <= since or not _is_over(point, baseline, now=now):
            continue
        if _is_unsettled(point, chart) and not _is_worse(point, chart):
            continue
        yield ChartSignalTold(
            baseline=BaselineRef(id=baseline.id, version=baseline.version),
            kind=chart.kind,
            counted=chart.counted,
            by=baseline.by,
            scope=baseline.scope,
            stations=stations,
            point=SignalPoint(**point.model_dump(), new_rules=new_rules),
            previous=tuple(charted[max(0, place - _MOST_PREVIOUS) : place]),
            message=_message(chart, baseline, point, new_rules),
        )


def _is_over(point: ChartPointOut, baseline: BaselineOut, *, now: datetime) -> bool:
    if now < point.end + RECENT:
        return False
    kind, _, parts = baseline.by.partition(":")
    if kind == "parts" and point.size is not None:
        return point.size >= int(parts)
    if point.size is not None and baseline.kind not in _GAPS and kind != "lot":
        span = _SPANS[kind]
        # The first window of the span may be cut off at its start.
        return point.start > now - span or point.start <= baseline.end
    return True


def _is_unsettled(point: ChartPointOut, chart: ChartOut) -> bool:
    return point.provisional if chart.kind in _GAPS else point.unsettled > 0


def _is_worse(point: ChartPointOut, chart: ChartOut) -> bool:
    """Whether it lies where more defective parts would move it to."""
    if point.value is None or point.centre is None:
        return False
    return point.value < point.centre if chart.kind in _GAPS else point.value > point.centre


def _message(chart: ChartOut, baseline: BaselineOut, point: ChartPointOut, new_rules: tuple[str, ...]) -> str:
    limits = ", ".join(
        f"{name} {value:.6g}"
        for name, value in (("lower", point.lower), ("centre", point.centre), ("upper", point.upper))
        if value is not None
    )
    return (
        f"{chart.kind.value} chart against baseline {baseline.id!r} version {baseline.version}: the point "
        f"{point.label!r} at {point.value:.6g} ({limits}) breaks {', '.join(new_rules)}"
    )
