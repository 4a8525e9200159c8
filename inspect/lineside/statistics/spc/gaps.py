"""Charts of what passes between defects, for lines so good that most subgroups count none: g_r and t.

Sources: J. C. Benneyan, "Number-between g-type statistical quality control charts for monitoring adverse events",
Health Care Management Science 4 (2001) 305-318; counting to the r-th event: T. N. Goh and M. Xie's CCC-r chart, "Some
effective control chart procedures for reliability monitoring", Reliability Engineering and System Safety 77 (2002)
143-150; transformed times: L. S. Nelson, "A control chart for parts-per-million nonconforming items", Journal of
Quality Technology 26 (1994) 239-240.

Why r = 4: at 100 ppm a count to the next defect has a lower limit of 28 parts, and a rate three times worse is found
after some 400 000 parts on average; a count to the fourth has one of 5644 parts (0.0027 below it) and finds it after
145 000.

Assumptions: parts fail independently with one chance (geometric gaps; exponential in time at a steady pace). Defects in
runs make gaps short without the rate having changed; the chart then signals the run, which is right to look at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, gammaincc, gammaincinv, ndtri  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.spc.baselines import GAP_KINDS, SUBGROUPS_WANTED
from lineside.statistics.spc.chart import NOTHING_EXCLUDED
from lineside.statistics.spc.errors import BaselineMismatch, NothingToChart
from lineside.statistics.spc.options import ChartOptions, Tails, TimeLimits
from lineside.statistics.spc.records import Baseline, ChartKind, ChartPoint, ControlChart, Gap, Measure
from lineside.statistics.spc.rules import WESTERN_ELECTRIC, Rule, broken_rules
from lineside.statistics.spc.sequence import Floats, check_labels

_NELSON_POWER = 1 / 3.6
"""Makes exponential times nearly normal (Weibull of shape 3.6)."""


def gaps_between(positions: Sequence[tuple[str, float]], *, start: float) -> tuple[Gap, ...]:
    """Gaps between defects that stand at counts of parts or at times.

    Args:
        positions: label and position of each defect, not falling: the number of the part among those inspected
            (counted from 1), or seconds.
        start: the position before the first gap: 0 parts, or when watching began.

    Raises:
        ValueError: a position lies before the one before it.
    """
    gaps: list[Gap] = []
    before = start
    for label, position in positions:
        if not position >= before:
            raise ValueError(f"defect {label!r} at {position}, after one at {before}; expected positions in order")
        gaps.append(Gap(label, position - before))
        before = position
    return tuple(gaps)


def gap_chart(
    kind: ChartKind,
    gaps: Sequence[Gap],
    *,
    baseline: Baseline | None = None,
    excluded: Mapping[str, str] = NOTHING_EXCLUDED,
    rules: Sequence[Rule] = WESTERN_ELECTRIC,
    options: ChartOptions | None = None,
) -> ControlChart:
    """A g_r or t chart of gaps in the order of production.

    g_r: each point is the number of parts up to and including the r-th defect after the point before (r is
    `options.order`); limits are quantiles of the negative binomial distribution. t: each point is the time between two
    defects; limits are quantiles of the exponential distribution, or those of Nelson's transformed individuals chart.
    A point *below* its lower limit means that defects come too often. Rules other than the limits look at normal
    scores, the normal quantile of each point's (middle) chance.

    The rate of phase I is all defects over all parts or seconds of the points that count. Parts after the last defect
    are not seen: a long quiet end of the period makes the rate look worse than it is.

    Args:
        kind: g_r or t.
        gaps: each defect's distance from the one before; labels unique. Gaps of a last point that is not complete
            (fewer than r) are left out, and a note says so.
        baseline: from phase I of the same kind of chart. Its centre is a rate, so that r may differ.
        excluded: label of a point (that of its last gap) to reason.
        rules: those of Western Electric unless others are given.
        options: order, tail, tails, time limits.

    Raises:
        BaselineMismatch: the baseline is of another kind.
        NothingToChart: phase I without a complete point that counts, or all gaps are 0 long.
        UnknownExclusion: an exclusion names no point.
        ValueError: the kind takes subgroups, labels come twice, or a gap in parts is not a whole number from 1.
    """
    if kind not in GAP_KINDS:
        raise ValueError(f"a {kind} chart is drawn of subgroups, not of gaps between defects; use control_chart")
    chosen = options or ChartOptions()
    check_labels(gaps, NOTHING_EXCLUDED)
    is_parts = kind is ChartKind.G_R
    order = chosen.order if is_parts else 1
    if is_parts:
        for gap in gaps:
            if gap.size < 1 or gap.size != int(gap.size):
                raise ValueError(f"gap {gap.label!r} is {gap.size:g} parts long; expected a whole number, 1 or more")
    complete = len(gaps) // order
    totals = [Gap(gaps[k * order + order - 1].label, _sum(gaps[k * order : (k + 1) * order])) for k in range(complete)]
    check_labels(totals, excluded)
    notes: list[str] = []
    if left := len(gaps) - complete * order:
        notes.append(f"the last {left} of {len(gaps)} defects do not make a point of {order} yet")
    values = np.array([total.size for total in totals], np.float64)
    counted = np.array([total.label not in excluded for total in totals], np.bool_)
    is_transformed = kind is ChartKind.T and chosen.time_limits is TimeLimits.TRANSFORMED
    if baseline is not None:
        time_measure = Measure.TRANSFORMED_TIME if is_transformed else Measure.PER_UNIT
        fixed = _checked(baseline, kind, measure=Measure.PROPORTION if is_parts else time_measure)
    elif is_transformed:
        fixed = _transformed_baseline(values[counted], d2=chosen.d2)
    else:
        fixed = _rate_baseline(kind, values[counted], order=order)
    if baseline is None and fixed.subgroups < SUBGROUPS_WANTED:
        notes.append(f"limits from {fixed.subgroups} points; provisional until {SUBGROUPS_WANTED} are behind them")
    limits = _transformed_limits(fixed, values) if is_transformed else _probability_limits(fixed, values, order, chosen)
    is_beyond = (values < limits.lower) | (values > limits.upper)
    broken = iter(broken_rules(limits.scores[counted], rules, beyond=is_beyond[counted]))
    points = tuple(
        ChartPoint(
            label=total.label,
            value=total.size,
            lower=limits.lower,
            centre=limits.centre,
            upper=limits.upper if np.isfinite(limits.upper) else None,
            rules=next(broken) if is_counted else (),
            excluded=not is_counted,
        )
        for total, is_counted in zip(totals, counted.tolist(), strict=True)
    )
    return ControlChart(
        kind=kind,
        points=points,
        parameters=_parameters(fixed, order=order, options=chosen, is_transformed=is_transformed),
        phase="I" if baseline is None else "II",
        notes=tuple(notes),
        baseline=fixed,
        exclusions=dict(excluded),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    lower: float
    centre: float
    upper: float  # infinite: none
    scores: Floats  # of the values, as normal deviates


def _sum(gaps: Sequence[Gap]) -> float:
    return float(sum(gap.size for gap in gaps))


def _rate_baseline(kind: ChartKind, values: Floats, *, order: int) -> Baseline:
    units = _units(values)
    measure = Measure.PROPORTION if kind is ChartKind.G_R else Measure.PER_UNIT
    return Baseline(kind, measure, order * values.size / units, 1.0, int(values.size), units)


def _transformed_baseline(values: Floats, *, d2: float) -> Baseline:
    units = _units(values)
    transformed = values**_NELSON_POWER
    ranges = np.abs(np.diff(transformed))
    if not ranges.size or ranges.max() == 0:
        raise NothingToChart(
            f"{values.size} gaps without any difference between them; expected two different ones, or limits by"
            " probability"
        )
    spread = float(ranges.mean()) / d2
    return Baseline(ChartKind.T, Measure.TRANSFORMED_TIME, float(transformed.mean()), spread, int(values.size), units)


def _units(values: Floats) -> float:
    units = float(values.sum())
    if units <= 0:
        raise NothingToChart(
            f"{values.size} complete points that are not excluded, {units:g} long together; expected at least one above"
            " 0, or a baseline from an earlier period"
        )
    return units


def _checked(baseline: Baseline, kind: ChartKind, *, measure: Measure) -> Baseline:
    if baseline.kind is not kind or baseline.measure is not measure:
        raise BaselineMismatch(
            f"a baseline of a {baseline.kind} chart ({baseline.measure}) for a {kind} chart ({measure});"
            " expected one of the same chart"
        )
    if baseline.centre == 0:
        raise BaselineMismatch("a baseline whose defects never come; expected a centre above 0")
    return baseline


def _probability_limits(baseline: Baseline, values: Floats, order: int, options: ChartOptions) -> _Limits:
    lower_tail = options.tail * (2 if options.tails is Tails.WORSE else 1)
    rate = baseline.centre
    if baseline.kind is ChartKind.G_R:
        lower = float(parts_quantile(lower_tail, order=order, rate=rate))
        upper = float(parts_quantile(1 - options.tail, order=order, rate=rate))
        centre = float(parts_quantile(0.5, order=order, rate=rate))
        # P(at most v parts to the r-th defect) = P(r or more defects in v parts)
        at_most = betainc(order, values - order + 1, rate)
        below = np.where(values > order, betainc(order, np.maximum(values - order, 1), rate), 0.0)
        middle = (at_most + below) / 2
        above = 1 - middle
    else:
        lower, centre, upper = (
            float(gammaincinv(order, chance)) / rate for chance in (lower_tail, 0.5, 1 - options.tail)
        )
        above = gammaincc(order, values * rate)
        middle = 1 - above
    # the smaller tail of the two keeps its digits
    scores = np.where(middle <= 0.5, ndtri(np.maximum(middle, 0.0)), -ndtri(np.maximum(above, 0.0)))
    return _Limits(lower, centre, upper if options.tails is Tails.BOTH else np.inf, np.asarray(scores, np.float64))


def _transformed_limits(baseline: Baseline, values: Floats) -> _Limits:
    lower, upper = baseline.centre - 3 * baseline.sigma_z, baseline.centre + 3 * baseline.sigma_z
    scores = (values**_NELSON_POWER - baseline.centre) / baseline.sigma_z
    back = 1 / _NELSON_POWER
    return _Limits(max(lower, 0.0) ** back, baseline.centre**back, upper**back, scores)


def parts_quantile(chance: float, *, order: int, rate: float) -> int:
    """The least number of parts within which the r-th defect comes with at least this chance.

    Args:
        chance: strictly between 0 and 1.
        order: r, 1 or more.
        rate: of defects per part, above 0, at most 1.

    >>> [parts_quantile(chance, order=1, rate=1e-4) for chance in (0.00135, 0.5, 0.99865)]
    [14, 6932, 66074]
    """
    too_few, enough = order - 1, order
    while _share_within(enough, order, rate) < chance:
        too_few, enough = enough, enough * 2
    while enough - too_few > 1:
        between = (too_few + enough) // 2
        is_enough = _share_within(between, order, rate) >= chance
        too_few, enough = (too_few, between) if is_enough else (between, enough)
    return enough


def _share_within(parts: int, order: int, rate: float) -> float:
    """Chance that the r-th defect comes within so many parts, r or more: that of r or more defects among them.

    By the beta function, which takes any number of parts; scipy's binomial tail turns wrong past 2^31.
    """
    return float(betainc(order, parts - order + 1, rate))


def _parameters(baseline: Baseline, *, order: int, options: ChartOptions, is_transformed: bool) -> dict[str, float]:
    parameters = {"centre": baseline.centre, "subgroups": float(baseline.subgroups), "units": baseline.units}
    if is_transformed:
        return parameters | {"sigma": baseline.sigma_z, "d2": options.d2, "power": _NELSON_POWER, "width": 3.0}
    lower_tail = options.tail * (2 if options.tails is Tails.WORSE else 1)
    return parameters | {
        "order": float(order),
        "tail_lower": lower_tail,
        "tail_upper": options.tail if options.tails is Tails.BOTH else 0.0,
    }
