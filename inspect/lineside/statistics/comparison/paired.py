"""Two models on the same parts: only the parts on which they differ tell them apart.

Every function counts a 2 x 2 table of parts: both miss, only one misses, only the other misses, neither misses.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln, xlog1py, xlogy  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts, check_share

ADDED_TO_EACH_DISCORDANT_CELL = 2
"""Our own adjustment of the Wald bound; see `noninferiority_upper_bound`."""


def mcnemar_mid_p(only_a_misses: int, only_b_misses: int) -> float:
    """Two-sided mid-p value of McNemar's test: could two models that miss equally often differ this much?

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947) 153-157, with the mid-p of H. O. Lancaster, "Significance tests in discrete
    distributions", Journal of the American Statistical Association 56 (1961) 223-234, as M. W. Fagerland,
    S. Lydersen and P. Laake recommend it, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are
    better than exact conditional", BMC Medical Research Methodology 13 (2013) 91: the doubled one-sided exact value
    less the chance of the very table seen; for equal counts 1 less half that chance. No discordant part at all gives
    1 (their formula: 0.5), for nothing was seen.

    Assumptions: the parts are independent. The rate of false positives is near the level, not proven below it.

    Args:
        only_a_misses: parts that only the first model misses.
        only_b_misses: parts that only the second model misses.

    Returns:
        In (0, 1]; 1 where nothing speaks for a difference, also where no part tells the models apart.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative.

    >>> round(mcnemar_mid_p(1, 7), 4)
    0.0391
    """
    check_counts(only_a_misses=only_a_misses, only_b_misses=only_b_misses)
    fewer, discordant = min(only_a_misses, only_b_misses), only_a_misses + only_b_misses
    if discordant == 0:
        return 1.0
    seen = float(_binomial_chance(fewer, discordant, 0.5))
    if only_a_misses == only_b_misses:
        return 1 - seen / 2
    return 2 * float(bdtr(fewer, discordant, 0.5)) - seen


def noninferiority_upper_bound(
    both: int, only_candidate_misses: int, only_live_misses: int, neither: int, *, confidence: float = 0.95
) -> float:
    """One-sided upper bound of how much more often the candidate misses than the live model, on the same parts.

    The Wald bound of a difference of paired shares after adding 2 to each discordant cell: with b = parts that only
    the candidate misses + 2, c = parts that only the live model misses + 2 and n = parts + 4, the bound is
    (b - c) / n + z sqrt(b + c - (b - c)^2 / n) / n. The shape is that of D. G. Bonett and R. M. Price, "Adjusted
    Wald confidence interval for a difference of binomial proportions based on paired data", Journal of Educational
    and Behavioral Statistics 37 (2012) 479-488, who add 1; adding 2 is our own variant, because escapes are rare and
    a release must not pass on luck. Simulated with a live model that misses 5 % and a candidate worse by exactly the
    margin of 2 points (correlation 0 to 0.6, 20 000 golden sets each): the plain Wald bound lets 5.6 to 8.5 % of
    them pass at 100 defective parts, this one 1.9 to 2.9 %; at 300 it is 5.2 to 6.5 against 3.9 to 4.5 %, at 1000
    5.3 to 6.0 against 4.9 to 5.3 %.

    Assumptions: the parts are independent. Several parts of one board or lot that fail together make the bound too
    tight.

    Args:
        both: parts that both miss.
        only_candidate_misses: parts that only the candidate misses.
        only_live_misses: parts that only the live model misses.
        neither: parts that both find.
        confidence: how often the bound is above the true difference, about.

    Returns:
        A difference of miss rates, at most 1. Without any part it is 1: nothing is known.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative, or the confidence is out of range.

    >>> round(noninferiority_upper_bound(40, 10, 10, 940), 4)
    0.008
    """
    check_counts(
        both=both, only_candidate_misses=only_candidate_misses, only_live_misses=only_live_misses, neither=neither
    )
    check_share("confidence", confidence)
    parts = both + only_candidate_misses + only_live_misses + neither
    if parts == 0:
        return 1.0
    added = ADDED_TO_EACH_DISCORDANT_CELL
    total = parts + 2 * added
    difference = only_candidate_misses - only_live_misses
    discordant = only_candidate_misses + only_live_misses + 2 * added
    spread = math.sqrt(discordant - difference**2 / total)
    return min(1.0, (difference + NormalDist().inv_cdf(confidence) * spread) / total)


def noninferiority_power(parts: int, *, discordant_share: float, margin: float, confidence: float = 0.95) -> float:
    """How probable it is that a candidate exactly as good as the live model is shown to be no worse by the margin.

    Summed exactly over every table: the count of discordant parts is binomial, and each is the candidate's or the
    live model's with equal chance.

    Args:
        parts: defective parts that both judge.
        discordant_share: the share of parts that exactly one of the two misses, in (0, 1).
        margin: what `noninferiority_upper_bound` must not exceed, in (0, 1).
        confidence: of that bound.

    Raises:
        TypeError: `parts` is not an integer.
        ValueError: a figure is out of its range.
    """
    check_counts(parts=parts)
    check_share("discordant_share", discordant_share)
    check_share("margin", margin)
    check_share("confidence", confidence)
    if parts == 0:
        return 0.0
    discordant = np.arange(parts + 1)
    total = parts + 2 * ADDED_TO_EACH_DISCORDANT_CELL
    z = NormalDist().inv_cdf(confidence)
    # bound <= margin, solved for the largest difference d: z^2 (m + 4 - d^2 / total) <= (margin total - d)^2
    allowed = margin * total
    square = 1 + z**2 / total
    root = allowed**2 - square * (allowed**2 - z**2 * (discordant + 2 * ADDED_TO_EACH_DISCORDANT_CELL))
    largest = (allowed - np.sqrt(np.maximum(root, 0.0))) / square
    candidates_most = np.floor((discordant + largest) / 2)
    passing = np.where(candidates_most >= 0, bdtr(np.clip(candidates_most, 0, discordant), discordant, 0.5), 0.0)
    return float(np.sum(_binomial_chance(discordant, parts, discordant_share) * passing))


def noninferiority_sample_size(
    *, discordant_share: float, margin: float, confidence: float = 0.95, power: float = 0.8
) -> int:
    """How many defective parts show with this power that an equally good candidate is no worse by the margin.

    Args:
        discordant_share: the share of parts that exactly one of the two models misses, in (0, 1).
        margin: of the difference of miss rates, in (0, 1).
        confidence: of the bound.
        power: the chance asked for, in (0, 1).

    Returns:
        A count of parts. Counts are whole, so the power saws up and down by a percent around the target.

    Raises:
        ValueError: a figure is out of its range.

    >>> noninferiority_sample_size(discordant_share=0.065, margin=0.02)
    1032
    """
    check_share("power", power)
    too_few, enough = 0, 16
    while noninferiority_power(enough, discordant_share=discordant_share, margin=margin, confidence=confidence) < power:
        too_few, enough = enough, enough * 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        reached = noninferiority_power(middle, discordant_share=discordant_share, margin=margin, confidence=confidence)
        too_few, enough = (middle, enough) if reached < power else (too_few, middle)
    return enough


def _binomial_chance(events: NDArray[np.int64] | int, trials: int, share: float) -> NDArray[np.float64]:
    """Of exactly so many events in so many trials; scipy.stats has it too, and takes a second to import."""
    ways = gammaln(trials + 1) - gammaln(np.add(events, 1)) - gammaln(np.subtract(trials + 1, events))
    logs = ways + xlogy(events, share) + xlog1py(np.subtract(trials, events), -share)
    return np.asarray(np.exp(logs), np.float64)
