"""Reading and writing stations and orders in the ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import frames, inspections, stations
from lineside.serving.stations.records import BoundContext, PendingChange, Station
from lineside.serving.stations.schemas import (
    ExpectedGeometryModel,
    PendingModel,
    RawGeometryModel,
    StationOut,
)


def all_stations(connection: Connection, plant: str) -> list[Station]:
    """Every station of the plant, by identifier, as it was written down."""
    rows = connection.execute(select(stations).where(stations.c.plant == plant).order_by(stations.c.id))
    return [_station(row) for row in rows]


def begun_stations(connection: Connection, plant: str, found: Sequence[Station]) -> list[Station]:
    """Those whose pending change began with a part, and the server stopped before that was written down."""
    return [station for station in found if station.pending is not None and _has_begun(connection, plant, station)]


def save_station(transaction: Transaction, station: Station) -> None:
    """Insert a station or write its changes."""
    shape = StationOut.of(station).model_dump(mode="json")
    values = {
        "name": station.name,
        "line": station.line,
        "digest_required": station.digest_required,
        "settings": {key: shape[key] for key in ("raw_geometry", "expected_geometry", "pending")},
        "product": station.product,
        "order_id": station.order_id,
        "lot": station.lot,
        "recipe_id": station.recipe_id,
        "recipe_version": station.recipe_version,
        "updated_at": station.updated_at,
    }
    key = (stations.c.plant == transaction.plant, stations.c.id == station.id)
    changed = transaction.connection.execute(update(stations).where(*key).values(**values))
    if changed.rowcount == 0:
        transaction.connection.execute(insert(stations).values(plant=transaction.plant, id=station.id, **values))


def _station(row: Row[Any]) -> Station:
    settings = row.settings
    raw, expected, pending = settings["raw_geometry"], settings["expected_geometry"], settings["pending"]
    return Station(
        id=row.id,
        name=row.name,
        line=row.line,
        digest_required=row.digest_required,
        raw_geometry=None if raw is None else RawGeometryModel.model_validate(raw).to_record(),
        expected_geometry=None if expected is None else ExpectedGeometryModel.model_validate(expected).to_record(),
        context=BoundContext(row.product, row.order_id, row.lot, row.recipe_id, row.recipe_version),
        pending=None if pending is None else PendingModel.model_validate(pending).to_record(),
        hold=None,  # the hold book says
        updated_at=row.updated_at,
    )


def _has_begun(connection: Connection, plant: str, station: Station) -> bool:
    """Whether a part that a pending change is for was taken in before the change itself was written down."""
    pending: PendingChange | None = station.pending
    if pending is None:
        return False
    query = (
        select(func.count())
        .select_from(inspections)
        .where(inspections.c.plant == plant, inspections.c.station == station.id)
    )
    if pending.part_id is not None:  # it had not been there when it was named, whatever the clock says
        query = query.where(inspections.c.part_id == pending.part_id)
    else:
        query = query.join(frames, frames.c.inspection_id == inspections.c.id).where(
            inspections.c.opened_at >= pending.requested_at, frames.c.encoder >= pending.encoder
        )
    return connection.execute(query).scalar_one() > 0
