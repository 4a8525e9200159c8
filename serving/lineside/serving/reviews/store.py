"""Writing down and reading what humans say of inspections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from lineside.inspection.verdict import Verdict
from lineside.serving.errors import ReviewUnfit
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import frames, reviews
from lineside.serving.reviews.schemas import (
    ReviewBox,
    ReviewIn,
    ReviewKind,
    ReviewOut,
    ReviewRecorded,
    ReviewSource,
)
from lineside.serving.reviews.standing import standing_of, taken_back
from lineside.serving.reviews.standing_rows import write_standing

EVENT_TYPE: Final = "review.v1"

_FITTING: Mapping[ReviewKind, frozenset[Verdict]] = {
    ReviewKind.CONFIRMED: frozenset({Verdict.OK, Verdict.NG}),
    ReviewKind.FALSE_CALL: frozenset({Verdict.NG}),
    ReviewKind.ESCAPE: frozenset({Verdict.OK}),
    ReviewKind.CORRECTED: frozenset({Verdict.NG}),
    ReviewKind.WITHDRAWN: frozenset({Verdict.OK, Verdict.NG}),
}


def check_fits(inspection: Row[Any], kind: ReviewKind) -> None:
    """Refuse a review that cannot be said of that verdict.

    Raises:
        ReviewUnfit: naming the verdicts it can be said of.
    """
    if inspection.verdict is None or Verdict(inspection.verdict) not in _FITTING[kind]:
        wanted = " or ".join(sorted(verdict.value for verdict in _FITTING[kind]))
        found = inspection.verdict or "still open"
        raise ReviewUnfit(
            f"{kind.value!r} is said of {wanted}; inspection {inspection.id} is {found}. A missed defect of an OK part "
            "is an escape, other boxes on an NG part are 'corrected', and NOT_INSPECTED parts are inspected again"
        )


def record(
    transaction: Transaction,
    inspection: Row[Any],
    review: ReviewIn,
    *,
    recorded_by: str,
    stored_digests: Iterable[str],
) -> ReviewRecorded:
    """Record a review and its event, and keep the inspection's images.

    Args:
        transaction: where.
        inspection: the row of the inspection it is about.
        review: what is said.
        recorded_by: name of the key it came with.
        stored_digests: of the inspection's images, those that are in the image store.

    Raises:
        ReviewUnfit: it does not fit the verdict, or replaces what it cannot replace.
    """
    check_fits(inspection, review.kind)
    earlier = reviews_of(transaction.connection, inspection)
    _check_supersedes(review, earlier)
    review_id = transaction.new_id()
    transaction.connection.execute(
        insert(reviews).values(
            id=review_id,
            inspection_id=inspection.id,
            kind=review.kind.value,
            source=review.source.value,
            reviewer=review.reviewer,
            at=review.at,
            recorded_at=transaction.now(),
            boxes=[box.model_dump(mode="json") for box in review.boxes],
            reason=review.reason,
            supersedes=review.supersedes,
            blind=review.blind,
        )
    )
    kept = tuple(stored_digests)
    if kept:
        transaction.connection.execute(
            update(frames).where(frames.c.inspection_id == inspection.id, frames.c.digest.in_(kept)).values(kept=True)
        )
    mine = ReviewOut(
        **review.model_dump(),
        id=review_id,
        inspection_id=inspection.id,
        station=inspection.station,
        part_id=inspection.part_id,
        attempt=inspection.attempt,
        verdict=Verdict(inspection.verdict),
    )
    now_said = [*earlier, mine]
    recorded = ReviewRecorded(**mine.model_dump(), standing=standing_of(now_said), recorded_by=recorded_by)
    write_standing(transaction.connection, inspection, now_said)
    transaction.append_event(
        EVENT_TYPE, station=inspection.station, occurred_at=review.at, data=recorded.model_dump(mode="json")
    )
    return recorded


def _check_supersedes(review: ReviewIn, earlier: Sequence[ReviewOut]) -> None:
    if review.supersedes is None:
        return
    by_id = {each.id: each for each in earlier}
    if review.supersedes not in by_id:
        raise ReviewUnfit(f"review {review.supersedes!r} is none of this inspection's: it cannot be superseded here")
    gone = taken_back(earlier)
    if review.supersedes in gone and by_id[review.supersedes].kind is not ReviewKind.WITHDRAWN:
        raise ReviewUnfit(f"review {review.supersedes!r} was taken back already: what is said now replaces nothing")
    if review.kind is ReviewKind.WITHDRAWN and review.supersedes in gone:
        raise ReviewUnfit(f"{review.supersedes!r} is itself a withdrawal: say again what was taken back")
    if review.supersedes in {each.supersedes for each in earlier if each.id not in gone}:
        raise ReviewUnfit(f"review {review.supersedes!r} was superseded already: supersede the one that did it")


def reviews_of(connection: Connection, inspection: Row[Any]) -> list[ReviewOut]:
    """An inspection's reviews, oldest first."""
    rows = connection.execute(select(reviews).where(reviews.c.inspection_id == inspection.id).order_by(reviews.c.id))
    return [_out(row, inspection) for row in rows]


def reviews_by_inspection(connection: Connection, inspections: Sequence[Row[Any]]) -> Mapping[str, list[ReviewOut]]:
    """The reviews of several inspections, by inspection."""
    by_id = {inspection.id: inspection for inspection in inspections}
    found: dict[str, list[ReviewOut]] = {inspection_id: [] for inspection_id in by_id}
    rows = connection.execute(select(reviews).where(reviews.c.inspection_id.in_(tuple(by_id))).order_by(reviews.c.id))
    for row in rows:
        found[row.inspection_id].append(_out(row, by_id[row.inspection_id]))
    return found


def _out(row: Row[Any], inspection: Row[Any]) -> ReviewOut:
    return ReviewOut(
        id=row.id,
        inspection_id=inspection.id,
        station=inspection.station,
        part_id=inspection.part_id,
        attempt=inspection.attempt,
        verdict=Verdict(inspection.verdict),
        kind=ReviewKind(row.kind),
        source=ReviewSource(row.source),
        reviewer=row.reviewer,
        at=row.at,
        boxes=tuple(ReviewBox.model_validate(box) for box in row.boxes or ()),
        reason=row.reason,
        supersedes=row.supersedes,
        blind=row.blind,
    )
