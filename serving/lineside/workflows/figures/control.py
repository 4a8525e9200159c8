"""Control charts: points, centre line and limits, what broke which rule, and what happened meanwhile."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Protocol

from lineside.workflows.figures.drawing import AMBER, BLUE, INK, SOFT, VERMILION, new_figure, styled
from lineside.workflows.figures.scales import Quantity, Scale, scale_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HOUR = re.compile(r"^\d{4}-(\d\d-\d\d)T(\d\d:\d\d)([+-]\d\d:\d\d)$")
_LABELS = 14  # of the time axis; more overlap
_PANEL_IN = 2.7
_KEY_LINE_IN = 0.17
_KEY_LINES = 24


class DrawnPoint(Protocol):
    """A point of a control chart, from the statistics or from the API."""

    @property
    def label(self) -> str: ...  # noqa: D102 - as in `lineside.statistics.spc.ChartPoint`
    @property
    def value(self) -> float | None: ...  # noqa: D102
    @property
    def lower(self) -> float | None: ...  # noqa: D102
    @property
    def centre(self) -> float | None: ...  # noqa: D102
    @property
    def upper(self) -> float | None: ...  # noqa: D102
    @property
    def rules(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def excluded(self) -> bool: ...  # noqa: D102


class DrawnChart(Protocol):
    """A control chart, from the statistics or from the API."""

    @property
    def points(self) -> Sequence[DrawnPoint]: ...  # noqa: D102 - as in `lineside.statistics.spc.ControlChart`


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart of a figure.

    Attributes:
        chart: points with their limits.
        title: which chart it is, and of what.
        quantity: what its values are.
        provisional: labels of the points that may still change.
    """

    chart: DrawnChart
    title: str
    quantity: Quantity
    provisional: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, to be seen beside the points.

    Attributes:
        label: of the point in whose time it happened.
        text: what happened.
    """

    label: str
    text: str


def chart_figure(panels: Sequence[Panel], *, title: str, marks: Sequence[Mark] = ()) -> "Figure":
    """Charts over the same time, one below the other, with what happened numbered and listed below.

    Points beyond a limit or a rule are vermilion squares, excluded ones are crosses, provisional ones are hollow.

    Args:
        panels: at least one.
        title: above all of them.
        marks: those whose label no point has are left out.

    Raises:
        ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("a figure of no chart; expected at least one panel")
    places = {point.label: place for panel in panels for place, point in enumerate(panel.chart.points)}
    shown = [mark for mark in marks if mark.label in places]
    key = _key(shown)
    with styled():
        figure = new_figure(height_in=0.7 + _PANEL_IN * len(panels) + _KEY_LINE_IN * len(key))
        figure.suptitle(title, x=0.01, ha="left")
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for axis, panel in zip(axes, panels, strict=True):
            _draw(axis, panel)
            _draw_marks(axis, shown, places)
        if key:
            figure.supxlabel("\n".join(key), x=0.01, ha="left", fontsize=8, color=SOFT)
    return figure


def _draw(axis: "Axes", panel: Panel) -> None:
    points = panel.chart.points
    scale = scale_for(panel.quantity, (value for point in points for value in (point.value, point.centre, point.upper)))
    _draw_lines(axis, points, scale)
    _draw_points(axis, panel, scale)
    axis.set_title(panel.title, pad=14)  # the marks' numbers stand between
    axis.set_ylabel(scale.unit or panel.quantity.value)
    axis.set_xlim(-0.6, max(len(points) - 0.4, 0.6))
    _label_time(axis, [point.label for point in points])
    if points:
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, handlelength=1.6)
    else:
        axis.text(0.5, 0.5, "nothing to chart in this time", transform=axis.transAxes, ha="center", color=SOFT)


