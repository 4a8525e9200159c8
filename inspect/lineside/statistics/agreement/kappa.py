"""How much more two or many appraisers agree than chance would have them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_share

_WIDEST = 100.0  # of a logarithm: its ends are then -1 and 1 to the last digit
_Agreements = Callable[[NDArray[np.float64]], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement beyond chance: 1 is perfect, 0 is what chance gives.

    Attributes:
        value: None where every call is in one category: there is nothing to agree on.
        lower, upper: its interval, within [-1, 1]; all of that where there is no value.
        agreement: share of pairs of calls that agree.
        expected: share that would agree by chance.
        units: independent units behind it, i.e. parts.
        confidence: nominal coverage of the interval.
    """

    value: float | None
    lower: float
    upper: float
    agreement: float
    expected: float
    units: int
    confidence: float


def cohen_kappa(table: Sequence[Sequence[int]], *, confidence: float = 0.95) -> Kappa:
    """Cohen's kappa of two appraisers from their table of counts, each count a unit of its own.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960) 37-46. The interval as `clustered_cohen_kappa` says, with one call per unit.

    Assumptions: every count of the table is an independent unit. Repeated trials of a part are not: for those take
    `clustered_cohen_kappa`.

    Args:
        table: square; rows are one appraiser's categories, columns the other's.
        confidence: nominal coverage.

    Raises:
        TypeError: a count is not an integer.
        ValueError: the table is not square, has fewer than two categories, a negative count, or none at all.

    >>> round(cohen_kappa([[44, 6], [3, 97]]).value, 4)
    0.8629
    """
    counts = _counts(table, "the table")
    if counts.shape[0] != counts.shape[1] or counts.shape[0] < 2:
        raise ValueError(f"the table is {counts.shape[0]} x {counts.shape[1]}; expected as many rows as columns, 2 up")
    cells = np.argwhere(counts > 0)
    rows = np.zeros((len(cells), *counts.shape))
    rows[np.arange(len(cells)), cells[:, 0], cells[:, 1]] = 1.0
    return _pairs_kappa(rows, counts[counts > 0], confidence)


def clustered_cohen_kappa(tables: Sequence[Sequence[Sequence[int]]], *, confidence: float = 0.95) -> Kappa:
    """Cohen's kappa of two appraisers who saw each unit several times.

    The value is that of all tables added up. The interval is the jackknife over units, with Student's quantile of
    units - 1 degrees of freedom, so that trials of one part count as one observation; it is laid around the logarithm
    of 1 - kappa. Simulated with 20 and 50 parts, 1 and 3 trials, and 80, 90 and 97 % of calls right: of 800 intervals
    at 95 % each, 94 to 99 % held the true kappa; laid around kappa itself, 88 to 100 %, short at the lower end.

    Where no pair disagrees the jackknife sees no spread at all and would call the value certain; then the lower end
    takes, in place of the disagreement that was seen, the exact upper bound of the share of units with any
    disagreement.

    Source: the jackknife for kappa of clustered pairs: Z. Yang and M. Zhou, "Kappa statistic for clustered
    matched-pair data", Statistics in Medicine 33 (2014) 2612-2633, who compare it with their own; the logarithm
    and the rule for no disagreement are ours.

    Assumptions: units are independent; trials of one unit may be as dependent as they like.

    Args:
        tables: one square table for each unit.
        confidence: nominal coverage.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a table is of another shape than the first, a count is negative, or there are no units.
    """
    counts = _counts(tables, "the tables")
    if counts.ndim != 3 or counts.shape[1] != counts.shape[2] or counts.shape[1] < 2:
        raise ValueError("the tables are not square with two categories or more; expected one square table per unit")
    kinds, times = np.unique(counts, axis=0, return_counts=True)  # parts that were called alike are left out once
    return _pairs_kappa(kinds, times.astype(np.float64), confidence)


