"""How well a number of escapes fits what the audit found."""

import numpy as np
from scipy.special import gammaln  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import Floats


def log_audit_likelihood(escapes: Floats, *, passed: int, read: int, found: int) -> Floats:
    """Log probability that a random sample of `read` among `passed` parts holds `found` of the escapes.

    Hypergeometric, without what does not depend on the escapes; -inf where they are fewer than found, or more than the
    parts that could hold them.
    """
    good = passed - escapes
    possible = (escapes >= found) & (good >= read - found)
    j = np.where(possible, escapes, found)
    g = np.where(possible, good, read - found)
    ways = gammaln(j + 1) - gammaln(j - found + 1) + gammaln(g + 1) - gammaln(g - (read - found) + 1)
    likelihood: Floats = np.where(possible, ways, -np.inf)
    return likelihood
