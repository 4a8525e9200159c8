"""How well people read: error rates on known parts and in blind second readings, agreement, and time taken.

The readings that count here are those that the rates lean on (`lineside.serving.rates`): readings of parts of known
truth are held against it, blind second readings of other parts against where the part stands. Added up over all
readers they are the `reviewers` of the same span's rates; a test holds both against each other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from lineside.inspection.verdict import Verdict
from lineside.serving.known_parts import Truth
from lineside.serving.ledger.rate_tables import known_parts
from lineside.serving.ledger.tables import inspections, reviews
from lineside.serving.ledger.verification_tables import verification_claims as claims
from lineside.serving.reviews import ReviewOut, standing_of
from lineside.serving.reviews.standing import first_readings
from lineside.serving.reviews.standing_rows import says_defective, settled_as_defective
from lineside.serving.reviews.store import reviews_by_inspection
from lineside.serving.verification.schemas import (
    ErrorsOut,
    IntervalOut,
    KappaOut,
    NamedReaderFigures,
    ReaderFigures,
    ReviewersOut,
)
from lineside.statistics.agreement import cohen_kappa
from lineside.statistics.intervals import wilson_interval
from lineside.statistics.rates import ReviewerReads

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class ReviewerQuestion:
    """Whose readings are asked about.

    Attributes:
        start: of the instants at which the parts came, aware UTC.
        end: the same; not part of it.
        is_simulated: whether the parts are of a simulated line.
        confidence: of the intervals.
        longest: of one reading: what took longer was an interrupted one and counts as this long.
    """

    start: datetime
    end: datetime
    is_simulated: bool
    confidence: float
    longest: timedelta


@dataclass(slots=True)
class Tally:
    """Readings of one person, or of all.

    Attributes:
        readings: parts read.
        known: by truth (defective or not) and whether the reading was right, on parts of known truth.
        blind: the same of blind second readings, held against where the part stands.
        pairs: of two readings of a part by different people: first and second say defective or not.
        minutes: from taking a part to its reading.
    """

    readings: int = 0
    known: dict[tuple[bool, bool], int] = field(default_factory=lambda: defaultdict(int))
    blind: dict[tuple[bool, bool], int] = field(default_factory=lambda: defaultdict(int))
    pairs: dict[tuple[bool, bool], int] = field(default_factory=lambda: defaultdict(int))
    minutes: float = 0.0

    def reads(self) -> ReviewerReads:
        """What the rate statistics make of them."""
        right_bad, wrong_bad, right_good, wrong_good = (
            self.known[key] + self.blind[key] for key in ((True, True), (True, False), (False, True), (False, False))
        )
        return ReviewerReads(right_bad, wrong_bad, right_good, wrong_good)

    def shown(self, confidence: float) -> ReaderFigures:
        """The figures with their intervals."""
        return ReaderFigures(
            readings=self.readings,
            known_parts=_errors(self.known, confidence),
            blind_seconds=_errors(self.blind, confidence),
            kappa=_kappa(self.pairs, confidence),
            minutes=round(self.minutes, 2),
        )


@dataclass(frozen=True, slots=True)
class Tallies:
    """What was counted: all readings together, and by reader."""

    total: Tally
    by_reader: Mapping[str, Tally]

    def shown(self, confidence: float) -> ReviewersOut:
        """The figures with their intervals, readers by name."""
        items = (
            NamedReaderFigures(reader=name, **self.by_reader[name].shown(confidence).model_dump())
            for name in sorted(self.by_reader)
        )
        return ReviewersOut(confidence=confidence, total=self.total.shown(confidence), items=tuple(items))


def tally_readings(connection: Connection, plant: str, question: ReviewerQuestion) -> Tallies:
    """Count the readings of the parts that came in a span."""
    total, by_reader = Tally(), defaultdict[str, Tally](Tally)
    truths = _truths(connection, plant)
    for batch in _read_inspections(connection, plant, question):
        for inspection, said in zip(batch, _said(connection, batch), strict=True):
            _count(inspection, said, truth=_truth(inspection, truths), total=total, by_reader=by_reader)
    for reader, minutes in _minutes(connection, plant, question):
        total.minutes += minutes
        by_reader[reader].minutes += minutes
    return Tallies(total, by_reader)


def _count(
    inspection: Row[Any],
    said: Sequence[ReviewOut],
    *,
    truth: bool | None,
    total: Tally,
    by_reader: dict[str, Tally],
) -> None:
    """Count what was said of one inspection; `truth` is whether a known part is defective, None for any other."""
    verdict = Verdict(inspection.verdict)
    readings = list(first_readings(said).values())
    calls = [says_defective(review.kind, verdict) for review in readings]
    stands = settled_as_defective(standing_of(said), verdict)
    for review, call in zip(readings, calls, strict=True):
        for tally in (total, by_reader[review.reviewer]):
            tally.readings += 1
            if truth is not None:
                tally.known[truth, call == truth] += 1
            elif review.blind and stands is not None and len(readings) > 1:
                tally.blind[stands, call == stands] += 1
    # The first blind reading beside the one that came before it: each part is one pair, so that pairs are independent.
    second = next((place for place, review in enumerate(readings) if place and review.blind), None)
    if second is not None:
        pair = (calls[0], calls[second])
        total.pairs[pair] += 1
        by_reader[readings[0].reviewer].pairs[pair] += 1
        by_reader[readings[second].reviewer].pairs[pair[::-1]] += 1


def _read_inspections(connection: Connection, plant: str, question: ReviewerQuestion) -> Iterable[Sequence[Row[Any]]]:
    """The inspections of the span that somebody has said something of, some hundred at a time."""
    read = select(reviews.c.inspection_id).where(reviews.c.inspection_id == inspections.c.id).exists()
    query = select(inspections).where(
        inspections.c.plant == plant,
        inspections.c.opened_at >= question.start,
        inspections.c.opened_at < question.end,
        inspections.c.is_simulated == question.is_simulated,
        inspections.c.verdict.in_((Verdict.OK.value, Verdict.NG.value)),
        read,
    )
    rows = connection.execute(query.order_by(inspections.c.id)).all()
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))


def _said(connection: Connection, batch: Sequence[Row[Any]]) -> list[list[ReviewOut]]:
    by_inspection = reviews_by_inspection(connection, batch)
    return [by_inspection[row.id] for row in batch]


def _truths(connection: Connection, plant: str) -> Mapping[str, Row[Any]]:
    return {row.part_id: row for row in connection.execute(select(known_parts).where(known_parts.c.plant == plant))}


def _truth(inspection: Row[Any], truths: Mapping[str, Row[Any]]) -> bool | None:
    """Whether a known part is defective; None for one that is not known, or was not yet another one then."""
    known = truths.get(inspection.part_id)
    if known is None or (known.valid_until is not None and inspection.opened_at >= known.valid_until):
        return None
    return bool(known.truth == Truth.DEFECTIVE.value)


def _minutes(connection: Connection, plant: str, question: ReviewerQuestion) -> Iterable[tuple[str, float]]:
    rows = connection.execute(
        select(claims.c.reader, claims.c.claimed_at, claims.c.ended_at)
        .join(inspections, inspections.c.id == claims.c.inspection_id)
        .where(
            claims.c.plant == plant,
            claims.c.outcome.in_(("read", "withdrawn")),
            inspections.c.opened_at >= question.start,
            inspections.c.opened_at < question.end,
            inspections.c.is_simulated == question.is_simulated,
        )
    )
    for row in rows:
        yield row.reader, min(row.ended_at - row.claimed_at, question.longest) / timedelta(minutes=1)


def _errors(counts: Mapping[tuple[bool, bool], int], confidence: float) -> ErrorsOut:
    def wrong(*, is_defective: bool) -> IntervalOut:
        right, errors = counts[is_defective, True], counts[is_defective, False]
        found = wilson_interval(errors, right + errors, confidence=confidence)
        return IntervalOut(
            wrong=errors, readings=right + errors, share=found.estimate, lower=found.lower, upper=found.upper
        )

    return ErrorsOut(missed=wrong(is_defective=True), false_alarms=wrong(is_defective=False))


def _kappa(pairs: Mapping[tuple[bool, bool], int], confidence: float) -> KappaOut | None:
    table = [[pairs[first, second] for second in (True, False)] for first in (True, False)]
    number = sum(map(sum, table))
    if number == 0:
        return None
    found = cohen_kappa(table, confidence=confidence)
    return KappaOut(value=found.value, lower=found.lower, upper=found.upper, agreement=found.agreement, pairs=number)
