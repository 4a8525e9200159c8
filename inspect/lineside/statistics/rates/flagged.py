"""How many of the flagged parts are truly defective: those confirmed, and those nobody has looked at."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import CountBelief, Floats, belief_from, certain
from lineside.statistics.rates.reading import ReadingErrors, log_beta_binomial, log_call_likelihood
from lineside.statistics.rates.records import FlaggedStratum

_PRIOR = 0.5
"""Jeffreys prior Beta(1/2, 1/2) of the share of defective parts among flagged ones."""

_CASES = 48
"""Numbers of defective parts among those read for which the unread ones are worked out."""


def defective_among_flagged(strata: Sequence[FlaggedStratum], *, errors: ReadingErrors | None = None) -> CountBelief:
    """The belief in the number of truly defective parts among those flagged.

    Parts that were not read are believed to be like those that were: within a stratum the reads are a simple random
    sample (drawn by chance, settled in an order that does not look at the part). With the Jeffreys prior on the share
    of defective parts, the defective ones among the unread follow a beta-binomial distribution; together with the
    hypergeometric sample this is exact for a finite lot (A. Gelman et al., "Bayesian Data Analysis", 3rd ed., 2013,
    sections 2.4 and 8.3). Strata do not depend on each other.

    Args:
        strata: flagged parts; none is no part.
        errors: of the reviewers; without, what was confirmed is defective and nothing else that was read.
    """
    total = certain(0)
    for stratum in strata:
        if stratum.parts:
            total = total.plus(_in_stratum(stratum, errors))
    return total


def _in_stratum(stratum: FlaggedStratum, errors: ReadingErrors | None) -> CountBelief:
    among_read = certain(stratum.confirmed)
    if errors is not None and stratum.read:
        among_read = _among_read(stratum, errors)
    unread = stratum.parts - stratum.read
    if unread == 0:
        return among_read
    cases, weights = _cases(among_read)

    def log_mass(counts: Floats) -> Floats:
        each = [
            np.log(weight) + log_beta_binomial(counts - case, unread, case + _PRIOR, stratum.read - case + _PRIOR)
            for case, weight in zip(cases, weights, strict=True)
        ]
        return np.asarray(logsumexp(each, axis=0))

    return belief_from(log_mass, least=int(cases[0]), most=int(cases[-1]) + unread)


def _among_read(stratum: FlaggedStratum, errors: ReadingErrors) -> CountBelief:
    def log_mass(counts: Floats) -> Floats:
        prior = log_beta_binomial(counts, stratum.read, _PRIOR, _PRIOR)
        return prior + log_call_likelihood(
            counts, parts=stratum.read, read=stratum.read, called=stratum.confirmed, errors=errors
        )

    least = stratum.confirmed if errors.false_alarm is None else 0
    most = stratum.confirmed if errors.sensitivity is None else stratum.read
    return belief_from(log_mass, least=least, most=most)


def _cases(belief: CountBelief) -> tuple[Floats, Floats]:
    """At most `_CASES` counts that stand for a belief, with their weights."""
    if len(belief.masses) <= _CASES:
        kept = belief.masses > 0
        return belief.counts[kept], belief.masses[kept]
    groups = np.minimum((np.cumsum(belief.masses) * _CASES).astype(np.int64), _CASES - 1)
    weights = np.bincount(groups, weights=belief.masses, minlength=_CASES)
    means = np.bincount(groups, weights=belief.masses * belief.counts, minlength=_CASES)
    kept = weights > 0
    centres: Floats = np.rint(means[kept] / weights[kept])
    return centres, np.asarray(weights[kept], dtype=np.float64)