def fleiss_kappa(counts: Sequence[Sequence[int]], *, confidence: float = 0.95) -> Kappa:
    """Fleiss' kappa of many calls on each unit.

    Source: J. L. Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971)
    378-382. The interval as in `clustered_cohen_kappa`.

    Assumptions: units are independent; every unit has the same number of calls.

    Args:
        counts: a row for each unit, a column for each category: how many calls named it.
        confidence: nominal coverage.

    Raises:
        TypeError: a count is not an integer.
        ValueError: there are no units, fewer than two categories or calls, or units with different numbers of calls.
    """
    cells = _counts(counts, "the counts")
    if cells.ndim != 2 or cells.shape[1] < 2:
        raise ValueError("the counts have fewer than two categories; expected a column for each")
    calls = cells.sum(axis=1)
    if calls[0] < 2 or np.any(calls != calls[0]):
        raise ValueError(
            f"the units have {int(calls.min())} to {int(calls.max())} calls; expected 2 or more, the same for each"
        )
    cells, times = np.unique(cells, axis=0, return_counts=True)
    agreeing = np.sum(cells * (cells - 1), axis=1) / (calls[0] * (calls[0] - 1))

    def value_of(weights: NDArray[np.float64]) -> tuple[float, float]:
        shares = weights @ cells / (weights.sum() * calls[0])
        return float(weights @ agreeing / weights.sum()), float(np.sum(shares**2))

    return _with_interval(value_of, times.astype(np.float64), agreeing >= 1.0, confidence)


def _pairs_kappa(tables: NDArray[np.float64], times: NDArray[np.float64], confidence: float) -> Kappa:
    """Cohen's kappa of units given by their tables, each of which came so many times."""

    def value_of(weights: NDArray[np.float64]) -> tuple[float, float]:
        together = np.tensordot(weights, tables, axes=1)
        shares = together / together.sum()
        return float(np.trace(shares)), float(shares.sum(axis=1) @ shares.sum(axis=0))

    agrees = np.trace(tables, axis1=1, axis2=2) >= tables.sum(axis=(1, 2))
    return _with_interval(value_of, times, agrees, confidence)


def _with_interval(
    value_of: _Agreements, times: NDArray[np.float64], agrees: NDArray[np.bool_], confidence: float
) -> Kappa:
    """Kappa with its jackknife interval.

    Args:
        value_of: agreement and chance agreement of units with these weights.
        times: how often each kind of unit came.
        agrees: whether all calls on it agree.
        confidence: nominal coverage.
    """
    check_share("confidence", confidence)
    units = round(float(times.sum()))
    agreement, expected = value_of(times)
    value = _kappa(agreement, expected)
    if value is None or units < 2:
        return Kappa(value, -1.0, 1.0, agreement, expected, units, confidence)
    if bool(np.all(agrees)):
        most = float(betaincinv(1, units, 0.5 + confidence / 2))
        return Kappa(value, max(-1.0, 1 - most / (1 - expected)), 1.0, agreement, expected, units, confidence)
    without = []
    for kind in range(len(times)):
        rest = times.copy()
        rest[kind] -= 1
        without.append(_kappa(*value_of(rest)))
    # Without the only unit of its kind there may be nothing left to agree on: chance alone, then.
    left_out = np.asarray([0.0 if one is None else one for one in without])
    mean = float(times @ left_out) / units
    spread = math.sqrt((units - 1) / units * float(times @ (left_out - mean) ** 2))
    reach = float(stdtrit(units - 1, 0.5 + confidence / 2)) * spread
    # On the logarithm of 1 - kappa: near 1 what a few more disagreements would do is larger than what fewer would.
    factor = math.exp(min(reach / (1 - value), _WIDEST))
    lower, upper = max(-1.0, 1 - (1 - value) * factor), 1 - (1 - value) / factor
    return Kappa(value, lower, upper, agreement, expected, units, confidence)


def _kappa(agreement: float, expected: float) -> float | None:
    return None if expected >= 1.0 - 1e-12 else (agreement - expected) / (1 - expected)


def _counts(given: object, what: str) -> NDArray[np.float64]:
    counts = np.asarray(given)
    if counts.size == 0 or counts.ndim < 2:
        raise ValueError(f"{what} hold nothing; expected counts of calls")
    if counts.dtype.kind not in "iu":
        raise TypeError(f"{what} hold {counts.dtype}; expected integer counts, the same number of them in each row")
    if np.any(counts < 0) or counts.sum() == 0:
        raise ValueError(f"{what} hold a negative count or only zeros; expected counts of 0 or more")
    return counts.astype(np.float64)
