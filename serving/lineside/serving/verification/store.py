"""The queue of the review place in the ledger: it follows the log of events and holds one row for each reading due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, or_, select, text, update

from lineside.inspection.audit import PlantSecret, uniform_of_part
from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.events import read_head
from lineside.serving.ledger.rate_tables import known_parts, standings
from lineside.serving.ledger.tables import events, frames, inspections
from lineside.serving.ledger.verification_tables import verification_progress as progress
from lineside.serving.ledger.verification_tables import verification_waits as waits
from lineside.serving.reviews.store import reviews_of
from lineside.serving.verification.waiting import Wait, WaitKind, what_waits

_SECOND: Final = b"lineside.second-reading/1"
_BATCH: Final = 1000
_JUDGED: Final = (Verdict.OK.value, Verdict.NG.value)


@dataclass(frozen=True, slots=True)
class SecondReadings:
    """The draw of inspections that are read twice; whoever lacks the secret can neither foresee nor steer it.

    Attributes:
        secret: the plant's, for this purpose.
        share: of the inspections, in [0, 1].
    """

    secret: PlantSecret
    share: float
    _purpose: bytes = field(default=_SECOND, init=False, repr=False)

    def draws(self, inspection_id: str) -> bool:
        """Whether an inspection is read twice."""
        return uniform_of_part(self.secret, part_id=inspection_id, lot=None, purpose=self._purpose) < self.share


def is_behind(connection: Connection, plant: str) -> bool:
    """Whether the log has events that the queue does not hold."""
    # Asked of the database: what tells of commits in this process may come a moment after their writers know.
    return _progress(connection, plant) < read_head(connection, plant).sequence


def catch_up(transaction: Transaction, second: SecondReadings) -> bool:
    """Take in what happened since the last time, up to 1000 drawn parts at once; True when nothing is left.

    A review that any other way brought in (the API, Label Studio) ends a wait here, and begins one where it leaves
    people in disagreement or the part was drawn to be read twice.
    """
    connection, plant = transaction.connection, transaction.plant
    head = 0 if transaction.head is None else transaction.head.sequence
    start = _progress(connection, plant)
    if start >= head:
        return True
    drawn = connection.execute(
        _fresh(plant, start).where(_is_drawn()).order_by(inspections.c.event_sequence).limit(_BATCH)
    ).all()
    end = head if len(drawn) < _BATCH else int(drawn[-1].event_sequence)
    rows = {row.id: row for row in (*drawn, *_seeded(connection, plant, start, end))}
    stand = set(
        connection.execute(select(waits.c.inspection_id).where(waits.c.inspection_id.in_(tuple(rows)))).scalars()
    )
    unread = [row for row in rows.values() if row.standing is None and row.id not in stand]
    new = [_values(row, Wait(_first_kind(row)), since=row.judged_at) for row in unread]
    if new:
        connection.execute(insert(waits), new)
    for row in _touched(connection, plant, start, end):
        settle(transaction, row, second)
    connection.execute(delete(progress).where(progress.c.plant == plant))
    connection.execute(insert(progress).values(plant=plant, sequence=end))
    return end == head


def settle(transaction: Transaction, inspection: Row[Any], second: SecondReadings) -> None:
    """Have an inspection wait for what it waits for now; one that waited for the same keeps its place and its holder.

    Args:
        transaction: where.
        inspection: its row.
        second: who is read twice.
    """
    connection = transaction.connection
    due = inspection.verdict in _JUDGED and (_drawn(inspection) or _is_seeded(connection, inspection))
    wait = what_waits(
        Verdict(inspection.verdict),
        reviews_of(connection, inspection),
        is_due=due,
        is_read_twice=second.draws(inspection.id),
        is_audited=_is_audited(connection, inspection.id),
    )
    stands = connection.execute(select(waits).where(waits.c.inspection_id == inspection.id)).one_or_none()
    if stands is not None and wait is not None and (stands.kind, tuple(stands.read_by)) == (wait.kind, wait.read_by):
        return
    if stands is not None:
        connection.execute(delete(waits).where(waits.c.inspection_id == inspection.id))
    if wait is not None:
        connection.execute(insert(waits), _values(inspection, wait, since=transaction.now()))


def next_for(connection: Connection, plant: str, *, reader: str, station: str | None, now: datetime) -> Row[Any] | None:
    """The wait that has stood longest of those that a reader may take; None if there is none.

    Args:
        connection: of the writer: nobody else takes it meanwhile.
        plant: the plant.
        reader: who would read; not what his own reading is in.
        station: only of this one; None for all.
        now: claims that end by then bind no more.
    """
    query = select(waits).where(waits.c.plant == plant, _is_free(now), _image_of_wait())
    if station is not None:
        query = query.where(waits.c.station == station)
    for row in connection.execute(query.order_by(waits.c.since, waits.c.inspection_id)):
        if reader not in row.read_by:
            return row
    return None


def wait_of(connection: Connection, inspection_id: str) -> Row[Any] | None:
    """What an inspection waits for."""
    return connection.execute(select(waits).where(waits.c.inspection_id == inspection_id)).one_or_none()


def hold(connection: Connection, inspection_id: str, *, claim_id: str | None, until: datetime | None) -> None:
    """Give a wait to a claim, or to nobody."""
    connection.execute(
        update(waits).where(waits.c.inspection_id == inspection_id).values(claim_id=claim_id, claim_until=until)
    )


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What waits.

    Attributes:
        by_kind: readings due, by kind.
        claimed: of these, held by somebody now.
        without_image: of these, those that cannot be read: retention has taken the picture.
        oldest_since: since when the first one waits.
    """

    by_kind: Mapping[WaitKind, int]
    claimed: int
    without_image: int
    oldest_since: datetime | None


