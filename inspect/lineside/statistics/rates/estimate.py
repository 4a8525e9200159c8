"""The defect rate of a lot or window, from what was confirmed among the flagged parts and what the audit found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lineside.statistics.counts import check_share
from lineside.statistics.intervals import RateInterval, wilson_interval
from lineside.statistics.rates.contract import audits_needed, contract_upper_bound
from lineside.statistics.rates.distributions import CountBelief
from lineside.statistics.rates.escapes import escape_belief, escapes_expected_of
from lineside.statistics.rates.flagged import defective_among_flagged
from lineside.statistics.rates.notes import notes_on
from lineside.statistics.rates.reading import reading_errors
from lineside.statistics.rates.recall import recall_belief
from lineside.statistics.rates.records import FlaggedStratum, KnownReads, RateCounts, ReviewerReads


@dataclass(frozen=True, slots=True)
class EscapeEstimate:
    """How many defective parts got past the detector.

    Attributes:
        point: expected number; None where no audit tells.
        lower: lower end of the interval, in parts.
        upper: upper end; all the parts passed where no audit tells.
    """

    point: float | None
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """The defect rate of the parts inspected, with all that a reader must see beside it.

    Attributes:
        inspected: OK and NG parts; the rate's denominator.
        not_inspected: parts without a verdict, beside the rate.
        point: expected share of defective parts; None where nothing was inspected or no audit tells of escapes.
        lower: lower end of the interval, in [0, 1].
        upper: upper end; with the escapes unknown, as if every passed part had been defective.
        confidence: the interval's nominal coverage.
        escapes: the defective parts among those passed.
        confirmed: flagged parts settled as defective.
        unconfirmed: flagged parts drawn for confirmation and not settled yet.
        bounds_lower: lower end of the interval if none of the unconfirmed is defective.
        bounds_upper: upper end if all of them are.
        contract_upper_bound: one-sided exact upper bound of the rate, which leans on no prior belief.
        detector_rate: the raw share of NG parts with its Wilson interval; no defect rate.
        recall_alarm: belief that there are more escapes than the golden set's recall allows; None without a golden set
            or an audit.
        is_escape_rate_known: whether an audit (or there being no passed part) tells of escapes.
        audits_needed: passed parts to read in all, no further escape found, for a contract bound on the escapes alone
            of at most the wanted one.
        notes: what to bear in mind, sentences.
    """

    inspected: int
    not_inspected: int
    point: float | None
    lower: float
    upper: float
    confidence: float
    escapes: EscapeEstimate
    confirmed: int
    unconfirmed: int
    bounds_lower: float
    bounds_upper: float
    contract_upper_bound: float
    detector_rate: RateInterval
    recall_alarm: float | None
    is_escape_rate_known: bool
    audits_needed: int
    notes: tuple[str, ...]


def estimate_rate(
    counts: RateCounts,
    *,
    golden: KnownReads | None = None,
    reviewers: ReviewerReads | None = None,
    confidence: float = 0.95,
    wanted_bound: float = 0.001,
) -> RateEstimate:
    """Estimate the share of defective parts among those inspected in one lot or window.

    Defective parts are those flagged and truly defective, plus the escapes among those passed:

        rate = (T + J) / inspected

    T, where every flagged part was read, is what was confirmed; otherwise a beta-binomial belief fills in the unread
    (`flagged`). J has the exact posterior of `escapes`: beta-negative-binomial given T, with a recall believed to be
    that of the golden set or anything, half and half, times the hypergeometric chance of what the audit found. The
    point is the expectation, the interval central. T and J are added as if the error in T did not touch J: J's prior
    uses the expectation of T.

    Assumptions: the audit is a simple random sample of each stratum of passed parts, drawn before anybody looked; so
    are the reads of flagged parts; parts that were drawn and not yet read are like those read. Reviewers are right, or
    `reviewers` tells how often they are not. The rate is that of these parts: for what the process will make next, lot
    to lot variation comes on top (`process_rate`).

    Where it covers and where not: docs/benchmarks.md. After a silent loss of recall and with an audit that finds next
    to nothing, the golden half still counts; leave `golden` out where nothing watches the recall.

    Defined answers: nothing inspected gives no point and [0, 1]. No audit gives no point, and an interval from no
    escape at all to every passed part; `audits_needed` says how many reads would bound the escapes. Nothing
    passed leaves no escapes to look for.

    Args:
        counts: of the lot or window.
        golden: what the live release did with the defective parts of the golden set.
        reviewers: what the same reviewers said of parts whose truth is known; None where they are taken to be right.
        confidence: nominal coverage, strictly between 0 and 1.
        wanted_bound: share of escapes among the inspected parts that `audits_needed` is to exclude.

    Raises:
        ValueError: a share is out of range.
    """
    check_share("confidence", confidence)
    check_share("wanted_bound", wanted_bound)
    tail = (1 - confidence) / 2
    errors = reading_errors(reviewers)
    flagged = defective_among_flagged(counts.flagged, errors=errors)
    is_known = counts.parts_passed == 0 or counts.audited > 0
    escapes, belief, alarm = EscapeEstimate(None, 0, counts.parts_passed), None, None
    if is_known:
        belief = escape_belief(counts.passed, confirmed=flagged.mean, recall=recall_belief(golden), errors=errors)
        escapes = EscapeEstimate(belief.mean, belief.lower(tail), min(belief.upper(tail), counts.parts_passed))
        if golden is not None and golden.hits + golden.misses and counts.parts_passed:
            alarm = belief.share_above(escapes_expected_of(golden, confirmed=flagged.mean, passed=counts.parts_passed))
    point, lower, upper = _rate(counts, flagged, belief, tail)
    bounds_lower, bounds_upper = lower, upper
    if counts.unconfirmed:
        none = defective_among_flagged(_settled(counts.flagged, as_defective=0), errors=errors)
        all_ = defective_among_flagged(_settled(counts.flagged, as_defective=1), errors=errors)
        bounds_lower = min(lower, _rate(counts, none, belief, tail)[1])
        bounds_upper = max(upper, _rate(counts, all_, belief, tail)[2])
    return RateEstimate(
        inspected=counts.inspected,
        not_inspected=counts.not_inspected,
        point=point,
        lower=lower,
        upper=upper,
        confidence=confidence,
        escapes=escapes,
        confirmed=counts.confirmed,
        unconfirmed=counts.unconfirmed,
        bounds_lower=bounds_lower,
        bounds_upper=bounds_upper,
        contract_upper_bound=contract_upper_bound(counts, reviewers=reviewers, confidence=confidence),
        detector_rate=wilson_interval(counts.parts_flagged, counts.inspected, confidence=confidence),
        recall_alarm=alarm,
        is_escape_rate_known=is_known,
        audits_needed=audits_needed(counts, wanted_bound=wanted_bound, confidence=confidence),
        notes=notes_on(counts, golden=golden, reviewers=reviewers),
    )


def _rate(
    counts: RateCounts, flagged: CountBelief, escapes: CountBelief | None, tail: float
) -> tuple[float | None, float, float]:
    """Point, lower and upper end; without a belief in the escapes, as if none and as if all passed parts were some."""
    if counts.inspected == 0:
        return None, 0.0, 1.0
    if escapes is None:
        return (
            None,
            flagged.lower(tail) / counts.inspected,
            (flagged.upper(tail) + counts.parts_passed) / counts.inspected,
        )
    total = flagged.plus(escapes)
    return (
        total.mean / counts.inspected,
        total.lower(tail) / counts.inspected,
        min(total.upper(tail), counts.inspected) / counts.inspected,
    )


def _settled(strata: Sequence[FlaggedStratum], *, as_defective: int) -> tuple[FlaggedStratum, ...]:
    """The strata as if the unconfirmed parts had been settled: as defective (1) or as good (0)."""
    return tuple(
        replace(
            stratum, read=stratum.drawn, confirmed=stratum.confirmed + as_defective * (stratum.drawn - stratum.read)
        )
        for stratum in strata
    )