def _draw_lines(axis: "Axes", points: Sequence[DrawnPoint], scale: Scale) -> None:
    edges = [place - 0.5 for place in range(len(points) + 1)]
    drawn = (
        ("upper limit", [point.upper for point in points], VERMILION, (0, (5, 2))),
        ("centre", [point.centre for point in points], INK, "solid"),
        ("lower limit", [point.lower for point in points], VERMILION, (0, (5, 2))),
    )
    for name, values, colour, dashes in drawn:
        if all(value is None for value in values):
            continue
        levels = [_level(value, scale) for value in values]
        # as steps: a limit belongs to its own point, whose number of parts made it
        axis.step(
            edges,
            [*levels, levels[-1]],
            where="post",
            color=colour,
            linewidth=1.1,
            linestyle=dashes,
            label=f"{name} {_only_text(values, scale)}".rstrip(),
        )


def _draw_points(axis: "Axes", panel: Panel, scale: Scale) -> None:
    points = panel.chart.points
    axis.plot(
        range(len(points)),
        [nan if point.excluded else _level(point.value, scale) for point in points],
        color=BLUE,
        linewidth=1.0,
    )
    kinds: dict[str, list[int]] = {"in control": [], "signal": [], "excluded": []}
    for place, point in enumerate(points):
        kinds["excluded" if point.excluded else "signal" if point.rules else "in control"].append(place)
    looks = {"in control": ("o", BLUE, 18), "signal": ("s", VERMILION, 34), "excluded": ("x", SOFT, 26)}
    for name, places in kinds.items():
        marker, colour, size = looks[name]
        for is_provisional in (False, True):
            chosen = [place for place in places if (points[place].label in panel.provisional) is is_provisional]
            if not chosen:
                continue
            axis.scatter(
                chosen,
                [_level(points[place].value, scale) for place in chosen],
                s=size,
                marker=marker,
                facecolors="white" if is_provisional and marker != "x" else colour,
                edgecolors=None if marker == "x" else colour,
                linewidths=1.2,
                zorder=3,
                label=f"{name}, provisional" if is_provisional else name,
            )


def _draw_marks(axis: "Axes", marks: Sequence[Mark], places: dict[str, int]) -> None:
    numbers: dict[int, list[int]] = {}
    for number, mark in enumerate(marks, start=1):
        numbers.setdefault(places[mark.label], []).append(number)
    for place, of_place in numbers.items():
        axis.axvline(place, color=AMBER, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        text = str(of_place[0]) if len(of_place) == 1 else f"{of_place[0]}-{of_place[-1]}"
        if of_place[-1] - of_place[0] + 1 != len(of_place):
            text = ",".join(map(str, of_place))
        axis.annotate(
            text,
            (place, 1.0),
            xycoords=axis.get_xaxis_transform(),
            xytext=(0, 1),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7,
            color=AMBER,
        )


def _key(marks: Sequence[Mark]) -> list[str]:
    short = short_labels([mark.label for mark in marks])
    lines = [
        f"{number}  {label}  {mark.text}" for number, (label, mark) in enumerate(zip(short, marks, strict=True), 1)
    ]
    if len(lines) > _KEY_LINES:
        return [*lines[: _KEY_LINES - 1], f"and {len(lines) - _KEY_LINES + 1} more"]
    return lines


def _label_time(axis: "Axes", labels: Sequence[str]) -> None:
    every = max(1, -(-len(labels) // _LABELS))
    places = range(0, len(labels), every)
    short = short_labels(labels)
    is_long = max((len(short[place]) for place in places), default=0) * len(places) > 90
    axis.set_xticks(
        list(places),
        [short[place] for place in places],
        rotation=30 if is_long else 0,
        ha="right" if is_long else "center",
        fontsize=8,
    )


def short_labels(labels: Sequence[str]) -> list[str]:
    """Labels as they fit an axis: of hours the month, day and hour; with the offset where two would be alike."""
    short = [_HOUR.sub(r"\1 \2", label) for label in labels]
    if len(set(short)) == len(set(labels)):
        return short
    return [_HOUR.sub(r"\1 \2\3", label) for label in labels]


def _level(value: float | None, scale: Scale) -> float:
    return nan if value is None else value * scale.factor


def _only_text(values: Sequence[float | None], scale: Scale) -> str:
    known = {value for value in values if value is not None}
    return scale.text(known.pop()) if len(known) == 1 else ""
