"""Writing down what physically happened to a part."""

from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions.schemas import DispositionIn, DispositionKind, DispositionOut
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import dispositions

EVENT_TYPE: Final = "disposition.v1"


def record(
    transaction: Transaction, inspection: Row[Any], disposition: DispositionIn, *, recorded_by: str
) -> DispositionOut:
    """Record a disposition and its event; the very same one again changes nothing.

    A part that was passed without an OK is recorded all the same: it happened. The record says that it contradicts.
    """
    earlier = transaction.connection.execute(
        select(dispositions).where(
            dispositions.c.inspection_id == inspection.id,
            dispositions.c.kind == disposition.kind.value,
            dispositions.c.occurred_at == disposition.at,
            dispositions.c.confirmed_by_sensor == disposition.confirmed_by_sensor,
        )
    ).first()
    if earlier is not None and earlier.grade == disposition.grade:
        return out_of(earlier, inspection)
    values = {
        "id": transaction.new_id(),
        "inspection_id": inspection.id,
        "kind": disposition.kind.value,
        "grade": disposition.grade,
        "confirmed_by_sensor": disposition.confirmed_by_sensor,
        "occurred_at": disposition.at,
        "recorded_at": transaction.now(),
        "recorded_by": recorded_by,
    }
    transaction.connection.execute(insert(dispositions).values(**values))
    row = transaction.connection.execute(select(dispositions).where(dispositions.c.id == values["id"])).one()
    recorded = out_of(row, inspection)
    transaction.append_event(
        EVENT_TYPE,
        station=inspection.station,
        occurred_at=disposition.at,
        data=recorded.model_dump(mode="json"),
    )
    return recorded


def dispositions_of(connection: Connection, inspection: Row[Any]) -> list[DispositionOut]:
    """An inspection's dispositions in the order in which they were recorded."""
    rows = connection.execute(
        select(dispositions).where(dispositions.c.inspection_id == inspection.id).order_by(dispositions.c.id)
    )
    return [out_of(row, inspection) for row in rows]


def out_of(row: Row[Any], inspection: Row[Any]) -> DispositionOut:
    """A disposition's row, with what it is about, as JSON."""
    verdict = None if inspection.verdict is None else Verdict(inspection.verdict)
    kind = DispositionKind(row.kind)
    return DispositionOut(
        id=row.id,
        inspection_id=inspection.id,
        station=inspection.station,
        part_id=inspection.part_id,
        attempt=inspection.attempt,
        product=inspection.product,
        lot=inspection.lot,
        verdict=verdict,
        kind=kind,
        grade=row.grade,
        confirmed_by_sensor=row.confirmed_by_sensor,
        at=row.occurred_at,
        recorded_by=row.recorded_by,
        contradiction=kind is DispositionKind.PASSED and verdict is not Verdict.OK,
    )
