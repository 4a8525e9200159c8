"""The row that says what an inspection's reviews amount to, so that rates need not read the reviews themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select

from lineside.datasets.sampling import PickReason
from lineside.inspection.verdict import Verdict
from lineside.serving.ledger.label_tables import label_picks
from lineside.serving.ledger.rate_tables import standing_classes, standings
from lineside.serving.ledger.tables import defects
from lineside.serving.reviews.schemas import ReviewKind, ReviewOut, ReviewSource, ReviewStanding
from lineside.serving.reviews.standing import first_readings, in_force, standing_of, taken_back

_SETTLED_AS: Final[Mapping[ReviewStanding, bool]] = {
    ReviewStanding.CORRECTED: True,
    ReviewStanding.ESCAPE: True,
    ReviewStanding.FALSE_CALL: False,
}


def write_standing(connection: Connection, inspection: Row[Any], reviews: Sequence[ReviewOut]) -> None:
    """Write down where an inspection stands, in the transaction of the review that changed it.

    Args:
        connection: of the writer.
        inspection: its row.
        reviews: all of it.
    """
    standing = standing_of(reviews)
    is_defective = settled_as_defective(standing, Verdict(inspection.verdict))
    classes = _true_classes(connection, inspection, reviews, standing) if is_defective else Counter[str]()
    gone = taken_back(reviews)
    said = [review for review in reviews if review.id not in gone]
    readings = first_readings(reviews)
    first_said = [says_defective(review.kind, review.verdict) for review in readings.values()]
    right, wrong = 0, 0
    if is_defective is not None and len(first_said) > 1:
        # Only the blind ones: who is read a second time is often chosen by what the first one said, so the first
        # readings of double-read parts are wrong more often than readings are.
        blind = [says_defective(review.kind, review.verdict) for review in readings.values() if review.blind]
        right = sum(said == is_defective for said in blind)
        wrong = len(blind) - right
    connection.execute(delete(standing_classes).where(standing_classes.c.inspection_id == inspection.id))
    connection.execute(delete(standings).where(standings.c.inspection_id == inspection.id))
    connection.execute(
        insert(standings),
        {
            "inspection_id": inspection.id,
            "standing": standing.value,
            "audited": _is_audited(connection, inspection, said),
            "true_defects": classes.total(),
            "said_defective": sum(first_said),
            "said_good": len(first_said) - sum(first_said),
            "blind_right": right,
            "blind_wrong": wrong,
        },
    )
    if classes:
        connection.execute(
            insert(standing_classes),
            [
                {"inspection_id": inspection.id, "class_name": name, "defects": count}
                for name, count in sorted(classes.items())
            ],
        )


def settled_as_defective(standing: ReviewStanding, verdict: Verdict) -> bool | None:
    """Whether the part is defective; None where nobody has said so, or people disagree."""
    if standing is ReviewStanding.CONFIRMED:
        return verdict is Verdict.NG
    return _SETTLED_AS.get(standing)


def says_defective(kind: ReviewKind, verdict: Verdict) -> bool:
    """Whether such a review of such a verdict says that the part is defective."""
    if kind is ReviewKind.CONFIRMED:
        return verdict is Verdict.NG
    return kind is not ReviewKind.FALSE_CALL


def _is_audited(connection: Connection, inspection: Row[Any], said: Sequence[ReviewOut]) -> bool:
    """Whether somebody read the part as an audit draw: who only speaks up of what he noticed reads the bad ones only.

    A label of Label Studio is such a reading where the part was picked as an audit draw. One that was picked because
    somebody reported it, or for any other reason, is read more often where the part is bad.
    """
    sources = {review.source for review in said}
    if ReviewSource.AUDIT in sources or ReviewSource.LABEL_STUDIO not in sources:
        return ReviewSource.AUDIT in sources
    as_a_draw = select(label_picks.c.id).where(
        label_picks.c.inspection_id == inspection.id,
        label_picks.c.reason == PickReason.AUDIT.value,
        label_picks.c.withdrawn_at.is_(None),
    )
    return connection.execute(as_a_draw.limit(1)).first() is not None


def _true_classes(
    connection: Connection, inspection: Row[Any], reviews: Sequence[ReviewOut], standing: ReviewStanding
) -> Counter[str]:
    """The defects that are there: those found where people confirmed them, else those that people drew."""
    if standing is ReviewStanding.CONFIRMED:
        rows = connection.execute(
            select(defects.c.class_name, func.count().label("number"))
            .where(defects.c.inspection_id == inspection.id)
            .group_by(defects.c.class_name)
        )
        return Counter({row.class_name: row.number for row in rows})
    drawn = [review.boxes for review in in_force(reviews) if review.boxes]
    # Corrections in force draw the same boxes; of several escapes the one that names the most says the most.
    return Counter(box.class_name for box in max(drawn, key=len, default=()))
