"""Two samples against each other: did scores, or the share of some parts, change?

Every test gives a p value for "nothing changed". Parts of one lot resemble each other, so that p values which take
them for independent are too small; each test therefore takes a dispersion, which `dispersion` estimates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import hypergeom, ks_2samp  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts
from lineside.statistics.drift.errors import NonFiniteMeasure
from lineside.statistics.errors import TooFewParts

FloatArray = NDArray[np.float64]

LEAST_SCORES = 8
"""Of either sample: with 8 against 8, complete separation has p = 0.0002 (2 / C(16, 8))."""

_EXACT_UP_TO = 10_000  # pairs; beyond, the limit distribution is right to two digits and a thousand times faster


@dataclass(frozen=True, slots=True)
class ScoreShift:
    """How two samples of scores differ.

    Attributes:
        p_value: chance of a distance this large if nothing changed.
        distance: largest difference of the two distribution functions, 0 to 1.
        before: median of the first sample.
        after: median of the second.
        scores_before: size of the first sample.
        scores_after: size of the second.
    """

    p_value: float
    distance: float
    before: float
    after: float
    scores_before: int
    scores_after: int


@dataclass(frozen=True, slots=True)
class ShareShift:
    """How the share of some parts differs between two samples.

    Attributes:
        p_value: chance of a difference this large, in either direction, if nothing changed.
        before: share in the first sample.
        after: share in the second.
        events_before: such parts in the first sample.
        parts_before: all its parts.
        events_after: such parts in the second.
        parts_after: all its parts.
    """

    p_value: float
    before: float
    after: float
    events_before: int
    parts_before: int
    events_after: int
    parts_after: int


def finite(name: str, values: ArrayLike) -> FloatArray:
    """The values as float64 (n,).

    Raises:
        NonFiniteMeasure: one is NaN or infinite.
        ValueError: they are no plain list of numbers.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} has the shape {array.shape}; expected a plain list of numbers")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise NonFiniteMeasure(name, position=int(bad[0]), value=float(array[bad[0]]))
    return array


def score_shift(before: ArrayLike, after: ArrayLike, *, dispersion: float = 1.0) -> ScoreShift:
    """Whether the distribution of scores changed in any way: location, spread or shape.

    Source: two-sample Kolmogorov-Smirnov test (scipy.stats.ks_2samp), exact for small samples and asymptotic for
    large ones; with ties it is conservative.

    Assumptions: independent parts, or a `dispersion` that says how far they are from it.

    Args:
        before: scores of the reference period, at least `LEAST_SCORES`.
        after: scores to hold against them, at least `LEAST_SCORES`.
        dispersion: variance of a batch's figures over that of independent parts, 1 or more.

    Raises:
        NonFiniteMeasure: a score is NaN or infinite.
        TooFewParts: a sample is too small to say anything.
        ValueError: the dispersion is below 1.
    """
    first, second = finite("a reference score", before), finite("a score", after)
    for name, sample in (("the reference's scores", first), ("the scores under test", second)):
        if sample.size < LEAST_SCORES:
            raise TooFewParts(f"a Kolmogorov-Smirnov test of {name}", needed=LEAST_SCORES, found=sample.size)
    method = "exact" if first.size * second.size <= _EXACT_UP_TO else "asymp"
    result = ks_2samp(first, second, method=method)
    return ScoreShift(
        p_value=_dispersed(float(result.pvalue), dispersion),
        distance=float(result.statistic),
        before=float(np.median(first)),
        after=float(np.median(second)),
        scores_before=first.size,
        scores_after=second.size,
    )


def share_shift(
    events_before: int, parts_before: int, events_after: int, parts_after: int, *, dispersion: float = 1.0
) -> ShareShift:
    """Whether a share changed, such as that of flagged parts or of scores near the threshold.

    Source: Fisher's conditional test of a 2 x 2 table with the mid-p value (H. O. Lancaster, "Significance tests in
    discrete distributions", JASA 56 (1961) 223-234), twice the smaller tail; the mid-p keeps rare events from never
    reaching a level.

    Args:
        events_before: such parts in the reference period.
        parts_before: all its parts, 1 or more.
        events_after: such parts now.
        parts_after: all parts now, 1 or more.
        dispersion: as in `score_shift`.

    Raises:
        TypeError: a count is no integer.
        ValueError: a count is negative, there are more events than parts, or the dispersion is below 1.
        TooFewParts: a sample is empty.
    """
    check_counts(
        events_before=events_before, parts_before=parts_before, events_after=events_after, parts_after=parts_after
    )
    for events, parts in ((events_before, parts_before), (events_after, parts_after)):
        if parts == 0:
            raise TooFewParts("a comparison of shares", needed=1, found=0)
        if events > parts:
            raise ValueError(f"{events} events in {parts} parts; expected 0 <= events <= parts")
    total = hypergeom(parts_before + parts_after, events_before + events_after, parts_after)
    here = float(total.pmf(events_after))
    lower = float(total.cdf(events_after)) - here / 2
    upper = float(total.sf(events_after)) + here / 2
    return ShareShift(
        p_value=_dispersed(min(1.0, 2 * min(lower, upper)), dispersion),
        before=events_before / parts_before,
        after=events_after / parts_after,
        events_before=events_before,
        parts_before=parts_before,
        events_after=events_after,
        parts_after=parts_after,
    )


def dispersion(events: Sequence[int], parts: Sequence[int]) -> float:
    """How much more a share varies between batches than it would if parts were independent.

    Source: Pearson's chi-square over its degrees of freedom, as in P. McCullagh and J. A. Nelder, "Generalized Linear
    Models", 2nd ed. (1989), section 4.5.

    Args:
        events: such parts of each batch.
        parts: all parts of each batch, 1 or more.

    Returns:
        1 or more; 1 where it cannot be told (fewer than two batches, no event, or events only).
    """
    counts, sizes = np.asarray(events, np.float64), np.asarray(parts, np.float64)
    share = float(counts.sum() / sizes.sum()) if sizes.sum() else 0.0
    if counts.size < 2 or not 0.0 < share < 1.0:
        return 1.0
    chi_square = float((((counts - sizes * share) ** 2) / (sizes * share * (1 - share))).sum())
    return max(1.0, chi_square / (counts.size - 1))


def _dispersed(p_value: float, dispersion: float) -> float:
    """The p value of a normal deviate that is `dispersion` times as variable as was assumed.

    Source: the inflation factor of B. Devlin and K. Roeder, "Genomic control for association studies", Biometrics 55
    (1999) 997-1004, applied to one test.
    """
    if not (dispersion >= 1.0 and math.isfinite(dispersion)):
        raise ValueError(f"the dispersion is {dispersion}; expected a finite number of 1 or more")
    if dispersion == 1.0 or p_value in (0.0, 1.0):
        return min(1.0, p_value)
    return float(2 * ndtr(ndtri(p_value / 2) / math.sqrt(dispersion)))
