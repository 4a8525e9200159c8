"""The bound for a contract: no prior belief, no golden set, never too low more often than it says."""

from scipy.special import betainc  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.binomial import exact_lower_bound, exact_upper_bound, units_for_upper_bound
from lineside.statistics.counts import check_share
from lineside.statistics.rates.records import FlaggedStratum, PassedStratum, RateCounts, ReviewerReads


def contract_upper_bound(
    counts: RateCounts, *, reviewers: ReviewerReads | None = None, confidence: float = 0.95
) -> float:
    """One-sided upper bound of the share of defective parts among those inspected.

    The flagged parts that were read are a census; each random sample (the audit of a stratum of passed parts, the reads
    of a stratum of flagged parts of which some are unread) has its Clopper-Pearson upper bound; the reviewers'
    sensitivity has its lower one. The doubt, 1 - `confidence`, is shared out evenly among these (Bonferroni), so the
    sum keeps at least `confidence`, whatever the shares are. A stratum without a read counts as all defective.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413. Assumptions: reads are simple random samples
    of their strata; the binomial bound also holds for a sample without replacement (it is then a little wide). People
    who miss are taken in through `reviewers`; their false alarms only raise the bound.

    Args:
        counts: of the lot or window; with no part inspected the bound is 1.
        reviewers: reads of known parts; without any of defective parts, reviewers are taken to miss none.
        confidence: how often, at least, the bound is above the true share.

    Raises:
        ValueError: the confidence is out of range.
    """
    check_share("confidence", confidence)
    if counts.inspected == 0:
        return 1.0
    misses = reviewers if reviewers is not None and reviewers.defective else None
    strata: tuple[FlaggedStratum | PassedStratum, ...] = (*counts.flagged, *counts.passed)
    doubts = sum(_is_in_doubt(stratum, misses) for stratum in strata) + (misses is not None)
    each = 1 - (1 - confidence) / max(doubts, 1)
    sensitivity = 1.0
    if misses is not None:
        sensitivity = exact_lower_bound(misses.defective_right, misses.defective, confidence=each)
    most = 0.0
    for flagged in counts.flagged:
        most += _most_defective(flagged, flagged.confirmed, sensitivity, each)
    for passed in counts.passed:
        most += _most_defective(passed, passed.escapes, sensitivity, each)
    return min(most / counts.inspected, 1.0)


def audits_needed(counts: RateCounts, *, wanted_bound: float, confidence: float = 0.95) -> int:
    """Passed parts to audit in all for a bound on the escapes, if no further escape is found.

    Args:
        counts: of the lot or window.
        wanted_bound: share of escapes among the inspected parts that is to be excluded, strictly between 0 and 1.
        confidence: of the one-sided Clopper-Pearson bound.

    Returns:
        The parts; all parts passed where no smaller sample can do.
    """
    check_share("wanted_bound", wanted_bound)
    passed = counts.parts_passed
    allowed = wanted_bound * counts.inspected
    if passed <= allowed:
        return 0
    return min(units_for_upper_bound(allowed / passed, events=counts.escapes_found, confidence=confidence), passed)


def _is_in_doubt(stratum: FlaggedStratum | PassedStratum, misses: ReviewerReads | None) -> bool:
    return stratum.read > 0 and (stratum.read < stratum.parts or misses is not None)


def _most_defective(
    stratum: FlaggedStratum | PassedStratum, found: int, sensitivity: float, confidence: float
) -> float:
    """Upper bound of the defective parts of one stratum; all of them where none was read."""
    if stratum.read == 0:
        return float(stratum.parts)
    if stratum.read == stratum.parts:
        return float(_most_behind(found, stratum.parts, sensitivity, confidence))
    share = exact_upper_bound(found, stratum.read, confidence=confidence) / max(sensitivity, 1e-12)
    return min(share, 1.0) * stratum.parts


def _most_behind(found: int, parts: int, sensitivity: float, confidence: float) -> int:
    """The most defective parts, all read, of which only `found` may be called so with such a sensitivity."""
    if sensitivity >= 1.0:
        return found
    least, too_many = found, parts + 1
    while too_many - least > 1:
        middle = (least + too_many) // 2
        # P(Binomial(middle, sensitivity) <= found)
        if betainc(middle - found, found + 1, 1 - sensitivity) >= 1 - confidence:
            least = middle
        else:
            too_many = middle
    return least
