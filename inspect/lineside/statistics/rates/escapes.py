"""How many defective parts got past the detector: what the audit saw, and what is known of the recall.

The belief in the number of escapes J of a lot is exact for its model:

    P(J | confirmed, audit)  is proportional to  P(J | confirmed)  x  P(audit | J)

P(J | confirmed) is a beta-negative-binomial distribution: with recall R, a defective part is flagged with probability R
each, so beside r flagged ones there are j escapes with probability NB(j; r, R), and R is believed to follow a beta
distribution. P(audit | J) is hypergeometric: the audit is a simple random sample of the parts passed.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import betaln, gammaln  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import CountBelief, Floats, belief_from, certain
from lineside.statistics.rates.likelihood import log_audit_likelihood, possible_escapes
from lineside.statistics.rates.reading import ReadingErrors
from lineside.statistics.rates.recall import RecallPart, golden_recall
from lineside.statistics.rates.records import KnownReads, PassedStratum
from lineside.statistics.rates.strata import escapes_of_strata

SHAPE_OFFSET = 0.5
"""Added to the flagged defective parts: the Jeffreys prior of a Poisson intensity, so that a lot without a find still
has a belief in what got past."""


def escape_belief(
    strata: Sequence[PassedStratum],
    *,
    confirmed: float,
    recall: Sequence[RecallPart],
    errors: ReadingErrors | None = None,
) -> CountBelief:
    """The belief in the number of escapes among the parts passed.

    Args:
        strata: the passed parts; one at least must have been audited, unless there are none.
        confirmed: truly defective parts among those flagged; its expectation where it is not known.
        recall: the belief in the recall.
        errors: of the reviewers; None where they are taken to be right.
    """
    filled = [stratum for stratum in strata if stratum.parts]
    if not filled:
        return certain(0)
    shape = confirmed + SHAPE_OFFSET
    if len(filled) > 1:
        return escapes_of_strata(filled, shape=shape, recall=recall, errors=errors)
    (stratum,) = filled

    def log_mass(escapes: Floats) -> Floats:
        prior = log_escape_prior(escapes, shape=shape, recall=recall)
        return prior + log_audit_likelihood(escapes, stratum, errors)

    least, most = possible_escapes(stratum, errors)
    return belief_from(log_mass, least=least, most=most)


def log_escape_prior(escapes: Floats, *, shape: float, recall: Sequence[RecallPart]) -> Floats:
    """Log probability of so many escapes beside `shape` flagged defective parts."""
    parts = [
        math.log(part.weight)
        + gammaln(shape + escapes)
        - gammaln(escapes + 1)
        - gammaln(shape)
        + betaln(part.a + shape, part.b + escapes)
        - betaln(part.a, part.b)
        for part in recall
    ]
    prior: Floats = np.logaddexp.reduce(parts, axis=0) if len(parts) > 1 else parts[0]
    return prior


def escapes_expected_of(golden: KnownReads, *, confirmed: float, passed: int) -> int:
    """The most escapes that the golden set's recall allows: the 97.5 % limit of what it predicts.

    Args:
        golden: with one part at least.
        confirmed: truly defective parts among those flagged.
        passed: parts passed.
    """
    recall = (golden_recall(golden),)
    shape = confirmed + SHAPE_OFFSET
    predicted = belief_from(lambda escapes: log_escape_prior(escapes, shape=shape, recall=recall), least=0, most=passed)
    return predicted.upper(0.025)
