"""Phase I: what the undisturbed process does, estimated from the subgroups that count."""

from collections.abc import Sequence

import numpy as np

from lineside.statistics.spc.errors import BaselineMismatch, NothingToChart
from lineside.statistics.spc.options import ChartOptions
from lineside.statistics.spc.records import Baseline, ChartKind, Measure
from lineside.statistics.spc.sequence import Floats, SubgroupSequence

SUBGROUPS_WANTED = 20
"""Montgomery asks for 20 to 25 subgroups before limits are trusted."""

_NO_MOVE = 1e-9
"""Standardised; equal rates of unequal subgroups differ by rounding."""

GAP_KINDS = frozenset({ChartKind.G_R, ChartKind.T})


def spread_of_rates(centre: float, sizes: Floats, measure: Measure) -> Floats:
    """Standard deviation of a rate by chance alone: binomial for parts, Poisson for defects.

    Args:
        centre: the true rate.
        sizes: shape (n,), above 0.
        measure: which of the two.
    """
    variance = centre * (1 - centre) if measure is Measure.PROPORTION else centre
    return np.asarray(np.sqrt(variance / sizes))


def deviates(rates: Floats, centre: float, spreads: Floats) -> Floats:
    """How far each rate is from the centre in spreads; 0 on the centre and infinite off it where there is no spread."""
    differences = rates - centre
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(differences == 0, 0.0, differences / spreads)


def estimate_baseline(
    kind: ChartKind, sequence: SubgroupSequence, *, measure: Measure, options: ChartOptions, has_sigma_z: bool
) -> tuple[Baseline, tuple[str, ...]]:
    """Centre line and, where the chart takes it in, the spread between subgroups.

    Sources: W. A. Shewhart (1931) for the centre, all counts over all sizes; D. B. Laney, "Improved control charts for
    attributes", Quality Engineering 14 (2002) 531-537, for sigma_z: the mean moving range of the standardised rates,
    divided by d2. It is 1 where chance alone makes subgroups differ, above where the process varies between them.

    Assumptions: the subgroups that count show the process undisturbed. Neighbours that resemble each other make
    sigma_z too small.

    Returns:
        The baseline, and notes on what it cannot carry. Of a single subgroup, and where no rate moves at all, sigma_z
        cannot be estimated: it is then 1, and a note says so.

    Raises:
        NothingToChart: no subgroup counts.
    """
    counts, sizes = sequence.counts[sequence.counted], sequence.sizes[sequence.counted]
    if counts.size == 0:
        raise NothingToChart(
            f"{len(sequence.subgroups)} subgroups, none with a part in it that is not excluded; expected at least one,"
            " or a baseline from an earlier period"
        )
    units = float(sizes.sum())
    centre = float(counts.sum()) / units
    notes: list[str] = []
    sigma_z = 1.0
    if has_sigma_z:
        standardised = deviates(counts / sizes, centre, spread_of_rates(centre, sizes, measure))
        ranges = np.abs(np.diff(standardised))
        if ranges.size and ranges.max() > _NO_MOVE:
            sigma_z = float(ranges.mean()) / options.d2
        else:
            notes.append(
                "sigma_z cannot be estimated where no two rates differ; it is taken as 1, which is chance alone"
            )
    notes += _notes_on(centre, counts, sizes, measure)
    return Baseline(kind, measure, centre, sigma_z, int(counts.size), units), tuple(notes)


def check_baseline(baseline: Baseline, kind: ChartKind, *, measure: Measure) -> None:
    """Refuse a baseline of another chart.

    Raises:
        BaselineMismatch: it counts something else, or is of gaps.
    """
    if baseline.kind in GAP_KINDS or baseline.measure is not measure:
        raise BaselineMismatch(
            f"a baseline of a {baseline.kind} chart ({baseline.measure}) for a {kind} chart; expected one of subgroups"
            f" that measure {measure}"
        )


def _notes_on(centre: float, counts: Floats, sizes: Floats, measure: Measure) -> Sequence[str]:
    notes: list[str] = []
    if counts.size < SUBGROUPS_WANTED:
        notes.append(
            f"limits from {counts.size} subgroups; provisional until {SUBGROUPS_WANTED} or more are behind them"
        )
    if centre == 0:
        notes.append(
            "nothing was counted at all: the limits lie on the centre line at 0. Use a g-r chart, larger subgroups, or"
            " a baseline from a longer period"
        )
    elif measure is Measure.PROPORTION and centre == 1:
        notes.append("every part is defective: the limits lie on the centre line at 1")
    elif centre * float(np.median(sizes)) < 1:
        notes.append(
            f"a subgroup counts {centre * float(np.median(sizes)):.2g} on average: three-sigma limits alarm too often"
            " above and never below. Use larger subgroups, an EWMA, or a g-r chart"
        )
    return notes
