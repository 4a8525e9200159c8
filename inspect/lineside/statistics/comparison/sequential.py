"""Tests that may be looked at after every part: evidence as a stake that a fair game does not multiply.

An e value starts at 1 and, while the claim under test holds, is on average no more than 1 whenever one stops. By
Ville's inequality the chance that it *ever* reaches 20 is then at most 1 in 20, however often one looks.

Sources: J. Ville, "Étude critique de la notion de collectif", Gauthier-Villars (1939); mixtures of such stakes as
in S. R. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 49 (2021) 1055-1080; the name and its use as evidence: P. Grünwald, R. de Heide and
W. Koolen, "Safe testing", Journal of the Royal Statistical Society B 86 (2024) 1091-1128.

Assumption of all three functions: given what came before, the next part's chance is as the claim says. Which parts
are shown to both models must not depend on what they would answer.
"""

import math
import sys

import numpy as np
from scipy.special import bdtr, betaln, gammaln, logsumexp  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts, check_share


def mixture_e_value(candidate_worse: int, candidate_better: int) -> float:
    """Evidence that two models differ, from the parts on which they disagree.

    The claim under test: on a part where exactly one is wrong, it is either with chance 1/2. The stake is spread
    evenly over every other chance, a Beta(1, 1) mixture of likelihood ratios:
    2^n w! b! / (n + 1)! with n = w + b.

    Args:
        candidate_worse: disagreements on which the candidate was wrong.
        candidate_better: disagreements on which the live model was wrong.

    Returns:
        The e value, 1 without a disagreement; 20 or more shows a difference at the 5 % level. Past the largest float
        it stays there.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative.

    >>> mixture_e_value(0, 0), round(mixture_e_value(8, 0), 3)
    (1.0, 28.444)
    """
    check_counts(candidate_worse=candidate_worse, candidate_better=candidate_better)
    seen = candidate_worse + candidate_better
    return _exp(seen * math.log(2) + float(betaln(candidate_worse + 1, candidate_better + 1)))


def mixture_e_value_worse(candidate_worse: int, candidate_better: int) -> float:
    """Evidence that the candidate is worse; a better one never raises it.

    The claim under test: on a part where exactly one is wrong, it is the candidate with chance 1/2 or less. The stake
    is spread evenly over the chances between 1/2 and 1.

    Args:
        candidate_worse: disagreements on which the candidate was wrong.
        candidate_better: disagreements on which the live model was wrong.

    Returns:
        The e value, 1 without a disagreement; 20 or more shows at the 5 % level that the candidate is worse.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative.

    >>> round(mixture_e_value_worse(8, 0), 3), round(mixture_e_value_worse(0, 8), 3)
    (56.778, 0.111)
    """
    check_counts(candidate_worse=candidate_worse, candidate_better=candidate_better)
    return bounded_rate_e_value(candidate_worse, candidate_worse + candidate_better, 0.5)


def bounded_rate_e_value(events: int, trials: int, limit: float) -> float:
    """Evidence that a rate is above its limit, such as a canary's rate of parts NOT_INSPECTED.

    The claim under test: each trial is an event with chance `limit` or less. The stake is spread evenly over the
    chances between `limit` and 1: the mean over them of the likelihood ratio against `limit`.

    Args:
        events: trials that were an event, 0 to `trials`.
        trials: so far.
        limit: the rate allowed, strictly between 0 and 1.

    Returns:
        The e value, 1 without a trial; 20 or more shows at the 5 % level that the rate is above the limit.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative, there are more events than trials, or the limit is out of range.
    """
    check_counts(events=events, trials=trials)
    check_share("limit", limit)
    if events > trials:
        raise ValueError(f"{events} events in {trials} trials; expected 0 <= events <= trials")
    quiet = trials - events
    log_ratio = float(betaln(events + 1, quiet + 1)) - events * math.log(limit) - quiet * math.log1p(-limit)
    return _exp(log_ratio + _log_beta_above(limit, events, trials) - math.log1p(-limit))


def _log_beta_above(limit: float, events: int, trials: int) -> float:
    """Log of the chance that a Beta(events + 1, trials - events + 1) variable is above the limit.

    Equal to that of at most `events` events in `trials` + 1 binomial trials; summed in logs where it would underflow.
    """
    plain = float(bdtr(events, trials + 1, limit))
    if plain > sys.float_info.min * 1e16:
        return math.log(plain)
    counts = np.arange(events + 1)
    ways = gammaln(trials + 2) - gammaln(counts + 1) - gammaln(trials + 2 - counts)
    return float(logsumexp(ways + counts * math.log(limit) + (trials + 1 - counts) * math.log1p(-limit)))


def _exp(log_value: float) -> float:
    return math.exp(log_value) if log_value < math.log(sys.float_info.max) else sys.float_info.max
