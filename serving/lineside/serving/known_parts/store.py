"""Known parts in the ledger. Every inspection of such a part, past or to come, is a test of the detector."""

from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select

from lineside.serving.errors import UnknownKnownPart
from lineside.serving.known_parts.schemas import KnownPartIn, KnownPartOut, Truth
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.rate_tables import known_parts

EVENT_TYPE: Final = "known_part.v1"


def put(transaction: Transaction, part_id: str, given: KnownPartIn, *, recorded_by: str) -> KnownPartOut:
    """Say what a part is, or say it anew; the same again changes nothing.

    Its inspections leave the rates, those of the past too, because the event has their cells counted again.
    """
    connection = transaction.connection
    known = _find(connection, transaction.plant, part_id)
    if known is not None and KnownPartIn(**known.model_dump(include=set(KnownPartIn.model_fields))) == given:
        return known
    stored = KnownPartOut(**given.model_dump(), part_id=part_id, recorded_at=transaction.now(), recorded_by=recorded_by)
    connection.execute(
        delete(known_parts).where(known_parts.c.plant == transaction.plant, known_parts.c.part_id == part_id)
    )
    connection.execute(
        insert(known_parts),
        {
            "plant": transaction.plant,
            "part_id": part_id,
            "truth": stored.truth.value,
            "classes": list(stored.classes),
            "valid_until": stored.valid_until,
            "note": stored.note,
            "recorded_at": stored.recorded_at,
            "recorded_by": stored.recorded_by,
        },
    )
    transaction.append_event(
        EVENT_TYPE, station=None, occurred_at=stored.recorded_at, data=stored.model_dump(mode="json")
    )
    return stored


def get(connection: Connection, plant: str, part_id: str) -> KnownPartOut:
    """One known part.

    Raises:
        UnknownKnownPart: nobody has said what it is.
    """
    found = _find(connection, plant, part_id)
    if found is None:
        raise UnknownKnownPart(f"part {part_id!r} is not known: say what it is with PUT /v1/known-parts/{part_id}")
    return found


def read_all(connection: Connection, plant: str) -> tuple[KnownPartOut, ...]:
    """Every known part, by name."""
    rows = connection.execute(select(known_parts).where(known_parts.c.plant == plant).order_by(known_parts.c.part_id))
    return tuple(_out(row) for row in rows)


def _find(connection: Connection, plant: str, part_id: str) -> KnownPartOut | None:
    row = connection.execute(
        select(known_parts).where(known_parts.c.plant == plant, known_parts.c.part_id == part_id)
    ).one_or_none()
    return None if row is None else _out(row)


def _out(row: Row[Any]) -> KnownPartOut:
    return KnownPartOut(
        part_id=row.part_id,
        truth=Truth(row.truth),
        classes=tuple(row.classes),
        valid_until=row.valid_until,
        note=row.note,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )
