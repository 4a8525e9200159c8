"""How many of the flagged parts are truly defective: those confirmed, and those nobody has looked at."""

from collections.abc import Sequence

import numpy as np
from scipy.special import betaln, gammaln  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import CountBelief, Floats, belief_from, certain
from lineside.statistics.rates.records import FlaggedStratum


def defective_among_flagged(strata: Sequence[FlaggedStratum]) -> CountBelief:
    """The belief in the number of truly defective parts among those flagged.

    Parts that were not read are believed to be like those that were: within a stratum the reads are a simple random
    sample (drawn by chance, settled in any order that does not look at the part). With the Jeffreys prior Beta(1/2, 1/2)
    on the share of defective parts, the defective ones among the unread follow a beta-binomial distribution; together
    with the hypergeometric sample this is exact for a finite lot (A. Gelman et al., "Bayesian Data Analysis", 3rd ed.,
    2013, sections 2.4 and 8.3). Strata do not depend on each other.
    """
    total = certain(0)
    for stratum in strata:
        total = total.plus(_in_stratum(stratum))
    return total


def _in_stratum(stratum: FlaggedStratum) -> CountBelief:
    unread = stratum.parts - stratum.read
    if unread == 0:
        return certain(stratum.confirmed)
    a, b = stratum.confirmed + 0.5, stratum.read - stratum.confirmed + 0.5
    belief = belief_from(lambda counts: log_beta_binomial(counts, unread, a=a, b=b), least=0, most=unread)
    return CountBelief(belief.start + stratum.confirmed, belief.step, belief.masses)


def log_beta_binomial(events: Floats, units: Floats | float, *, a: float, b: float) -> Floats:
    """Log probability of `events` in `units` when their share follows Beta(a, b); -inf outside 0 to `units`."""
    units = np.asarray(units, dtype=np.float64)
    possible = (events >= 0) & (events <= units)
    x = np.where(possible, events, 0.0)
    ways = gammaln(units + 1) - gammaln(x + 1) - gammaln(units - x + 1)
    mass: Floats = np.where(possible, ways + betaln(a + x, b + units - x) - betaln(a, b), -np.inf)
    return mass
