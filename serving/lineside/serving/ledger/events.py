"""Events: the append-only, gap-free, hash-chained log of one plant.

The hash of an event is SHA-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of one object with all
its fields but the hash itself: data, id, occurred_at, plant, previous_hash, recorded_at, sequence, station,
type. Instants stand in it as RFC 3339 with microseconds and `Z`. These two sentences suffice to check a chain.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from lineside.inspection.canonical_json import canonical_json
from lineside.serving.ledger.tables import events
from lineside.serving.ledger.types import timestamp_text

_TYPE_PATTERN = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.v[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as it stands in the log.

    Attributes:
        id: UUIDv7 in text form; a duplicate delivery carries the same.
        plant: the plant whose log this is.
        sequence: 1, 2, 3, ... without a gap within the plant.
        type: what happened, with the version of its data: "inspection.v1".
        station: where, None if at no station.
        occurred_at: when it happened, UTC.
        recorded_at: when it was written here, UTC.
        data: what the type's schema says.
        previous_hash: the hash of the event before; 64 zeros for the first.
        hash: lowercase hex SHA-256 over all of the above.
    """

    id: str
    plant: str
    sequence: int
    type: str
    station: str | None
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last event of a chain: its sequence number and hash."""

    sequence: int
    hash: str


GENESIS = ChainHead(sequence=0, hash="0" * 64)
"""What stands before the first event."""


def event_hash(
    *,
    id: str,  # noqa: A002 - the field's name
    plant: str,
    sequence: int,
    type: str,  # noqa: A002 - the field's name
    station: str | None,
    occurred_at: str,
    recorded_at: str,
    data_json: str,
    previous_hash: str,
) -> str:
    """Hash an event's fields; `data_json` is canonical JSON and spliced in as it is, never parsed.

    Splicing lets a check hash exactly the stored text: damage that parses to the same value is damage still.
    """
    rest = canonical_json(
        {
            "id": id,
            "occurred_at": occurred_at,
            "plant": plant,
            "previous_hash": previous_hash,
            "recorded_at": recorded_at,
            "sequence": sequence,
            "station": station,
            "type": type,
        }
    )
    return hashlib.sha256(f'{{"data":{data_json},{rest[1:]}'.encode()).hexdigest()


def append(
    connection: Connection,
    head: ChainHead,
    *,
    id: str,  # noqa: A002 - the field's name
    plant: str,
    type: str,  # noqa: A002 - the field's name
    station: str | None,
    occurred_at: datetime,
    recorded_at: datetime,
    data: Mapping[str, Any],
) -> Event:
    """Insert the event that follows `head`.

    Raises:
        ValueError: the type has no version, an instant is naive, or the data is not JSON.
    """
    if not _TYPE_PATTERN.fullmatch(type):
        raise ValueError(f"event type {type!r}: expected words and a version, like 'inspection.v1'")
    sequence = head.sequence + 1
    digest = event_hash(
        id=id,
        plant=plant,
        sequence=sequence,
        type=type,
        station=station,
        occurred_at=timestamp_text(occurred_at),
        recorded_at=timestamp_text(recorded_at),
        data_json=canonical_json(data),
        previous_hash=head.hash,
    )
    event = Event(
        id=id,
        plant=plant,
        sequence=sequence,
        type=type,
        station=station,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        data=data,
        previous_hash=head.hash,
        hash=digest,
    )
    # Parameters beside the statement, not `.values(...)`: SQLAlchemy then reuses the compiled statement as it is.
    connection.execute(
        insert(events),
        {
            "id": id,
            "plant": plant,
            "sequence": sequence,
            "type": type,
            "station": station,
            "occurred_at": occurred_at,
            "recorded_at": recorded_at,
            "data": data,
            "previous_hash": head.hash,
            "hash": digest,
        },
    )
    return event


def read_head(connection: Connection, plant: str) -> ChainHead:
    """The plant's last event, or `GENESIS`."""
    row = connection.execute(
        select(events.c.sequence, events.c.hash)
        .where(events.c.plant == plant)
        .order_by(events.c.sequence.desc())
        .limit(1)
    ).one_or_none()
    return GENESIS if row is None else ChainHead(row.sequence, row.hash)


def read_after(connection: Connection, plant: str, *, sequence: int, limit: int) -> tuple[Event, ...]:
    """Up to `limit` events that follow `sequence`, in order."""
    rows = connection.execute(
        select(events)
        .where(events.c.plant == plant, events.c.sequence > sequence)
        .order_by(events.c.sequence)
        .limit(limit)
    )
    return tuple(_event(row) for row in rows)


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        plant=row.plant,
        sequence=row.sequence,
        type=row.type,
        station=row.station,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        data=row.data,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
