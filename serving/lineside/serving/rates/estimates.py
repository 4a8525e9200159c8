"""From counts to what people are shown: each figure with what it rests on."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineside.serving.rates.schemas import (
    DefectsOut,
    EscapesOut,
    IntervalOut,
    KnownReadsOut,
    ProcessOut,
    RateValue,
    ReviewerReadsOut,
    WindowOut,
    YieldOut,
)
from lineside.serving.rates.windows import WindowCounts
from lineside.statistics.rates import (
    KnownReads,
    LotCount,
    RateCounts,
    RateEstimate,
    RateInterval,
    ReviewerReads,
    defective_ppm,
    defects_per_million_opportunities,
    defects_per_unit,
    estimate_rate,
    process_rate,
    seeded_recall,
    wilson_interval,
)

_REMEMBERED: Final = 4096
_FEWEST_LOTS: Final = 2  # one shows no variation between lots

_Given = tuple[RateCounts, KnownReads | None, ReviewerReads | None, float]


@dataclass(frozen=True, slots=True)
class Belief:
    """What an estimate takes in beside its own window.

    Attributes:
        golden: the golden set's reading; None for a vague belief in the recall.
        reviewers: how often people are right, from the whole span: one window has too few readings.
        confidence: of the intervals.
        opportunities: places of a part that a defect can be at; None where not known or not one number.
    """

    golden: KnownReads | None
    reviewers: ReviewerReads | None
    confidence: float
    opportunities: int | None = None


class Estimator:
    """Estimates windows, and remembers: most windows of a page are the same as a moment ago."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Given, RateEstimate] = OrderedDict()

    def estimate(self, counts: RateCounts, belief: Belief) -> RateEstimate:
        """The rate of some counts; takes milliseconds, so call it off the event loop, one call at a time."""
        given: _Given = (counts, belief.golden, belief.reviewers, belief.confidence)
        known = self._known.get(given)
        if known is not None:
            self._known.move_to_end(given)
            return known
        found = estimate_rate(counts, golden=belief.golden, reviewers=belief.reviewers, confidence=belief.confidence)
        self._known[given] = found
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    def shown(self, window: WindowCounts, belief: Belief) -> WindowOut:
        """A window with its figures."""
        estimate = self.estimate(window.counts, belief)
        counts = window.counts
        drawn = sum(stratum.drawn for stratum in counts.passed)
        return WindowOut(
            label=window.label,
            start=window.start,
            end=window.end,
            inspected=window.inspected,
            flagged=window.flagged,
            confirmed=window.confirmed,
            false_calls=window.false_calls,
            unconfirmed=estimate.unconfirmed,
            unresolved=window.unresolved,
            audited=counts.audited,
            audits_due=drawn - counts.audited,
            not_inspected=window.not_inspected,
            later_attempts=window.later_attempts,
            is_provisional=window.is_provisional,
            is_gap=window.is_gap,
            planned_minutes=window.planned.total_seconds() / 60.0,
            rate=RateValue(
                point=estimate.point,
                lower=estimate.lower,
                upper=estimate.upper,
                confidence=estimate.confidence,
                ppm=None if estimate.point is None else defective_ppm(estimate.point),
                lower_if_none_unconfirmed_is_defective=estimate.bounds_lower,
                upper_if_all_unconfirmed_are_defective=estimate.bounds_upper,
                contract_upper_bound=estimate.contract_upper_bound,
            ),
            detector_rate=_interval(estimate.detector_rate),
            escapes=EscapesOut(
                found_in_audit=counts.escapes_found,
                found_otherwise=max(0, window.escapes - counts.escapes_found),
                point=estimate.escapes.point,
                lower=estimate.escapes.lower,
                upper=estimate.escapes.upper,
            ),
            recall_alarm=estimate.recall_alarm,
            audits_needed=estimate.audits_needed,
            first_pass_yield=YieldOut(
                passed=window.first_passed,
                judged=window.first_judged,
                share=_interval(
                    wilson_interval(window.first_passed, window.first_judged, confidence=belief.confidence)
                ),
            ),
            defects=_defects(window, belief.opportunities),
            seeded_defective=_known(window.seeded, belief.confidence),
            seeded_good=_known(window.seeded_good, belief.confidence),
            reviewers=_reviewers(window.reviewers),
            notes=(*estimate.notes, *_notes(window)),
        )


def shown_process(lots: Sequence[WindowCounts], confidence: float) -> ProcessOut | None:
    """What lots say together of the escapes to come; None where they are too few, or audited with several shares."""
    shares = {stratum.probability for lot in lots for stratum in lot.counts.passed if stratum.read}
    audited = [LotCount(lot.counts.escapes_found, lot.counts.audited) for lot in lots if lot.counts.audited]
    if len(audited) < _FEWEST_LOTS or len(shares) != 1:
        return None
    found = process_rate(audited, confidence=confidence)
    return ProcessOut(
        escape_share=_interval(found.interval),
        design_effect=found.design_effect,
        effective_units=found.effective_units,
        lots=found.lots,
    )


def _notes(window: WindowCounts) -> Sequence[str]:
    notes = []
    if window.is_gap:
        notes.append("nothing came in this window although the calendar plans work")
    if window.unresolved:
        notes.append(f"people disagree on {window.unresolved} parts; they count as not settled until somebody decides")
    return notes


def _defects(window: WindowCounts, opportunities: int | None) -> DefectsOut:
    """Defects per unit and per million opportunities, of the defects that the reviews say are there.

    Unconfirmed parts and escapes that nobody found are missing from them: both are lower ends. Where reviews name more
    defects than a part has opportunities, the recipe's number is wrong, and there is no DPMO.
    """
    dpmo = None
    if opportunities is not None and window.true_defects <= window.inspected * opportunities:
        dpmo = defects_per_million_opportunities(window.true_defects, window.inspected, opportunities=opportunities)
    return DefectsOut(
        reported=window.defects,
        there=window.true_defects,
        dpu=defects_per_unit(window.true_defects, window.inspected),
        dpmo=dpmo,
        opportunities=opportunities,
    )


def _known(reads: KnownReads | None, confidence: float) -> KnownReadsOut | None:
    if reads is None:
        return None
    share = seeded_recall(reads, confidence=confidence)
    return KnownReadsOut(right=reads.hits, wrong=reads.misses, share_right=_interval(share))


def _reviewers(reads: ReviewerReads | None) -> ReviewerReadsOut | None:
    if reads is None:
        return None
    return ReviewerReadsOut(
        defective_right=reads.defective_right,
        defective_wrong=reads.defective_wrong,
        good_right=reads.good_right,
        good_wrong=reads.good_wrong,
    )


def _interval(interval: RateInterval) -> IntervalOut:
    return IntervalOut(
        events=interval.events,
        units=interval.units,
        estimate=interval.estimate,
        lower=interval.lower,
        upper=interval.upper,
        confidence=interval.confidence,
    )
