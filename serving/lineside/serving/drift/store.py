"""Reading and writing the watch for drift in the ledger. Each function runs inside one transaction or snapshot."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from lineside.serving.drift.schemas import AcknowledgementIn, AcknowledgementOut, AlarmOut, LookOut
from lineside.serving.drift.scope import DriftScope, SeenPart, part_json, part_of_json, seen_part
from lineside.serving.errors import DriftAlarmAcknowledged, UnknownDriftAlarm
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.drift_tables import drift_alarms, drift_batches, drift_cursors, drift_references
from lineside.serving.ledger.rate_tables import known_parts
from lineside.serving.ledger.tables import events, stations
from lineside.statistics.drift import PICTURE_MEASURES, Batch

INSPECTION_EVENT = "inspection.v1"
ALARM_EVENT = "drift_alarm.v1"


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A reference period and what came of it.

    Attributes:
        id: UUIDv7.
        scope: whose.
        threshold: the lowest confidence in force.
        opened_at: when its first part was judged.
        seen_at: when the last part of its last batch was.
        batches: how many there are, the reference's own included.
        frozen_at: when the reference was complete; None while it is being taken.
        frozen_batches: how many batches it has.
        since_batch: the first batch that is held against it.
        look: the last look.
        ended_at: when a person ended it.
    """

    id: str
    scope: DriftScope
    threshold: float
    opened_at: datetime
    seen_at: datetime
    batches: int = 0
    frozen_at: datetime | None = None
    frozen_batches: int | None = None
    since_batch: int | None = None
    look: LookOut | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StoredBatch:
    """A batch in the ledger.

    Attributes:
        ordinal: from 0, within its reference period.
        last_sequence: of the event of its last part.
        first_at: when its first part was judged.
        last_at: when its last part was.
        batch: its parts.
    """

    ordinal: int
    last_sequence: int
    first_at: datetime
    last_at: datetime
    batch: Batch


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read of the ledger in one go.

    Attributes:
        parts: those that take part in the watch.
        position: sequence of the last event that was looked at.
        is_last: whether there was nothing more.
    """

    parts: tuple[SeenPart, ...]
    position: int
    is_last: bool


def cursor(connection: Connection, plant: str) -> int | None:
    """Where to read on; None if the watch never ran."""
    found = connection.execute(select(drift_cursors.c.sequence).where(drift_cursors.c.plant == plant)).scalar()
    return None if found is None else int(found)


def set_cursor(transaction: Transaction, sequence: int) -> None:
    """Remember where to read on."""
    moved = transaction.connection.execute(
        update(drift_cursors).where(drift_cursors.c.plant == transaction.plant).values(sequence=sequence)
    )
    if moved.rowcount == 0:
        transaction.connection.execute(insert(drift_cursors).values(plant=transaction.plant, sequence=sequence))


def parts_after(connection: Connection, plant: str, sequence: int, *, limit: int) -> Chunk:
    """The parts of the next inspections; parts whose truth is known beforehand are left out."""
    rows = connection.execute(
        select(events.c.sequence, events.c.data)
        .where(events.c.plant == plant, events.c.type == INSPECTION_EVENT, events.c.sequence > sequence)
        .order_by(events.c.sequence)
        .limit(limit)
    ).all()
    if not rows:
        return Chunk((), sequence, is_last=True)
    lines = {
        row.id: row.line
        for row in connection.execute(select(stations.c.id, stations.c.line).where(stations.c.plant == plant))
    }
    seen = [
        part
        for row in rows
        if (part := seen_part(row.sequence, row.data, line=lines.get(row.data["station"], ""))) is not None
    ]
    known = _known(connection, plant, {part.part_id for part in seen})
    return Chunk(
        tuple(part for part in seen if part.part_id not in known), rows[-1].sequence, is_last=len(rows) < limit
    )


def _known(connection: Connection, plant: str, part_ids: Collection[str]) -> frozenset[str]:
    return frozenset(
        connection.execute(
            select(known_parts.c.part_id).where(known_parts.c.plant == plant, known_parts.c.part_id.in_(part_ids))
        ).scalars()
    )


def find_reference(connection: Connection, plant: str, scope: DriftScope) -> ReferenceRow | None:
    """The reference period of a scope that nobody ended."""
    same = and_(*(drift_references.c[name] == value for name, value in asdict(scope).items()))
    row = connection.execute(
        select(drift_references).where(drift_references.c.plant == plant, drift_references.c.ended_at.is_(None), same)
    ).one_or_none()
    return None if row is None else _reference(row)


def current_references(connection: Connection, plant: str) -> tuple[ReferenceRow, ...]:
    """Of each station the reference period that saw a part last, and those with an open alarm, by line and station.

    Those that a person ended are not among them.
    """
    rank = func.row_number().over(
        partition_by=drift_references.c.station,
        order_by=(drift_references.c.seen_at.desc(), drift_references.c.id.desc()),
    )
    ranked = (
        select(drift_references.c.id, rank.label("rank"))
        .where(drift_references.c.plant == plant, drift_references.c.ended_at.is_(None))
        .subquery()
    )
    alarming = select(drift_alarms.c.reference_id).where(
        drift_alarms.c.plant == plant, drift_alarms.c.acknowledged_at.is_(None)
    )
    rows = connection.execute(
        select(drift_references)
        .join(ranked, drift_references.c.id == ranked.c.id)
        .where(or_(ranked.c.rank == 1, drift_references.c.id.in_(alarming)))
        .order_by(drift_references.c.line, drift_references.c.station, drift_references.c.seen_at.desc())
    )
    return tuple(_reference(row) for row in rows)


def add_reference(transaction: Transaction, row: ReferenceRow) -> None:
    """Begin a reference period."""
    transaction.connection.execute(
        insert(drift_references).values(
            id=row.id,
            plant=transaction.plant,
            **asdict(row.scope),
            threshold=row.threshold,
            opened_at=row.opened_at,
            seen_at=row.seen_at,
            batches=row.batches,
        )
    )


def save_reference(transaction: Transaction, row: ReferenceRow) -> None:
    """Write down how far a reference period has come."""
    transaction.connection.execute(
        update(drift_references)
        .where(drift_references.c.id == row.id)
        .values(
            seen_at=row.seen_at,
            batches=row.batches,
            frozen_at=row.frozen_at,
            frozen_batches=row.frozen_batches,
            since_batch=row.since_batch,
            looked_at=None if row.look is None else row.look.at,
            look=None if row.look is None else row.look.model_dump(mode="json"),
        )
    )


def add_batch(transaction: Transaction, reference_id: str, stored: StoredBatch, parts: Sequence[SeenPart]) -> None:
    """Insert a batch."""
    means = {
        f"{view}/{measure}": mean
        for view in stored.batch.pictures
        for measure in PICTURE_MEASURES
        if (mean := stored.batch.mean(view, measure)) is not None
    }
    transaction.connection.execute(
        insert(drift_batches).values(
            reference_id=reference_id,
            ordinal=stored.ordinal,
            last_sequence=stored.last_sequence,
            first_at=stored.first_at,
            last_at=stored.last_at,
            means=means,
            parts=[part_json(seen.part) for seen in parts],
        )
    )


def forget_parts(transaction: Transaction, reference_id: str, *, first: int, before: int) -> None:
    """Let go of the single parts of batches `first` to `before` (not included): no test needs them any more."""
    transaction.connection.execute(
        update(drift_batches)
        .where(
            drift_batches.c.reference_id == reference_id,
            drift_batches.c.ordinal >= first,
            drift_batches.c.ordinal < before,
            drift_batches.c.parts.is_not(None),
        )
        .values(parts=None)
    )


def last_sequence(connection: Connection, reference_id: str) -> int:
    """Sequence of the last part that is in a batch; 0 if none is."""
    found = connection.execute(
        select(func.max(drift_batches.c.last_sequence)).where(drift_batches.c.reference_id == reference_id)
    ).scalar()
    return 0 if found is None else int(found)


def batches_between(connection: Connection, reference_id: str, first: int, end: int) -> tuple[StoredBatch, ...]:
    """The batches `first` to `end` (not included) that still have their parts, in order."""
    rows = connection.execute(
        select(drift_batches)
        .where(
            drift_batches.c.reference_id == reference_id,
            drift_batches.c.ordinal >= first,
            drift_batches.c.ordinal < end,
            drift_batches.c.parts.is_not(None),
        )
        .order_by(drift_batches.c.ordinal)
    )
    return tuple(
        StoredBatch(
            row.ordinal,
            row.last_sequence,
            row.first_at,
            row.last_at,
            Batch.of([part_of_json(part) for part in row.parts]),
        )
        for row in rows
    )


def means_of(
    connection: Connection, plant: str, station: str, figure: str, *, start: datetime, end: datetime
) -> tuple[tuple[datetime, float], ...]:
    """The means of a picture's measure at a station, by the end of each batch, in order."""
    rows = connection.execute(
        select(drift_batches.c.last_at, drift_batches.c.means)
        .join(drift_references, drift_batches.c.reference_id == drift_references.c.id)
        .where(
            drift_references.c.plant == plant,
            drift_references.c.station == station,
            drift_batches.c.last_at >= start,
            drift_batches.c.last_at < end,
        )
        .order_by(drift_batches.c.last_at)
    )
    return tuple((row.last_at, float(row.means[figure])) for row in rows if figure in row.means)


