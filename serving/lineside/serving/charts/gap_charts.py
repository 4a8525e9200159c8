"""Charts of the parts or the time between confirmed defective parts, for lines that count in ppm."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from lineside.serving.charts.computing import RULES, ChartChoices, ComputedChart, Why
from lineside.serving.charts.gaps import MOST_DEFECTIVES, Defective, Defectives
from lineside.serving.charts.schemas import ChartPointOut
from lineside.serving.errors import ChartRefused
from lineside.statistics.spc import (
    Baseline,
    BaselineMismatch,
    ChartKind,
    ChartPoint,
    Gap,
    NothingToChart,
    gap_chart,
)

_SECONDS_PER_HOUR: Final = 3600.0


def compute_gap_chart(
    kind: ChartKind, found: Defectives, *, baseline: Baseline | None, why: Why, choices: ChartChoices
) -> ComputedChart:
    """A chart of the parts (g-r) or hours (t) between confirmed defective parts.

    Args:
        kind: g-r or t.
        found: the defective parts.
        baseline: to hold the points against; None for phase I.
        why: tells which points are left out.
        choices: of the statistics.

    Raises:
        ChartRefused: there are too few defective parts.
    """
    labels = _labels(found.found)
    gaps = [
        Gap(label, float(later.place - earlier.place))
        if kind is ChartKind.G_R
        else Gap(label, (later.opened_at - earlier.opened_at).total_seconds())
        for label, (earlier, later) in zip(labels[1:], pairwise(found.found), strict=True)
    ]
    at = {label: place for place, label in enumerate(labels)}
    order = choices.options.order if kind is ChartKind.G_R else 1
    excluded = {
        labels[last]: reason
        for last in range(order, len(labels), order)
        if (reason := why(found.found[last - order].opened_at, found.found[last].opened_at, labels[last])) is not None
    }
    try:
        drawn = gap_chart(
            kind, gaps, baseline=baseline, excluded=excluded, rules=RULES[choices.rules], options=choices.options
        )
    except (NothingToChart, BaselineMismatch) as error:
        raise ChartRefused(str(error)) from error
    points = tuple(
        _gap_point(
            point,
            found.found[max(at[point.label] - order, 0)],
            found.found[at[point.label]],
            found,
            scale=1.0 if kind is ChartKind.G_R else _SECONDS_PER_HOUR,
            reason=excluded.get(point.label),
        )
        for point in drawn.points
    )
    notes = list(drawn.notes)
    if found.is_cut:
        notes.append(
            f"only the newest {MOST_DEFECTIVES} defective parts are charted: ask for a shorter time for others"
        )
    if any(point.provisional for point in points):
        notes.append("calls are not settled: gaps that end after the first of them may still be split")
    return ComputedChart(drawn, points, tuple(notes))


def _gap_point(
    point: ChartPoint,
    earlier: Defective,
    later: Defective,
    found: Defectives,
    *,
    scale: float,
    reason: str | None,
) -> ChartPointOut:
    def scaled(value: float | None) -> float | None:
        return None if value is None else value / scale

    return ChartPointOut(
        label=point.label,
        start=earlier.opened_at,
        end=later.opened_at,
        value=scaled(point.value),
        lower=scaled(point.lower),
        centre=scaled(point.centre),
        upper=scaled(point.upper),
        rules=point.rules,
        excluded=point.excluded,
        excluded_reason=reason,
        provisional=found.unsettled_from is not None and later.opened_at > found.unsettled_from,
        count=None,
        size=None,
        unsettled=0,
        value_if_confirmed=None,
    )


def _labels(found: Sequence[Defective]) -> list[str]:
    """The parts' identifiers; one that comes again gets its number."""
    seen: dict[str, int] = {}
    labels: dict[str, None] = {}
    for each in found:
        label = each.part_id
        while label in labels:  # "A (2)" may be a part's own name
            seen[each.part_id] = seen.get(each.part_id, 1) + 1
            label = f"{each.part_id} ({seen[each.part_id]})"
        labels[label] = None
    return list(labels)
