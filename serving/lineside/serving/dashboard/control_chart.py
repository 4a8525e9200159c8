"""A control chart as one inline SVG: values, centre, limits, and which points break a rule."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from lineside.serving.charts.schemas import ChartOut, ChartPointOut
from lineside.serving.dashboard.wording import Wording, percent

_WH: Final = (560.0, 190.0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 10.0, 22.0
_MOST_POINTS: Final = 60
"""More would be narrower than a dot."""

_LONGEST_LABEL: Final = 18


def control_chart(chart: ChartOut, wording: Wording) -> str:
    """The newest points of a chart with its limits; provisional points are hollow, excluded ones gray.

    Args:
        chart: of shares; a point without a value leaves a gap.
        wording: of the page.
    """
    points = chart.points[-_MOST_POINTS:]
    width, height = _WH
    seen = [value for point in points for value in (point.value, point.lower, point.centre, point.upper) if value]
    highest = 1.08 * max(seen, default=0.01)

    def x(index: int) -> float:
        return _LEFT + (width - _LEFT - _RIGHT) * (index + 0.5) / max(1, len(points))

    def y(value: float) -> float:
        return height - _BOTTOM - (height - _TOP - _BOTTOM) * max(0.0, value) / highest

    half = (x(1) - x(0)) / 2 if len(points) > 1 else (width - _LEFT - _RIGHT) / 2
    limits = "".join(
        f'<path class="{kind}" d="{_steps([(x(index), value) for index, value in enumerate(values)], half, y)}"/>'
        for kind, values in (
            ("lower", [point.lower for point in points]),
            ("centre", [point.centre for point in points]),
            ("upper", [point.upper for point in points]),
        )
    )
    line = " ".join(
        f"{x(index):.1f},{y(point.value):.1f}" for index, point in enumerate(points) if point.value is not None
    )
    dots = "".join(_dot(point, x(index), y, wording) for index, point in enumerate(points))
    ticks = "".join(
        f'<text x="{_LEFT - 6:g}" y="{y(value) + 4:.1f}" text-anchor="end">{escape(percent(value))}</text>'
        for value in (0.0, highest / 1.08)
    )
    ends = ""
    if points:
        ends = (
            f'<text x="{_LEFT:g}" y="{height - 5:g}">{escape(_short(points[0].label))}</text>'
            f'<text x="{width - _RIGHT:g}" y="{height - 5:g}" text-anchor="end">'
            f"{escape(_short(points[-1].label))}</text>"
        )
    return (
        f'<svg class="ls-control" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(wording(_NAMES.get(chart.kind.value, "control_chart")), quote=True)}">'
        f'{limits}<polyline points="{line}"/>{dots}{ticks}{ends}</svg>'
    )


def chart_panel(charts: Sequence[ChartOut], wording: Wording) -> str:
    """The charts beside each other, each with its name and the points that break a rule."""
    return "".join(
        f'<figure class="ls-controls-one"><figcaption>{escape(wording(_NAMES.get(chart.kind.value, "control_chart")))}'
        f'<span class="ls-hint"> {escape(_signals(chart, wording))}</span></figcaption>'
        f"{control_chart(chart, wording)}</figure>"
        for chart in charts
    )


_NAMES: Final = {"p-prime": "chart_p_prime", "ewma": "chart_ewma"}


def _signals(chart: ChartOut, wording: Wording) -> str:
    broken = [point.label for point in chart.points if point.rules and not point.excluded]
    return wording("chart_signals", count=len(broken)) if broken else wording("chart_quiet")


def _steps(values: Sequence[tuple[float, float | None]], half: float, y: Callable[[float], float]) -> str:
    """A path that holds each value over its point's place; none where there is no value."""
    return " ".join(f"M{x - half:.1f} {y(value):.1f}H{x + half:.1f}" for x, value in values if value is not None)


def _dot(point: ChartPointOut, x: float, y: Callable[[float], float], wording: Wording) -> str:
    if point.value is None:
        return ""
    kinds = [
        name
        for name, holds in (("signal", point.rules), ("excluded", point.excluded), ("open", point.provisional))
        if holds
    ]
    size = "" if point.count is None else f" ({point.count}/{point.size:g})"
    said = [f"{point.label}: {percent(point.value)}{size}", *point.rules]
    if point.provisional:
        said.append(wording("provisional"))
    return (
        f'<circle class="{" ".join(kinds)}" cx="{x:.1f}" cy="{y(point.value):.1f}" r="3.4">'
        f"<title>{escape('; '.join(said))}</title></circle>"
    )


def _short(label: str) -> str:
    """The end of a long label: lots and instants differ there."""
    return label if len(label) <= _LONGEST_LABEL else f"…{label[-_LONGEST_LABEL:]}"
