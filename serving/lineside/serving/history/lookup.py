"""Finding the inspection that a request names."""

from typing import Any

from sqlalchemy import Connection, Row, select

from lineside.serving.errors import PartAmbiguous, UnknownInspection, UnknownPart
from lineside.serving.ledger.tables import inspections


def inspection_row(connection: Connection, plant: str, inspection_id: str) -> Row[Any]:
    """The row of an inspection.

    Raises:
        UnknownInspection: there is none.
    """
    row = connection.execute(
        select(inspections).where(inspections.c.plant == plant, inspections.c.id == inspection_id)
    ).one_or_none()
    if row is None:
        raise UnknownInspection(f"no inspection {inspection_id!r} in plant {plant!r}; GET /v1/inspections lists them")
    return row


def last_judged_of_part(connection: Connection, plant: str, part_id: str, *, station: str | None) -> Row[Any]:
    """The last judged attempt of a part.

    Args:
        connection: where to look.
        plant: the plant.
        part_id: the part.
        station: the station that judged it; None if only one did.

    Raises:
        UnknownPart: the part has no verdict there.
        PartAmbiguous: several stations judged it and none is named.
    """
    query = select(inspections).where(
        inspections.c.plant == plant, inspections.c.part_id == part_id, inspections.c.verdict.is_not(None)
    )
    if station is not None:
        query = query.where(inspections.c.station == station)
    rows = connection.execute(query.order_by(inspections.c.attempt.desc())).all()
    where = "" if station is None else f" at station {station!r}"
    if not rows:
        raise UnknownPart(f"part {part_id!r} has no verdict{where}; check its identifier")
    stations = sorted({row.station for row in rows})
    if len(stations) > 1:
        raise PartAmbiguous(f"part {part_id!r} was judged at {', '.join(stations)}: name one with ?station=")
    return rows[0]
