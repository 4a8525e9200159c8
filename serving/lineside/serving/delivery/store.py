"""Reading and writing cursors and parked events in the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lineside.serving.delivery.desk import Orders, Outcome, SinkDescription, SinkReport
from lineside.serving.delivery.schemas import ParkedOut, ParkedState, TroubleOut
from lineside.serving.delivery.settings import start_of
from lineside.serving.errors import DeliveryUnfit, UnknownSink
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.delivery_tables import delivery_cursors as cursors
from lineside.serving.ledger.delivery_tables import delivery_parked as parked
from lineside.serving.ledger.tables import events

_MOST_ATTEMPTS = 2**31 - 1  # what the column holds

MOST_ORDERS = 200
"""Events to send again that one answer names; the next one names more."""


@dataclass(frozen=True, slots=True)
class StoredCursor:
    """One sink's row, with what is counted beside it.

    Attributes:
        row: of the table.
        parked: events that wait for a person.
        to_resend: events that a person had sent again and that are not yet.
        waiting_since: when the first event behind the position was recorded; None at the head.
    """

    row: Row[Any]
    parked: int
    to_resend: int
    waiting_since: datetime | None


def enrol(transaction: Transaction, sink: SinkDescription) -> Orders:
    """Where a sink goes on; one that was never there begins where it wants to."""
    now = transaction.now()
    described = {"kind": sink.kind, "proof": sink.proof.value, "filter": dict(sink.filter)}
    key = _of(transaction.plant, sink.name)
    changed = transaction.connection.execute(update(cursors).where(*key).values(**described, reported_at=now))
    if changed.rowcount == 0:
        position = _beginning(transaction.connection, transaction.plant, sink.start)
        transaction.connection.execute(
            insert(cursors).values(
                plant=transaction.plant,
                sink=sink.name,
                **described,
                began_after=position,
                position=position,
                epoch=0,
                delivered=0,
                state="delivering",
                trouble=None,
                created_at=now,
                reported_at=now,
            )
        )
    else:
        position = cursor_row(transaction.connection, transaction.plant, sink.name).position
        _forget_parked(transaction, sink.name, behind=position)
    return orders_of(transaction.connection, transaction.plant, sink.name)


def take_report(transaction: Transaction, report: SinkReport) -> Orders:
    """Store how a sink stands; a report from before a rewind moves nothing, and what it parked goes again.

    Raises:
        UnknownSink: nobody enrolled it.
        DeliveryUnfit: it is ahead of the log, or settles what is not there.
    """
    connection, plant = transaction.connection, transaction.plant
    row = cursor_row(connection, plant, report.sink)
    for settled in report.settlements:
        if settled.outcome is Outcome.PARKED:
            if report.epoch != row.epoch and settled.sequence > row.position:
                continue
            _park(transaction, report.sink, settled.sequence, reason=settled.reason, attempts=settled.attempts)
        else:
            changed = update(parked).where(*_marked(plant, report.sink, [settled.sequence]), parked.c.state == "resend")
            connection.execute(changed.values(state=ParkedState.RESENT.value))
    values: dict[str, Any] = {
        "delivered": max(report.delivered, row.delivered),
        "state": report.state.value,
        "trouble": None if report.trouble is None else TroubleOut.of(report.trouble).model_dump(mode="json"),
        "reported_at": transaction.now(),
    }
    if report.epoch == row.epoch:
        if report.position > last_sequence(connection, plant):
            raise DeliveryUnfit(f"sink {report.sink!r} reports event {report.position}, which the log does not have")
        values["position"] = max(report.position, row.began_after)
    connection.execute(update(cursors).where(*_of(plant, report.sink)).values(**values))
    return orders_of(connection, plant, report.sink)


def orders_of(connection: Connection, plant: str, sink: str) -> Orders:
    """Where a sink stands, and what people want of it.

    Raises:
        UnknownSink: nobody enrolled it.
    """
    row = cursor_row(connection, plant, sink)
    marks = select(parked.c.sequence).where(parked.c.plant == plant, parked.c.sink == sink).order_by(parked.c.sequence)
    resend = connection.execute(marks.where(parked.c.state == "resend").limit(MOST_ORDERS)).scalars()
    skip = connection.execute(marks.where(parked.c.state == "skipped", parked.c.sequence > row.position)).scalars()
    return Orders(row.epoch, row.position, row.began_after, row.delivered, tuple(resend), frozenset(skip))


def all_cursors(connection: Connection, plant: str) -> list[StoredCursor]:
    """Every sink that there is or was, by name."""
    rows = connection.execute(select(cursors).where(cursors.c.plant == plant).order_by(cursors.c.sink)).all()
    counted = connection.execute(
        select(parked.c.sink, parked.c.state, func.count())
        .where(parked.c.plant == plant, parked.c.state.in_(("parked", "resend")))
        .group_by(parked.c.sink, parked.c.state)
    )
    counts = {(sink, state): int(count) for sink, state, count in counted}
    return [
        StoredCursor(
            row,
            counts.get((row.sink, "parked"), 0),
            counts.get((row.sink, "resend"), 0),
            connection.execute(
                select(events.c.recorded_at).where(events.c.plant == plant, events.c.sequence == row.position + 1)
            ).scalar_one_or_none(),
        )
        for row in rows
    ]


def cursor_row(connection: Connection, plant: str, sink: str) -> Row[Any]:
    """One sink's row.

    Raises:
        UnknownSink: nobody enrolled it.
    """
    row = connection.execute(select(cursors).where(*_of(plant, sink))).one_or_none()
    if row is None:
        known = connection.execute(select(cursors.c.sink).where(cursors.c.plant == plant)).scalars()
        raise UnknownSink(f"no sink {sink!r} ever delivered here; known: {', '.join(sorted(known)) or 'none'}")
    return row


def parked_page(
    connection: Connection, plant: str, sink: str, *, state: ParkedState | None, after: int, limit: int
) -> list[ParkedOut]:
    """Events that people decide or decided about, oldest first.

    Raises:
        UnknownSink: nobody enrolled the sink.
    """
    cursor_row(connection, plant, sink)
    query = select(parked).where(parked.c.plant == plant, parked.c.sink == sink, parked.c.sequence > after)
    if state is not None:
        query = query.where(parked.c.state == state.value)
    names = ParkedOut.model_fields
    return [
        ParkedOut.model_validate({name: row[name] for name in names})
        for row in connection.execute(query.order_by(parked.c.sequence).limit(limit)).mappings()
    ]


def resend(transaction: Transaction, sink: str, sequences: Sequence[int], *, by: str) -> int:
    """Have events sent again by themselves; returns how many.

    Raises:
        UnknownSink: nobody enrolled the sink.
        DeliveryUnfit: the log has no such event.
    """
    cursor_row(transaction.connection, transaction.plant, sink)
    chosen = sorted(set(sequences))
    _mark(transaction, sink, chosen, ParkedState.RESEND, by=by, note=None)
    return len(chosen)


def resend_parked(transaction: Transaction, sink: str, *, by: str) -> int:
    """Have everything that is parked sent again; returns how many events that are.

    Raises:
        UnknownSink: nobody enrolled the sink.
    """
    cursor_row(transaction.connection, transaction.plant, sink)
    of_sink = (parked.c.plant == transaction.plant, parked.c.sink == sink, parked.c.state == "parked")
    values = {"state": ParkedState.RESEND.value, "decided_at": transaction.now(), "decided_by": by}
    return int(transaction.connection.execute(update(parked).where(*of_sink).values(**values)).rowcount)


def rewind(transaction: Transaction, sink: str, *, first: int) -> int:
    """Have everything from an event on sent again; returns how many events of the log that are.

    Raises:
        UnknownSink: nobody enrolled the sink.
    """
    row = cursor_row(transaction.connection, transaction.plant, sink)
    position = min(first - 1, row.position)
    if position < row.position:
        values = {
            "position": position,
            "began_after": min(position, row.began_after),
            "epoch": row.epoch + 1,
        }
        transaction.connection.execute(update(cursors).where(*_of(transaction.plant, sink)).values(**values))
        _forget_parked(transaction, sink, behind=position)
    return int(row.position - position)


def skip(transaction: Transaction, sink: str, sequences: Sequence[int], *, reason: str, by: str) -> int:
    """Have events not delivered; returns how many.

    Raises:
        UnknownSink: nobody enrolled the sink.
        DeliveryUnfit: the log has no such event, or it was delivered.
    """
    connection, plant = transaction.connection, transaction.plant
    row = cursor_row(connection, plant, sink)
    chosen = sorted(set(sequences))
    open_marks = connection.execute(
        select(parked.c.sequence).where(*_marked(plant, sink, chosen), parked.c.state != ParkedState.RESENT.value)
    ).scalars()
    undecided = set(open_marks)
    for sequence in chosen:
        if sequence <= row.position and sequence not in undecided:
            raise DeliveryUnfit(
                f"event {sequence} is behind sink {sink!r}, delivered or never wanted: only parked and waiting events "
                "can be skipped"
            )
    _mark(transaction, sink, chosen, ParkedState.SKIPPED, by=by, note=reason)
    return len(chosen)


def first_since(connection: Connection, plant: str, instant: datetime) -> int:
    """The first event recorded at an instant or later; behind the log's end if there is none.

    The first by number: where the clock stepped back, later events may carry earlier instants, and are sent as well.
    """
    found = connection.execute(
        select(func.min(events.c.sequence)).where(events.c.plant == plant, events.c.recorded_at >= instant)
    ).scalar_one()
    return last_sequence(connection, plant) + 1 if found is None else int(found)


def last_sequence(connection: Connection, plant: str) -> int:
    """The last event's number, 0 in an empty log."""
    return connection.execute(select(func.max(events.c.sequence)).where(events.c.plant == plant)).scalar_one() or 0