def add_alarm(transaction: Transaction, alarm: AlarmOut) -> None:
    """Insert an alarm with its event."""
    body = alarm.model_dump(mode="json")
    transaction.connection.execute(
        insert(drift_alarms).values(
            id=alarm.id,
            plant=transaction.plant,
            reference_id=alarm.watched.reference_id,
            raised_at=alarm.raised_at,
            document=body,
        )
    )
    transaction.append_event(ALARM_EVENT, station=alarm.watched.station, occurred_at=alarm.raised_at, data=body)


def open_alarms(connection: Connection, plant: str) -> tuple[AlarmOut, ...]:
    """The alarms that nobody acknowledged, oldest first."""
    rows = connection.execute(
        select(drift_alarms)
        .where(drift_alarms.c.plant == plant, drift_alarms.c.acknowledged_at.is_(None))
        .order_by(drift_alarms.c.id)
    )
    return tuple(AlarmOut.model_validate(row.document) for row in rows)


def acknowledge(transaction: Transaction, alarm_id: str, given: AcknowledgementIn, *, by: str) -> AlarmOut:
    """Write down that a person looked after an alarm, with its event; what follows for its reference, too.

    Raises:
        UnknownDriftAlarm: there is none.
        DriftAlarmAcknowledged: somebody else did before, or with another reason.
    """
    row = transaction.connection.execute(
        select(drift_alarms).where(drift_alarms.c.plant == transaction.plant, drift_alarms.c.id == alarm_id)
    ).one_or_none()
    if row is None:
        raise UnknownDriftAlarm(f"no drift alarm {alarm_id!r}; GET /v1/drift lists those that are open")
    if row.acknowledged_at is not None:
        said = (row.acknowledged_by, row.acknowledged_reason, "keep" if row.reference_kept else "renew")
        if said == (by, given.reason, given.reference):  # the answer was lost, and the request came again
            return _acknowledged(row.document, given, by=by, at=row.acknowledged_at)
        raise DriftAlarmAcknowledged(
            f"drift alarm {alarm_id!r} was acknowledged at {row.acknowledged_at:%Y-%m-%d %H:%M} UTC by "
            f"{row.acknowledged_by}: {row.acknowledged_reason}"
        )
    now = transaction.now()
    transaction.connection.execute(
        update(drift_alarms)
        .where(drift_alarms.c.id == alarm_id)
        .values(
            acknowledged_at=now,
            acknowledged_by=by,
            acknowledged_reason=given.reason,
            reference_kept=given.reference == "keep",
        )
    )
    changes: dict[str, Any] = {"ended_at": now, "ended_by": by, "ended_reason": given.reason}
    if given.reference == "keep":
        changes = {"since_batch": drift_references.c.batches, "look": None, "looked_at": None}
    transaction.connection.execute(
        update(drift_references).where(drift_references.c.id == row.reference_id).values(**changes)
    )
    acknowledged = _acknowledged(row.document, given, by=by, at=now)
    transaction.append_event(
        ALARM_EVENT,
        station=acknowledged.watched.station,
        occurred_at=now,
        data=acknowledged.model_dump(mode="json"),
    )
    return acknowledged


def _acknowledged(document: Any, given: AcknowledgementIn, *, by: str, at: datetime) -> AlarmOut:
    acknowledgement = AcknowledgementOut(at=at, by=by, reason=given.reason, reference=given.reference)
    return AlarmOut.model_validate(
        {**document, "state": "acknowledged", "acknowledgement": acknowledgement.model_dump()}
    )


def _reference(row: Row[Any]) -> ReferenceRow:
    return ReferenceRow(
        id=row.id,
        scope=DriftScope(**{name: getattr(row, name) for name in DriftScope.__dataclass_fields__}),
        threshold=row.threshold,
        opened_at=row.opened_at,
        seen_at=row.seen_at,
        batches=row.batches,
        frozen_at=row.frozen_at,
        frozen_batches=row.frozen_batches,
        since_batch=row.since_batch,
        look=None if row.look is None else LookOut.model_validate(row.look),
        ended_at=row.ended_at,
    )
