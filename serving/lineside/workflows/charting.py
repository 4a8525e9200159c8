"""Control charts that a server answered, as a figure and as a page to print and to file."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.serving.charts.schemas import ChartOut, ChartPointOut, ChartsOut
from lineside.statistics.spc import ChartKind
from lineside.workflows.figures import Mark, Panel, Quantity, chart_figure, scale_for, short_labels
from lineside.workflows.pages import Facts, Notice, NoticeLevel, Picture, Section, Table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {
    ChartKind.P: "p chart",
    ChartKind.NP: "np chart",
    ChartKind.C: "c chart",
    ChartKind.U: "u chart",
    ChartKind.P_PRIME: "Laney p' chart",
    ChartKind.U_PRIME: "Laney u' chart",
    ChartKind.EWMA: "EWMA chart",
    ChartKind.CUSUM: "CUSUM chart",
    ChartKind.G_R: "g-r chart",
    ChartKind.T: "t chart",
}
_OF_PARTS = {"process": "confirmed defective parts", "detector": "parts that the detector called"}
_OF_DEFECTS = {"process": "confirmed defects", "detector": "defects that the detector reported"}
_DEFECTS = frozenset({ChartKind.C, ChartKind.U, ChartKind.U_PRIME})


def charts_figure(answer: ChartsOut) -> "Figure":
    """The charts of an answer, one below the other, with what happened meanwhile."""
    panels = [
        Panel(
            chart,
            chart_title(chart, by=answer.by),
            Quantity(chart.quantity.value),
            provisional=frozenset(point.label for point in chart.points if point.provisional),
        )
        for chart in answer.charts
    ]
    marks = [Mark(each.label, f"{each.kind}: {each.text}") for each in answer.annotations]
    return chart_figure(panels, title=answer_title(answer), marks=marks)


def write_charts_page(answer: ChartsOut, path: Path, *, written_at: datetime) -> None:
    """Write the charts as one file that needs nothing else: figure, signals, exclusions and what to know of them.

    Raises:
        OSError: the file cannot be written.
    """
    facts = [
        ("Time", f"{answer.start:%Y-%m-%d %H:%M} to {answer.end:%Y-%m-%d %H:%M} UTC"),
        ("A point is", _point_name(answer.by)),
        *((chart_title(chart, by=answer.by), _limits_from(chart)) for chart in answer.charts),
    ]
    notes = [
        Notice(f"{_NAMES[chart.kind]}: {note}.", NoticeLevel.CAUTION) for chart in answer.charts for note in chart.notes
    ]
    title = answer_title(answer)
    write_page(
        title,
        [
            Section("", [Facts(facts), *notes]),
            Section("Charts", [Picture(charts_figure(answer), _CAPTION, title)]),
            *(section for chart in answer.charts for section in _sections(chart)),
            *_happened(answer),
        ],
        path,
        written_at=written_at,
    )


_CAPTION = (
    "Squares break a rule, crosses are left out with a reason, hollow points may still change. "
    "Dotted lines mark what happened; the list below the chart names it."
)


def answer_title(answer: ChartsOut) -> str:
    """What the charts are of."""
    scope = answer.scope
    named = [
        f"{name} {value}"
        for name, value in (
            ("station", scope.station),
            ("line", scope.line),
            ("lot", scope.lot),
            ("product", scope.product),
            ("class", scope.class_name),
        )
        if value is not None
    ]
    return f"Control chart of {', '.join(named) if named else 'the whole plant'}"


def chart_title(chart: ChartOut, *, by: str) -> str:
    """Which chart, of which count."""
    if chart.kind is ChartKind.G_R:
        return f"{_NAMES[chart.kind]} of parts between confirmed defective parts"
    if chart.kind is ChartKind.T:
        return f"{_NAMES[chart.kind]} of hours between confirmed defective parts"
    of = (_OF_DEFECTS if chart.kind in _DEFECTS else _OF_PARTS)[chart.counted.value]
    return f"{_NAMES[chart.kind]} of {of}, by {_point_name(by)}"


def point_rows(chart: ChartOut) -> list[tuple[str, ...]]:
    """Every point as text: label, value, lower limit, centre, upper limit, count, size, and what is to say of it."""
    scale = scale_for(
        Quantity(chart.quantity.value),
        (value for point in chart.points for value in (point.value, point.centre, point.upper)),
    )

    def said(value: float | None) -> str:
        return "" if value is None else scale.text(value)

    labels = short_labels([point.label for point in chart.points])
    return [
        (
            label,
            said(point.value),
            said(point.lower),
            said(point.centre),
            said(point.upper),
            "" if point.count is None else str(point.count),
            "" if point.size is None else f"{point.size:g}",
            point_remark(point),
        )
        for label, point in zip(labels, chart.points, strict=True)
    ]


POINT_COLUMNS = ("point", "value", "lower", "centre", "upper", "count", "of", "remarks")
"""Headings of `point_rows`."""

_TEXT = (0, len(POINT_COLUMNS) - 1)


def point_remark(point: ChartPointOut) -> str:
    """What there is to say of a point."""
    said = list(point.rules)
    if point.excluded:
        said.append(f"excluded: {point.excluded_reason}")
    if point.provisional:
        said.append(f"provisional, {point.unsettled} unsettled" if point.unsettled else "provisional")
    return "; ".join(said)


def _sections(chart: ChartOut) -> Sequence[Section]:
    rows = point_rows(chart)
    telling = [row for row, point in zip(rows, chart.points, strict=True) if point.rules or point.excluded]
    found = [
        Section(f"{_NAMES[chart.kind]}: signals and exclusions", [Table(POINT_COLUMNS, telling, text_columns=_TEXT)])
        if telling
        else Section(f"{_NAMES[chart.kind]}: signals and exclusions", [Notice("None.", NoticeLevel.GOOD)])
    ]
    return [*found, Section(f"{_NAMES[chart.kind]}: all points", [Table(POINT_COLUMNS, rows, text_columns=_TEXT)])]


def _happened(answer: ChartsOut) -> Sequence[Section]:
    if not answer.annotations:
        return ()
    rows = [
        (f"{each.at:%Y-%m-%d %H:%M}", each.kind, each.station or each.line or "plant", each.text)
        for each in answer.annotations
    ]
    return [Section("What happened", [Table(("time (UTC)", "kind", "where", "what"), rows, text_columns=range(4))])]


def _limits_from(chart: ChartOut) -> str:
    parameters = ", ".join(f"{name} {value:.4g}" for name, value in chart.parameters.items())
    if chart.baseline is None:
        return f"limits estimated from these points (phase I): {parameters}"
    return f"limits from baseline {chart.baseline.id} version {chart.baseline.version} (phase II): {parameters}"


def _point_name(by: str) -> str:
    kind, _, number = by.partition(":")
    return f"{number} parts" if number else {"day": "production day"}.get(kind, kind)
