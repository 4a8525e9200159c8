"""Charts that remember: EWMA and CUSUM find small lasting changes that a single point does not show.

Only the limit is judged on them: neighbouring points share most of what they remember, so that runs and zones would
alarm without cause.
"""

from collections.abc import Sequence

import numpy as np

from lineside.statistics.spc.baselines import deviates, spread_of_rates
from lineside.statistics.spc.options import ChartOptions
from lineside.statistics.spc.records import Baseline, ChartPoint, Measure
from lineside.statistics.spc.rules import BEYOND_LIMITS
from lineside.statistics.spc.sequence import Floats, SubgroupSequence


def exponential_averages(
    values: Sequence[float] | Floats, spreads: Sequence[float] | Floats, *, centre: float, weight: float
) -> tuple[Floats, Floats]:
    """Exponentially weighted moving averages, and the standard deviation of each.

    Sources: S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959) 239-250;
    the exact variance of each point, which grows to its limit, as in Montgomery, section 9.2; for spreads that differ
    it is carried from point to point: v = weight^2 s^2 + (1 - weight)^2 v.

    Args:
        values: shape (n,), in order.
        spreads: standard deviation of each value, shape (n,).
        centre: where the average starts.
        weight: of the newest value, above 0, at most 1.

    >>> averages, deviations = exponential_averages([11, 13, 12], [2, 2, 2], centre=10, weight=0.5)
    >>> averages.tolist(), deviations.round(4).tolist()
    ([10.5, 11.75, 11.875], [1.0, 1.118, 1.1456])
    """
    averages, variances = np.empty(len(values)), np.empty(len(values))
    average, variance = centre, 0.0
    for place, (value, spread) in enumerate(zip(values, spreads, strict=True)):
        average = weight * value + (1 - weight) * average
        variance = (weight * spread) ** 2 + (1 - weight) ** 2 * variance
        averages[place], variances[place] = average, variance
    return averages, np.sqrt(variances)


def ewma_points(sequence: SubgroupSequence, *, baseline: Baseline, options: ChartOptions) -> tuple[ChartPoint, ...]:
    """An EWMA of the rates with limits that widen over its first points.

    Values, limits and centre are rates, as on a p or u chart. An excluded subgroup leaves the average where it was.
    """
    spreads = spread_of_rates(baseline.centre, sequence.sizes, baseline.measure) * _sigma_z(baseline, options)
    counted = sequence.counted
    averages, deviations = exponential_averages(
        sequence.rates[counted], spreads[counted], centre=baseline.centre, weight=options.weight
    )
    half_widths = options.ewma_width * deviations
    highest = 1.0 if baseline.measure is Measure.PROPORTION else np.inf
    is_beyond = np.abs(averages - baseline.centre) > half_widths
    return sequence.points(
        values=_held(averages, counted, first=baseline.centre),
        lower=_held(np.maximum(baseline.centre - half_widths, 0.0), counted, first=baseline.centre),
        centre=np.full(sequence.sizes.shape, baseline.centre),
        upper=_held(np.minimum(baseline.centre + half_widths, highest), counted, first=baseline.centre),
        rules=[(BEYOND_LIMITS.name,) if is_out else () for is_out in is_beyond.tolist()],
    )


def cumulative_sums(
    standardised: Sequence[float] | Floats, *, slack: float, head_start: float = 0.0
) -> tuple[Floats, Floats]:
    """The two sums of a tabular CUSUM; the lower one is 0 or less.

    Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954) 100-115, in the tabular form of
    Montgomery, section 9.1; head start: J. M. Lucas and R. B. Crosier, "Fast initial response for CUSUM
    quality-control schemes", Technometrics 24 (1982) 199-205.

    Args:
        standardised: values in standard deviations from the centre, shape (n,), in order.
        slack: half the shift that it is tuned to, in standard deviations.
        head_start: where both sums begin.

    >>> [sums.round(4).tolist() for sums in cumulative_sums([1.5, 0.5, 0.6, -1.5, -0.5, -0.8], slack=0.5)]
    [[1.0, 1.0, 1.1, 0.0, 0.0, 0.0], [-0.0, -0.0, -0.0, -1.0, -1.0, -1.3]]
    """
    upper, lower = np.empty(len(standardised)), np.empty(len(standardised))
    above = below = head_start
    for place, deviate in enumerate(standardised):
        above, below = max(0.0, above + deviate - slack), max(0.0, below - deviate - slack)
        upper[place], lower[place] = above, -below
    return upper, lower


def cusum_points(sequence: SubgroupSequence, *, baseline: Baseline, options: ChartOptions) -> tuple[ChartPoint, ...]:
    """A tabular CUSUM of the standardised rates, in standard deviations.

    A point's value is the sum that is further from 0 (the lower one is negative), its `sums` are both. An excluded
    subgroup leaves the sums where they were.
    """
    spreads = spread_of_rates(baseline.centre, sequence.sizes, baseline.measure) * _sigma_z(baseline, options)
    counted = sequence.counted
    standardised = deviates(sequence.rates, baseline.centre, spreads)[counted]
    # off a centre line without spread a sum would become infinite, and never return: it is then just past the limit
    largest = options.limit + options.slack + 1.0
    standardised = np.where(np.isinf(standardised), np.sign(standardised) * largest, standardised)
    upper, lower = cumulative_sums(standardised, slack=options.slack, head_start=options.head_start)
    is_beyond = (upper > options.limit) | (lower < -options.limit)
    above = _held(upper, counted, first=options.head_start)
    below = _held(lower, counted, first=-options.head_start)
    level = np.full(sequence.sizes.shape, options.limit)
    return sequence.points(
        values=np.where(above >= -below, above, below),
        lower=-level,
        centre=np.zeros(sequence.sizes.shape),
        upper=level,
        rules=[(BEYOND_LIMITS.name,) if is_out else () for is_out in is_beyond.tolist()],
        sums=list(zip(above.tolist(), below.tolist(), strict=True)),
    )


def _sigma_z(baseline: Baseline, options: ChartOptions) -> float:
    return baseline.sigma_z if options.has_over_dispersion else 1.0


def _held(figures: Floats, counted: np.typing.NDArray[np.bool_], *, first: float) -> Floats:
    """Figures of those that count, put where they stand; the others show the figure before them."""
    latest = np.cumsum(counted)  # 0 before the first that counts
    return np.concatenate(([first], figures))[latest]
