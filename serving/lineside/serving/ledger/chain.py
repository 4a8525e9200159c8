"""Check that nobody, and no disk, changed the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Row, Text, case, cast, func, select, type_coerce
from sqlalchemy.exc import DatabaseError

from lineside.serving.ledger.events import GENESIS, ChainHead, event_hash
from lineside.serving.ledger.ledger import Ledger
from lineside.serving.ledger.tables import events
from lineside.serving.ledger.types import CanonicalJson, timestamp_text

_PAGE_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of a chain found.

    Attributes:
        checked: events that are sound, from the first on.
        head: the last sound event. A log that lost its newest events is still a sound, shorter chain: compare
            the head with one noted elsewhere (a sink's cursor, a backup) to see that.
        fault: what is wrong with the event after `head`, None if nothing is.
    """

    checked: int
    head: ChainHead
    fault: str | None

    @property
    def is_intact(self) -> bool:
        """Whether every event is as it was written."""
        return self.fault is None


def verify_chain(ledger: Ledger) -> ChainReport:
    """Recompute every hash of the plant's events, in order, a page at a time in constant memory.

    Finds a changed, missing, inserted or swapped event, down to one flipped bit that the database's own check
    passes; stops at the first fault.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """
    head = GENESIS
    while True:
        try:
            rows = ledger.read_blocking(partial(_page, plant=ledger.plant, after=head.sequence))
        except DatabaseError as error:
            return ChainReport(head.sequence, head, f"what follows event {head.sequence} cannot be read: {error.orig}")
        if not rows:
            return ChainReport(head.sequence, head, None)
        for row in rows:
            try:
                head = _next_head(row, head)
            except ValueError as error:  # includes text that is no Unicode any more
                return ChainReport(head.sequence, head, f"event {head.sequence + 1}: {error}")


def _page(connection: Connection, *, plant: str, after: int) -> Sequence[Row[Any]]:
    query = select(*(_raw(connection, column).label(column.name) for column in events.c))
    following = query.where(events.c.plant == plant, events.c.sequence > after)
    return connection.execute(following.order_by(events.c.sequence).limit(_PAGE_EVENTS)).all()


def _raw(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """A column as it is stored: damaged text need be neither UTF-8 nor JSON nor a time."""
    if connection.dialect.name == "postgresql":
        return type_coerce(column, Text()) if isinstance(column.type, CanonicalJson) else column
    if column is events.c.sequence:
        return column
    return case((func.typeof(column) == "text", cast(column, LargeBinary)))  # NULL where damage changed the type


def _next_head(row: Row[Any], head: ChainHead) -> ChainHead:
    if row.sequence != head.sequence + 1:
        raise ValueError(f"is missing, the next one is {row.sequence}")
    if _text(row.previous_hash) != head.hash:
        raise ValueError("does not follow the one before: its previous_hash differs")
    found = event_hash(
        id=_text(row.id),
        plant=_text(row.plant),
        sequence=row.sequence,
        type=_text(row.type),
        station=None if row.station is None else _text(row.station),
        occurred_at=_text(row.occurred_at),
        recorded_at=_text(row.recorded_at),
        data_json=_text(row.data),
        previous_hash=head.hash,
    )
    if _text(row.hash) != found:
        raise ValueError(f"was changed: its fields give the hash {found}, stored is another")
    return ChainHead(row.sequence, found)


def _text(value: bytes | str | datetime | None) -> str:
    match value:
        case bytes():
            return value.decode()
        case datetime():
            return timestamp_text(value)
        case str():
            return value
    raise ValueError("was changed: a field that is always written is missing or of another type")