def _beginning(connection: Connection, plant: str, start: str) -> int:
    place = start_of(start)
    if place == "beginning":
        return 0
    return last_sequence(connection, plant) if place == "head" else first_since(connection, plant, place) - 1


def _park(transaction: Transaction, sink: str, sequence: int, *, reason: str | None, attempts: int) -> None:
    """Note that a sink refused an event; what a person skipped meanwhile stays skipped."""
    connection = transaction.connection
    mark = _marked(transaction.plant, sink, [sequence])
    found = connection.execute(select(parked.c.state, parked.c.attempts).where(*mark)).one_or_none()
    values: dict[str, Any] = {
        "state": ParkedState.PARKED.value,
        "reason": reason,
        "attempts": attempts,
        "parked_at": transaction.now(),
        "decided_at": None,
        "decided_by": None,
        "note": None,
    }
    if found is None:
        _insert_marks(transaction, sink, [sequence], values)
    elif found.state != ParkedState.SKIPPED.value:
        values["attempts"] = min(found.attempts + attempts, _MOST_ATTEMPTS)
        connection.execute(update(parked).where(*mark).values(**values))


def _forget_parked(transaction: Transaction, sink: str, *, behind: int) -> None:
    """Events behind the place where a sink goes on are tried again: those refused once more are parked once more."""
    waiting = (parked.c.plant == transaction.plant, parked.c.sink == sink, parked.c.sequence > behind)
    transaction.connection.execute(delete(parked).where(*waiting, parked.c.state == ParkedState.PARKED.value))


