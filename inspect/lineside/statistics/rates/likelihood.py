"""How well a number of escapes fits what the audit found."""

import numpy as np
from scipy.special import gammaln  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import Floats
from lineside.statistics.rates.reading import ReadingErrors, log_call_likelihood
from lineside.statistics.rates.records import PassedStratum


def log_audit_likelihood(escapes: Floats, stratum: PassedStratum, errors: ReadingErrors | None) -> Floats:
    """Log probability of what the audit of a stratum found, up to a constant.

    Hypergeometric where reviewers are taken to be right: the audit is a simple random sample, drawn before anybody has
    looked at the part. -inf where there are fewer escapes than found, or more than there is room for.

    Args:
        escapes: defective parts among those passed, ascending, shape (n,).
        stratum: with one part at least.
        errors: of the reviewers; None where they are taken to be right.
    """
    if errors is not None and stratum.read:
        return log_call_likelihood(
            escapes, parts=stratum.parts, read=stratum.read, called=stratum.escapes, errors=errors
        )
    found, read_good = stratum.escapes, stratum.read - stratum.escapes
    good = stratum.parts - escapes
    possible = (escapes >= found) & (good >= read_good)
    j = np.where(possible, escapes, found)
    g = np.where(possible, good, read_good)
    ways = gammaln(j + 1) - gammaln(j - found + 1) + gammaln(g + 1) - gammaln(g - read_good + 1)
    likelihood: Floats = np.where(possible, ways, -np.inf)
    return likelihood


def possible_escapes(stratum: PassedStratum, errors: ReadingErrors | None) -> tuple[int, int]:
    """The least and the greatest number of escapes that what was found allows."""
    if errors is None or not stratum.read:
        return stratum.escapes, stratum.parts - (stratum.read - stratum.escapes)
    least = stratum.escapes if errors.false_alarm is None else 0
    most = stratum.parts - (stratum.read - stratum.escapes) if errors.sensitivity is None else stratum.parts
    return least, most
