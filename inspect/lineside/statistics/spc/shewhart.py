"""Charts whose points stand each for itself: p, np, c, u and Laney's p' and u'.

Sources: D. C. Montgomery, "Introduction to Statistical Quality Control", chapter 7; D. B. Laney, "Improved control
charts for attributes", Quality Engineering 14 (2002) 531-537.

Assumptions: binomial counts of parts or Poisson counts of defects, near enough to normal for limits at so many
standard deviations (a mean count of 5 or so); p, np, c and u also that the true rate is the same in every undisturbed
subgroup, which large subgroups show to be false: with 2000 parts and a true rate that varies by a fifth, a p chart
alarms at one point in 40, a p' chart at one in 230.
"""

from collections.abc import Sequence

import numpy as np

from lineside.statistics.spc.baselines import deviates, spread_of_rates
from lineside.statistics.spc.errors import UnequalSizes
from lineside.statistics.spc.options import ChartOptions
from lineside.statistics.spc.records import Baseline, ChartKind, ChartPoint, Measure
from lineside.statistics.spc.rules import Rule, broken_rules
from lineside.statistics.spc.sequence import SubgroupSequence

SHEWHART = frozenset({ChartKind.P, ChartKind.NP, ChartKind.C, ChartKind.U, ChartKind.P_PRIME, ChartKind.U_PRIME})
WITH_SIGMA_Z = frozenset({ChartKind.P_PRIME, ChartKind.U_PRIME})
IN_COUNTS = frozenset({ChartKind.NP, ChartKind.C})


def shewhart_points(
    kind: ChartKind, sequence: SubgroupSequence, *, baseline: Baseline, rules: Sequence[Rule], options: ChartOptions
) -> tuple[ChartPoint, ...]:
    """Points with limits of their own size, and the rules that they break.

    Rules look at standardised points, so that subgroups of different sizes can stand in one run. Limits never leave
    what a rate can be: a lower one below 0 is 0, an upper one of a share above 1 is 1; no point can lie beyond these.

    Raises:
        UnequalSizes: a c chart of subgroups of several sizes.
    """
    sizes = sequence.sizes
    if kind is ChartKind.C and sizes.size and sizes.min() != sizes.max():
        raise UnequalSizes(smallest=float(sizes.min()), largest=float(sizes.max()))
    is_share = baseline.measure is Measure.PROPORTION
    sigma_z = baseline.sigma_z if kind in WITH_SIGMA_Z else 1.0
    spreads = spread_of_rates(baseline.centre, sizes, baseline.measure) * sigma_z
    lower = np.maximum(baseline.centre - options.width * spreads, 0.0)
    upper = np.minimum(baseline.centre + options.width * spreads, 1.0 if is_share else np.inf)
    standardised = deviates(sequence.rates, baseline.centre, spreads)
    counted = standardised[sequence.counted]
    scale = sizes if kind in IN_COUNTS else np.ones_like(sizes)
    return sequence.points(
        values=sequence.counts if kind in IN_COUNTS else sequence.rates,
        lower=lower * scale,
        centre=baseline.centre * scale,
        upper=upper * scale,
        rules=broken_rules(counted, rules, beyond=np.abs(counted) > options.width),
    )
