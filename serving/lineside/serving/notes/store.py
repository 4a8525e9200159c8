"""Reading and writing notes in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from lineside.serving.errors import NoteWithdrawn, UnknownNote
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.chart_tables import notes
from lineside.serving.notes.schemas import NoteChanged, NoteIn, NoteKind, NoteOut, WithdrawalOut

EVENT_TYPE: Final = "note.v1"


def record(transaction: Transaction, note: NoteIn, *, recorded_by: str) -> NoteOut:
    """Write a note down; the very same one again changes nothing."""
    for standing in notes_between(transaction.connection, transaction.plant, start=note.at, end=None, limit=None):
        if (standing.at, standing.station, standing.line, standing.kind, standing.text) == (
            note.at,
            note.station,
            note.line,
            note.kind,
            note.text,
        ):
            return standing
    note_id = transaction.new_id()
    transaction.connection.execute(
        insert(notes).values(
            id=note_id,
            plant=transaction.plant,
            station=note.station,
            line=note.line,
            kind=note.kind.value,
            text=note.text,
            at=note.at,
            recorded_at=transaction.now(),
            recorded_by=recorded_by,
        )
    )
    recorded = _one(transaction.connection, transaction.plant, note_id)
    _append_event(transaction, NoteChanged(state="recorded", note=recorded, changed_by=recorded_by), at=note.at)
    return recorded


def withdraw(transaction: Transaction, note_id: str, *, reason: str, withdrawn_by: str) -> NoteOut:
    """Take a note back: no chart shows it any more. The row and its event stay.

    Raises:
        UnknownNote: there is none.
        NoteWithdrawn: it was taken back before.
    """
    found = _one(transaction.connection, transaction.plant, note_id)
    if found.withdrawal is not None:
        raise NoteWithdrawn(
            f"note {note_id} was withdrawn by {found.withdrawal.by} at {found.withdrawal.at:%Y-%m-%d %H:%M} UTC; "
            "write a new one if it is true after all"
        )
    now = transaction.now()
    transaction.connection.execute(
        update(notes)
        .where(notes.c.id == note_id)
        .values(withdrawn_at=now, withdrawn_by=withdrawn_by, withdrawn_reason=reason)
    )
    withdrawn = _one(transaction.connection, transaction.plant, note_id)
    _append_event(transaction, NoteChanged(state="withdrawn", note=withdrawn, changed_by=withdrawn_by), at=now)
    return withdrawn


def notes_between(
    connection: Connection, plant: str, *, start: datetime | None, end: datetime | None, limit: int | None
) -> Sequence[NoteOut]:
    """The notes that stand, newest first.

    Args:
        connection: where to read.
        plant: whose.
        start: the earliest instant; None for any.
        end: the instant before which they are; None for any.
        limit: how many at most; None for all.
    """
    query = select(notes).where(notes.c.plant == plant, notes.c.withdrawn_at.is_(None))
    if start is not None:
        query = query.where(notes.c.at >= start)
    if end is not None:
        query = query.where(notes.c.at < end)
    rows = connection.execute(query.order_by(notes.c.at.desc(), notes.c.id.desc()).limit(limit))
    return [_out(row) for row in rows]


def _one(connection: Connection, plant: str, note_id: str) -> NoteOut:
    row = connection.execute(select(notes).where(notes.c.plant == plant, notes.c.id == note_id)).one_or_none()
    if row is None:
        raise UnknownNote(f"no note {note_id!r}; GET /v1/notes lists them")
    return _out(row)


def _out(row: Row[Any]) -> NoteOut:
    withdrawal = None
    if row.withdrawn_at is not None:
        withdrawal = WithdrawalOut(at=row.withdrawn_at, by=row.withdrawn_by, reason=row.withdrawn_reason)
    return NoteOut(
        id=row.id,
        station=row.station,
        line=row.line,
        kind=NoteKind(row.kind),
        text=row.text,
        at=row.at,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        withdrawal=withdrawal,
    )


def _append_event(transaction: Transaction, change: NoteChanged, *, at: datetime) -> None:
    transaction.append_event(
        EVENT_TYPE, station=change.note.station, occurred_at=at, data=change.model_dump(mode="json")
    )