def count_waits(connection: Connection, plant: str, *, now: datetime) -> QueueCounts:
    """Count what waits."""
    mine = waits.c.plant == plant
    kinds = connection.execute(select(waits.c.kind, func.count()).where(mine).group_by(waits.c.kind))
    counted = {WaitKind(kind): int(count) for kind, count in kinds}

    def count(*conditions: ColumnElement[bool]) -> int:
        return int(connection.execute(select(func.count()).select_from(waits).where(mine, *conditions)).scalar_one())

    return QueueCounts(
        by_kind={kind: counted.get(kind, 0) for kind in WaitKind},
        claimed=count(waits.c.claim_until > now),
        without_image=count(~_image_of_wait()),
        oldest_since=connection.execute(select(func.min(waits.c.since)).where(mine)).scalar_one(),
    )


def _progress(connection: Connection, plant: str) -> int:
    found = connection.execute(select(progress.c.sequence).where(progress.c.plant == plant)).scalar_one_or_none()
    return found or 0


def _fresh(plant: str, start: int) -> Any:
    return (
        select(inspections, standings.c.standing)
        .outerjoin(standings, standings.c.inspection_id == inspections.c.id)
        .where(inspections.c.plant == plant, inspections.c.event_sequence > start, inspections.c.verdict.in_(_JUDGED))
    )


def _seeded(connection: Connection, plant: str, start: int, end: int) -> Sequence[Row[Any]]:
    """Inspections of parts of known truth whose image is kept: they test the readers, whether drawn or not."""
    names = connection.execute(select(known_parts.c.part_id).where(known_parts.c.plant == plant)).scalars().all()
    if not names:
        return ()
    # By name, so that the index of part identifiers serves: those of known parts are few.
    query = _fresh(plant, start).where(inspections.c.part_id.in_(names), inspections.c.event_sequence <= end)
    return connection.execute(query.where(_is_known(), _has_image())).all()


def _touched(connection: Connection, plant: str, start: int, end: int) -> Sequence[Row[Any]]:
    """The inspections that reviews of these events speak of, and those of parts that became known in them."""
    happened = connection.execute(
        select(events.c.type, events.c.data).where(
            events.c.plant == plant,
            events.c.type.in_(("review.v1", "known_part.v1")),
            events.c.sequence > start,
            events.c.sequence <= end,
        )
    ).all()
    reviewed = sorted({event.data["inspection_id"] for event in happened if event.type == "review.v1"})
    known = sorted({event.data["part_id"] for event in happened if event.type == "known_part.v1"})
    query = select(inspections).where(
        inspections.c.plant == plant,
        inspections.c.verdict.in_(_JUDGED),
        or_(inspections.c.id.in_(reviewed), and_(inspections.c.part_id.in_(known), _has_image())),
    )
    return connection.execute(query.order_by(inspections.c.id)).all()


def _values(inspection: Row[Any], wait: Wait, *, since: datetime) -> dict[str, Any]:
    return {
        "inspection_id": inspection.id,
        "plant": inspection.plant,
        "station": inspection.station,
        "kind": wait.kind.value,
        "since": since,
        "read_by": list(wait.read_by),
    }


def _first_kind(inspection: Row[Any]) -> WaitKind:
    return WaitKind.FLAGGED if inspection.verdict == Verdict.NG.value else WaitKind.AUDIT


def _drawn(inspection: Row[Any]) -> bool:
    return bool(inspection.audit if inspection.verdict == Verdict.OK.value else inspection.confirmation)


def _is_audited(connection: Connection, inspection_id: str) -> bool:
    return bool(
        connection.execute(
            select(standings.c.audited).where(standings.c.inspection_id == inspection_id)
        ).scalar_one_or_none()
    )


def _is_drawn() -> ColumnElement[bool]:
    # As the index of drawn parts has it, word for word, so that it serves.
    return text("(inspections.audit OR inspections.confirmation)")  # type: ignore[return-value]  # reads as a condition


def _is_known() -> ColumnElement[bool]:
    return exists().where(
        known_parts.c.plant == inspections.c.plant,
        known_parts.c.part_id == inspections.c.part_id,
        or_(known_parts.c.valid_until.is_(None), inspections.c.opened_at < known_parts.c.valid_until),
    )


def _is_seeded(connection: Connection, inspection: Row[Any]) -> bool:
    return bool(
        connection.execute(
            select(inspections.c.id).where(inspections.c.id == inspection.id, _is_known(), _has_image())
        ).first()
    )


def _has_image() -> ColumnElement[bool]:
    return exists().where(frames.c.inspection_id == inspections.c.id, frames.c.kept)


def _image_of_wait() -> ColumnElement[bool]:
    return exists().where(frames.c.inspection_id == waits.c.inspection_id, frames.c.kept)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(waits.c.claim_until.is_(None), waits.c.claim_until <= now)
