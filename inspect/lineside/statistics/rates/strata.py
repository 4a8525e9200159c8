"""Escapes of several audit strata together: one recall for all, and rates that may differ between them."""

from collections.abc import Sequence

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import betaincinv, gammaln  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import CountBelief, Floats, belief_from
from lineside.statistics.rates.likelihood import log_audit_likelihood
from lineside.statistics.rates.recall import RecallPart
from lineside.statistics.rates.records import PassedStratum

_NODES = 24
"""Recalls at which each part of the belief is taken. Given the recall, the escapes of a stratum spread over their whole
mean (see `_VARIATION`), so what is integrated over the recall is broad and smooth."""

_VARIATION = 1.0
"""Coefficient of variation of the escape rate between strata, given the recall. The audit share is raised where things
go badly: strata must be free to differ."""


def escapes_of_strata(strata: Sequence[PassedStratum], *, shape: float, recall: Sequence[RecallPart]) -> CountBelief:
    """The belief in the number of escapes in several strata together.

    Given the recall R, the escapes of stratum i follow a negative binomial distribution with the mean
    shape * (its share of the passed parts) * (1 - R) / R and a variation between strata of 100 %; R is integrated out by
    Gauss-Legendre quadrature on its quantiles, the strata are convolved. A stratum that was not audited gets its escapes
    from the recall that the others show: an extrapolation.

    Args:
        strata: with one part at least each, two or more.
        shape: flagged defective parts, plus the prior's share.
        recall: the belief in it.
    """
    recalls, weights = _recall_nodes(recall)
    passed = sum(stratum.parts for stratum in strata)
    odds = (1 - recalls) / recalls
    beliefs = []
    for stratum in strata:
        own = shape * stratum.parts / passed
        stratum_shape = 1 / (1 / own + _VARIATION**2)
        beliefs.append(_StratumBelief(stratum, own * odds, stratum_shape))
    marginals = [belief.marginal(weights) for belief in beliefs]
    step = max(marginal.step for marginal in marginals)
    masses = [
        belief.given_recall(marginal.start + step * np.arange(-(-len(marginal.masses) * marginal.step // step)))
        for belief, marginal in zip(beliefs, marginals, strict=True)
    ]
    length = sum(mass.shape[1] - 1 for mass in masses) + 1
    size = next_fast_len(length, real=True)
    product = np.ones(1)
    for mass in masses:
        product = product * rfft(mass, size, axis=1)
    together = np.maximum(weights @ irfft(product, size, axis=1)[:, :length], 0.0)
    return CountBelief(sum(marginal.start for marginal in marginals), step, together / together.sum())


class _StratumBelief:
    """Escapes of one stratum, given each recall."""

    def __init__(self, stratum: PassedStratum, means: Floats, shape: float) -> None:
        self._stratum = stratum
        self._means = means
        self._shape = shape

    def marginal(self, weights: Floats) -> CountBelief:
        """Over all recalls, to see which counts matter."""

        def log_mass(counts: Floats) -> Floats:
            return np.logaddexp.reduce(self._log_given_recall(counts) + np.log(weights)[:, None], axis=0)

        unread_good = self._stratum.read - self._stratum.escapes
        return belief_from(log_mass, least=self._stratum.escapes, most=self._stratum.parts - unread_good)

    def given_recall(self, counts: Floats) -> Floats:
        """Masses up to one constant, shape (recalls, counts)."""
        heights = self._log_given_recall(counts)
        return np.exp(heights - heights.max())

    def _log_given_recall(self, counts: Floats) -> Floats:
        likelihood = log_audit_likelihood(
            counts, passed=self._stratum.parts, read=self._stratum.read, found=self._stratum.escapes
        )
        s, m = self._shape, self._means[:, None]
        base = gammaln(s + counts) - gammaln(s) - gammaln(counts + 1) + likelihood
        return base[None, :] + s * np.log(s / (s + m)) + counts[None, :] * np.log(m / (s + m))


def _recall_nodes(recall: Sequence[RecallPart]) -> tuple[Floats, Floats]:
    places, shares = np.polynomial.legendre.leggauss(_NODES)
    quantiles, shares = (places + 1) / 2, shares / 2
    nodes = [betaincinv(part.a, part.b, quantiles) for part in recall]
    recalls = np.clip(np.concatenate(nodes), 1e-9, 1 - 1e-9)
    return recalls, np.concatenate([part.weight * shares for part in recall])
