"""Escapes of several audit strata together: one recall for all, and rates that may differ between them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import betaincinv, gammaln, logsumexp  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.binomial import exact_upper_bound
from lineside.statistics.rates.distributions import CountBelief, Floats, belief_from, log_block_masses, mixture
from lineside.statistics.rates.likelihood import log_audit_likelihood, possible_escapes
from lineside.statistics.rates.reading import ReadingErrors
from lineside.statistics.rates.recall import RecallPart
from lineside.statistics.rates.records import PassedStratum

_PLACES, _SHARES = np.polynomial.legendre.leggauss(24)
"""Recalls at which each part of the belief is taken. Given the recall, the escapes of a stratum spread over their whole
mean (see `_VARIATION`), so what is integrated over the recall is broad and smooth."""

_VARIATION = 1.0
"""Coefficient of variation of the escape rate between strata, given the recall. The audit share is raised where things
go badly: strata must be free to differ."""


_LONGEST_SUPPORT = 1 << 12
"""Masses of a stratum, kept for each of the recalls."""

_FALSE_ALARM_NODES = 11
"""False alarm rates of the reviewers that all strata share."""


def escapes_of_strata(
    strata: Sequence[PassedStratum],
    *,
    shape: float,
    recall: Sequence[RecallPart],
    errors: ReadingErrors | None = None,
) -> CountBelief:
    """The belief in the number of escapes in several strata together.

    Given the recall R, the escapes of stratum i follow a negative binomial distribution with the mean
    shape * (its share of the passed parts) * (1 - R) / R and a variation between strata of 100 %; R is integrated out
    by Gauss-Legendre quadrature on its quantiles, the strata are convolved. So is the reviewers' false alarm rate,
    which the strata share as well; their misses are taken stratum by stratum. A stratum that was not audited gets its
    escapes from the recall that the others show: an extrapolation.

    Measured, two strata of 5,000 parts, 200 lots each: with true rates of 3 % and 0.3 % audited 500 and 50 parts, 98 %
    coverage, and 97 % after a loss of recall from 0.9 to 0.6; audited the other way round (the bad stratum thinly)
    99.5 %, but 71.5 % after that loss, for 50 reads of the bad stratum find nothing and the good one speaks for it.
    Audit at least as large a share where things go badly, or estimate such strata one by one. With one of the two out
    of the audit's reach: 100 %.

    Args:
        strata: with one part at least each, two or more.
        shape: flagged defective parts, plus the prior's share.
        recall: the belief in it.
        errors: of the reviewers; None where they are taken to be right.
    """
    recalls = _recall_nodes(recall)
    if errors is None:
        return _given_errors(strata, shape=shape, recalls=recalls, errors=None)[0]
    cases, priors = zip(*errors.at_false_alarms(_FALSE_ALARM_NODES, at_most=_most_false_alarms(strata)), strict=True)
    beliefs, evidence = zip(
        *(_given_errors(strata, shape=shape, recalls=recalls, errors=case) for case in cases), strict=True
    )
    log_weights = np.array(evidence) + np.array(priors)
    return mixture(beliefs, np.exp(log_weights - log_weights.max()))


def _most_false_alarms(strata: Sequence[PassedStratum]) -> float:
    """The false alarm rate over which a stratum's reads would have had more calls: 1 - 1e-4 exact upper bound."""
    return min(exact_upper_bound(each.escapes, each.read, confidence=1 - 1e-4) for each in strata)


def _given_errors(
    strata: Sequence[PassedStratum], *, shape: float, recalls: tuple[Floats, Floats], errors: ReadingErrors | None
) -> tuple[CountBelief, float]:
    """The belief, and the log probability of what was found, up to a constant."""
    nodes, weights = recalls
    passed = sum(stratum.parts for stratum in strata)
    odds = (1 - nodes) / nodes
    owns = [shape * stratum.parts / passed for stratum in strata]
    beliefs = [
        _StratumBelief(stratum, errors, own * odds, 1 / (1 / own + _VARIATION**2))
        for stratum, own in zip(strata, owns, strict=True)
    ]
    marginals = [belief.marginal(weights) for belief in beliefs]
    step = max(marginal.step for marginal in marginals)
    size = next_fast_len(sum(len(marginal.masses) * marginal.step // step + 1 for marginal in marginals), real=True)
    product: NDArray[np.complex128] = np.ones((1, 1), dtype=np.complex128)
    log_evidence, length, start = 0.0, 1, 0
    for belief, marginal in zip(beliefs, marginals, strict=True):
        low = marginal.start - marginal.step // 2
        blocks = -(-len(marginal.masses) * marginal.step // step)
        heights = log_block_masses(belief.log_given_recall, low, step=step, blocks=blocks)
        top = float(heights.max())
        product = product * rfft(np.exp(heights - top), size, axis=1)
        log_evidence += top
        length += blocks - 1
        start += low
    together = np.maximum(np.sum(weights[:, None] * irfft(product, size, axis=1)[:, :length], axis=0), 0.0)
    total = float(together.sum())
    start += len(strata) * (step - 1) // 2  # the middle of the first blocks together
    return CountBelief(start, step, together / total), log_evidence + float(np.log(total))


class _StratumBelief:
    """Escapes of one stratum, given each recall."""

    def __init__(self, stratum: PassedStratum, errors: ReadingErrors | None, means: Floats, shape: float) -> None:
        self._stratum = stratum
        self._errors = errors
        self._means = means
        self._shape = shape

    def marginal(self, weights: Floats) -> CountBelief:
        """Over all recalls, to see which counts matter."""

        def log_mass(counts: Floats) -> Floats:
            over_recalls = logsumexp(self.log_given_recall(counts) + np.log(weights)[:, None], axis=0)
            return np.asarray(over_recalls)

        least, most = possible_escapes(self._stratum, self._errors)
        return belief_from(log_mass, least=least, most=most, longest=_LONGEST_SUPPORT)

    def log_given_recall(self, counts: Floats) -> Floats:
        """Log masses up to a constant, shape (recalls, counts)."""
        likelihood = log_audit_likelihood(counts, self._stratum, self._errors)
        s, m = self._shape, self._means[:, None]
        base = gammaln(s + counts) - gammaln(s) - gammaln(counts + 1) + likelihood
        heights: Floats = base[None, :] + s * np.log(s / (s + m)) + counts[None, :] * np.log(m / (s + m))
        return heights


def _recall_nodes(recall: Sequence[RecallPart]) -> tuple[Floats, Floats]:
    """Recalls, and the weight of each."""
    nodes = [betaincinv(part.a, part.b, (_PLACES + 1) / 2) for part in recall]
    recalls = np.clip(np.concatenate(nodes), 1e-9, 1 - 1e-9)
    return recalls, np.concatenate([part.weight * _SHARES / 2 for part in recall])
