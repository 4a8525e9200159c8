"""Control charts of subgroups, by name."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lineside.statistics.spc.baselines import GAP_KINDS, check_baseline, estimate_baseline
from lineside.statistics.spc.memory import cusum_points, ewma_points
from lineside.statistics.spc.options import ChartOptions
from lineside.statistics.spc.records import MEASURE_OF_KIND, Baseline, ChartKind, ControlChart, Measure, Subgroup
from lineside.statistics.spc.rules import WESTERN_ELECTRIC, Rule
from lineside.statistics.spc.sequence import SubgroupSequence
from lineside.statistics.spc.shewhart import SHEWHART, WITH_SIGMA_Z, shewhart_points

NOTHING_EXCLUDED: Mapping[str, str] = MappingProxyType({})

DEFAULT_KINDS = (ChartKind.P_PRIME, ChartKind.EWMA)
"""What is shown unless something else is asked for; see `default_charts`."""


def control_chart(
    kind: ChartKind,
    subgroups: Sequence[Subgroup],
    *,
    baseline: Baseline | None = None,
    excluded: Mapping[str, str] = NOTHING_EXCLUDED,
    rules: Sequence[Rule] = WESTERN_ELECTRIC,
    options: ChartOptions | None = None,
) -> ControlChart:
    """A control chart of subgroups in the order of production.

    Phase I, without a baseline: the limits are estimated from the subgroups that are not excluded. Exclude one only
    where its cause was found, and chart again: the limits are then estimated anew. Phase II, with a baseline (the one
    that a chart of phase I carries): the limits are fixed, whatever the new points do.

    Defined answers: an empty subgroup has a place and no point, and runs, averages and sums go on from the point
    before it (a pause of the line is not evidence of anything). Where nothing is counted in phase I, or everything,
    the limits lie on the centre line, no point breaks a limit, and a note says so. A single subgroup gives a chart of
    one point on its own centre line. In phase II a baseline without any spread makes every other rate a signal.

    Args:
        kind: any but g_r and t, which `gap_chart` draws.
        subgroups: in order, labels unique; may hold empty ones.
        baseline: from phase I; p, np, p', and EWMA and CUSUM of proportions take each other's, as do those per unit.
        excluded: label to reason. In phase II as well: points that were explained break no rule.
        rules: for Shewhart charts. EWMA and CUSUM are judged by their limits only.
        options: widths, weights, and what an EWMA or CUSUM measures.

    Raises:
        BaselineMismatch: the baseline is of another measure.
        NothingToChart: phase I without a subgroup that counts.
        UnequalSizes: a c chart of several sizes.
        UnknownExclusion: an exclusion names no subgroup.
        ValueError: labels come twice, more parts are defective than there are, or the kind takes gaps.

    >>> chart = control_chart(ChartKind.P, [Subgroup("6 am", 4, 200), Subgroup("7 am", 0, 0), Subgroup("8 am", 6, 200)])
    >>> [(point.label, point.value) for point in chart.points], chart.parameters["centre"]
    ([('6 am', 0.02), ('7 am', None), ('8 am', 0.03)], 0.025)
    """
    if kind in GAP_KINDS:
        raise ValueError(f"a {kind} chart is drawn of gaps between defects, not of subgroups; use gap_chart")
    chosen = options or ChartOptions()
    measure = MEASURE_OF_KIND.get(kind, chosen.measure)
    sequence = SubgroupSequence.of(subgroups, excluded, measure=measure)
    notes: tuple[str, ...] = ()
    has_sigma_z = kind in WITH_SIGMA_Z or (kind not in MEASURE_OF_KIND and chosen.has_over_dispersion)
    if baseline is None:
        fixed, notes = estimate_baseline(kind, sequence, measure=measure, options=chosen, has_sigma_z=has_sigma_z)
    else:
        check_baseline(baseline, kind, measure=measure)
        fixed = baseline
        if has_sigma_z and baseline.kind in SHEWHART - WITH_SIGMA_Z:
            note = (
                f"the baseline is of a {baseline.kind} chart, which does not estimate sigma_z: it is taken as 1, so "
                "that what always varies between subgroups alarms too. Freeze one of a p-prime or u-prime chart"
            )
            notes = (note,)
    if kind is ChartKind.EWMA:
        points = ewma_points(sequence, baseline=fixed, options=chosen)
    elif kind is ChartKind.CUSUM:
        points = cusum_points(sequence, baseline=fixed, options=chosen)
    else:
        points = shewhart_points(kind, sequence, baseline=fixed, rules=rules, options=chosen)
    return ControlChart(
        kind=kind,
        points=points,
        parameters=_parameters(kind, fixed, chosen),
        phase="I" if baseline is None else "II",
        notes=notes,
        baseline=fixed,
        exclusions=dict(excluded),
    )


def default_charts(
    subgroups: Sequence[Subgroup],
    *,
    baseline: Baseline | None = None,
    excluded: Mapping[str, str] = NOTHING_EXCLUDED,
    rules: Sequence[Rule] = WESTERN_ELECTRIC,
    options: ChartOptions | None = None,
) -> tuple[ControlChart, ControlChart]:
    """The pair shown unless something else is asked for: Laney's chart and an EWMA of weight 0.1, with one baseline.

    p' finds large changes at once and stays quiet where the true rate varies from hour to hour as it always does; the
    EWMA finds small lasting ones. Of defects per unit (`options.measure`) it is u' and the EWMA.

    Args and Raises: as `control_chart`.
    """
    chosen = options or ChartOptions()
    prime = ChartKind.P_PRIME if chosen.measure is Measure.PROPORTION else ChartKind.U_PRIME
    first = control_chart(prime, subgroups, baseline=baseline, excluded=excluded, rules=rules, options=chosen)
    second = control_chart(ChartKind.EWMA, subgroups, baseline=baseline, excluded=excluded, options=chosen)
    return first, second


def _parameters(kind: ChartKind, baseline: Baseline, options: ChartOptions) -> dict[str, float]:
    parameters: dict[str, float] = {
        "centre": baseline.centre,
        "subgroups": float(baseline.subgroups),
        "units": baseline.units,
    }
    has_memory = kind not in MEASURE_OF_KIND
    if kind in WITH_SIGMA_Z or (has_memory and options.has_over_dispersion):
        parameters |= {"sigma_z": baseline.sigma_z, "d2": options.d2}
    if kind is ChartKind.EWMA:
        parameters |= {"weight": options.weight, "width": options.ewma_width}
    elif kind is ChartKind.CUSUM:
        parameters |= {"slack": options.slack, "limit": options.limit, "head_start": options.head_start}
    else:
        parameters["width"] = options.width
    return parameters