def _mark(
    transaction: Transaction, sink: str, sequences: Sequence[int], state: ParkedState, *, by: str, note: str | None
) -> None:
    decided = {"state": state.value, "decided_at": transaction.now(), "decided_by": by, "note": note}
    mark = _marked(transaction.plant, sink, sequences)
    known = set(transaction.connection.execute(select(parked.c.sequence).where(*mark)).scalars())
    if known:
        transaction.connection.execute(update(parked).where(*mark).values(**decided))
    unknown = [sequence for sequence in sequences if sequence not in known]
    _insert_marks(transaction, sink, unknown, {**decided, "reason": None, "attempts": 0, "parked_at": None})


def _insert_marks(transaction: Transaction, sink: str, sequences: Sequence[int], values: Mapping[str, Any]) -> None:
    if not sequences:
        return
    connection, plant = transaction.connection, transaction.plant
    found = connection.execute(
        select(events.c.sequence, events.c.id, events.c.type, events.c.station).where(
            events.c.plant == plant, events.c.sequence.in_(sequences)
        )
    ).all()
    missing = sorted(set(sequences).difference(row.sequence for row in found))
    if missing:
        raise DeliveryUnfit(f"the log has no event {missing[0]}; its last one is {last_sequence(connection, plant)}")
    rows = [
        {"plant": plant, "sink": sink, "sequence": row.sequence, "event_id": row.id, "type": row.type}
        | {"station": row.station, **values}
        for row in found
    ]
    connection.execute(insert(parked), rows)


def _of(plant: str, sink: str) -> tuple[Any, Any]:
    return cursors.c.plant == plant, cursors.c.sink == sink


def _marked(plant: str, sink: str, sequences: Iterable[int]) -> tuple[Any, Any, Any]:
    return parked.c.plant == plant, parked.c.sink == sink, parked.c.sequence.in_(list(sequences))
