"""From counted windows to a control chart: estimate, limits and rules are the statistics' own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lineside.serving.charts.schemas import ChartPointOut, Quantity, RuleSetName
from lineside.serving.charts.subgroups import CountedWindow
from lineside.serving.errors import ChartRefused
from lineside.statistics.spc import (
    NELSON,
    WESTERN_ELECTRIC,
    Baseline,
    BaselineMismatch,
    ChartKind,
    ChartOptions,
    ChartPoint,
    ControlChart,
    NothingToChart,
    Rule,
    UnequalSizes,
    control_chart,
)

Why = Callable[[datetime, datetime, str], str | None]
"""Why the point of a start, an end and a label is left out; None where it is not."""

RULES: Final[Mapping[RuleSetName, Sequence[Rule]]] = MappingProxyType(
    {"limits": WESTERN_ELECTRIC[:1], "western-electric": WESTERN_ELECTRIC, "nelson": NELSON}
)

QUANTITIES: Final[Mapping[ChartKind, Quantity]] = MappingProxyType(
    {
        ChartKind.P: Quantity.SHARE,
        ChartKind.P_PRIME: Quantity.SHARE,
        ChartKind.NP: Quantity.COUNT,
        ChartKind.C: Quantity.COUNT,
        ChartKind.U: Quantity.PER_UNIT,
        ChartKind.U_PRIME: Quantity.PER_UNIT,
        ChartKind.EWMA: Quantity.SHARE,
        ChartKind.CUSUM: Quantity.SIGMAS,
        ChartKind.G_R: Quantity.PARTS,
        ChartKind.T: Quantity.HOURS,
    }
)

_REMEMBERING: Final = frozenset({ChartKind.EWMA, ChartKind.CUSUM})
_SHARES: Final = frozenset({ChartKind.P, ChartKind.P_PRIME})


@dataclass(frozen=True, slots=True)
class ChartChoices:
    """What of the statistics can be chosen.

    Attributes:
        rules: which tell a signal; EWMA and CUSUM have their limits alone.
        options: weights and orders.
    """

    rules: RuleSetName = "western-electric"
    options: ChartOptions = field(default_factory=ChartOptions)


@dataclass(frozen=True, slots=True)
class ComputedChart:
    """A chart and what each of its points is of.

    Attributes:
        chart: as the statistics made it.
        points: the chart's, with their windows.
        notes: what a reader must know.
    """

    chart: ControlChart
    points: tuple[ChartPointOut, ...]
    notes: tuple[str, ...]


def compute_window_chart(
    kind: ChartKind, windows: Sequence[CountedWindow], *, baseline: Baseline | None, why: Why, choices: ChartChoices
) -> ComputedChart:
    """A chart of counts in windows.

    In phase I the estimate stands on the points that are settled and not excluded; the provisional ones are held
    against it. An EWMA or CUSUM passes over points with unsettled calls: counted as they stand they would pull it
    down, and it would not forget. If no point is settled, all of them are taken as they stand, and a note says so.

    Args:
        kind: of the chart.
        windows: in order; those in which nothing was inspected keep their place.
        baseline: to hold the points against; None for phase I.
        why: tells which points are left out.
        choices: of the statistics.

    Raises:
        ChartRefused: the counts cannot carry the chart.
    """
    filled = [window for window in windows if window.size]
    excluded = {
        window.label: reason for window in filled if (reason := why(window.start, window.end, window.label)) is not None
    }
    unsettled = {
        window.label: "provisional" for window in filled if window.is_provisional and window.label not in excluded
    }
    has_settled = len(unsettled) + len(excluded) < len(filled)
    passed_over = {
        window.label: "unsettled"
        for window in filled
        if kind in _REMEMBERING and has_settled and window.unsettled and window.label not in excluded
    }
    subgroups = [window.subgroup() for window in windows]
    notes: list[str] = []

    def chart(held_against: Baseline | None, left_out: Mapping[str, str]) -> ControlChart:
        return control_chart(
            kind,
            subgroups,
            baseline=held_against,
            excluded=left_out,
            rules=RULES[choices.rules],
            options=choices.options,
        )

    try:
        if baseline is None and unsettled and has_settled:
            estimated = chart(None, {**excluded, **unsettled})
            baseline = estimated.baseline
            notes += estimated.notes
        elif baseline is None and unsettled:
            notes.append("every point may still change, so the limits may too")
        drawn = chart(baseline, {**excluded, **passed_over})
    except (NothingToChart, UnequalSizes, BaselineMismatch) as error:
        raise ChartRefused(str(error)) from error
    notes += drawn.notes
    if unsettled:
        notes.append(
            f"{len(unsettled)} of {len(filled)} points are provisional: calls in them are not settled, or their time "
            "is not over; limits are not estimated from them"
        )
    if passed_over:
        notes.append(f"{len(passed_over)} of them have unsettled calls: the {kind.value} passes over them until then")
    if any(window.is_estimated for window in filled):
        notes.append("only a share of the calls is drawn for confirmation: the confirmed ones are scaled up to all")
    points = tuple(
        _window_point(point, window, kind, excluded.get(point.label))
        for point, window in zip(drawn.points, windows, strict=True)
    )
    return ComputedChart(drawn, points, tuple(dict.fromkeys(notes)))


def _window_point(point: ChartPoint, window: CountedWindow, kind: ChartKind, reason: str | None) -> ChartPointOut:
    if_confirmed = None
    if kind in _SHARES and window.unsettled and window.size:
        if_confirmed = min((window.count + window.unsettled) / window.size, 1.0)
    return ChartPointOut(
        label=point.label,
        start=window.start,
        end=window.end,
        value=point.value,
        lower=point.lower,
        centre=point.centre,
        upper=point.upper,
        rules=point.rules,
        excluded=reason is not None,
        excluded_reason=reason,
        provisional=window.is_provisional,
        count=window.count,
        size=float(window.size),
        unsettled=window.unsettled,
        value_if_confirmed=if_confirmed,
    )
