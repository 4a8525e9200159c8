"""Reading a part's and a lot's history from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, distinct, func, or_, select

from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions.store import dispositions_of
from lineside.serving.errors import UnknownLot, UnknownPart
from lineside.serving.genealogy.schemas import AttemptOut, ChildOut, PartOut
from lineside.serving.history.store import InspectionFilter, read_page
from lineside.serving.holds import HoldOut
from lineside.serving.holds.store import all_holds, holds_where
from lineside.serving.jobs.store import jobs_for_part
from lineside.serving.ledger.context_tables import holds
from lineside.serving.ledger.tables import inspections
from lineside.serving.reviews.store import reviews_by_inspection
from lineside.serving.stations import OrderOut
from lineside.serving.stations.order_store import all_orders
from lineside.serving.stations.schemas import JudgedModel

MOST: Final = 500
"""Attempts, children or jobs in one answer; a panel has some hundred boards at most."""


@dataclass(frozen=True, slots=True)
class LotAtStation:
    """A lot's parts at one station.

    Attributes:
        station: which.
        first_at: when its first attempt began.
        last_at: when its newest attempt began.
        judged: parts by the verdict of their newest attempt.
    """

    station: str
    first_at: datetime
    last_at: datetime
    judged: JudgedModel


@dataclass(frozen=True, slots=True)
class LotHistory:
    """All that the ledger says of a lot."""

    parts: int
    products: tuple[str, ...]
    stations: tuple[LotAtStation, ...]
    orders: tuple[OrderOut, ...]
    holds: tuple[HoldOut, ...]


def part_history(connection: Connection, plant: str, part_id: str) -> PartOut:
    """Where a part has been.

    Raises:
        UnknownPart: it was inspected nowhere, and nothing that was belongs to it.
    """
    page = read_page(connection, plant, InspectionFilter(part_id=part_id), after_id=None, limit=MOST)
    children = _children(connection, plant, part_id)
    if not page.items and not children:
        raise UnknownPart(f"part {part_id!r} was inspected nowhere; GET /v1/inspections lists what was")
    rows = connection.execute(
        select(inspections).where(inspections.c.id.in_([item.id for item in page.items])).order_by(inspections.c.id)
    ).all()
    by_id = {item.id: item for item in page.items}
    reviews = reviews_by_inspection(connection, rows)
    attempts = tuple(
        AttemptOut(
            **dict(by_id[row.id]),
            dispositions=tuple(dispositions_of(connection, row)),
            reviews=tuple(reviews[row.id]),
        )
        for row in rows
    )
    jobs = jobs_for_part(connection, plant, part_id, limit=MOST)
    lots = _named(row.lot for row in rows)
    return PartOut(
        part_id=part_id,
        parent_id=next((row.parent_id for row in reversed(rows) if row.parent_id is not None), None),
        lots=lots,
        products=_named(row.product for row in rows),
        orders=_named(row.order_id for row in rows),
        attempts=attempts,
        children=tuple(children),
        jobs=tuple(jobs),
        holds=tuple(_holds_of_part(connection, plant, rows, lots)),
        is_complete=page.next_cursor is None and len(children) < MOST and len(jobs) < MOST,
    )


def lot_history(connection: Connection, plant: str, lot: str) -> LotHistory:
    """What a lot is made of.

    Raises:
        UnknownLot: no part, order or hold names it.
    """
    of_lot = and_(inspections.c.plant == plant, inspections.c.lot == lot)
    found = LotHistory(
        parts=connection.execute(select(func.count(distinct(inspections.c.part_id))).where(of_lot)).scalar_one(),
        products=_named(
            connection.execute(
                select(inspections.c.product).distinct().where(of_lot).order_by(inspections.c.product)
            ).scalars()
        ),
        stations=tuple(_stations_of_lot(connection, of_lot)),
        orders=tuple(_orders_of_lot(connection, plant, lot, of_lot)),
        holds=tuple(all_holds(connection, plant, lot=lot)),
    )
    if not (found.parts or found.orders or found.holds):
        raise UnknownLot(f"no part, order or hold names lot {lot!r}")
    return found


def _children(connection: Connection, plant: str, parent_id: str) -> Sequence[ChildOut]:
    columns = inspections.c
    attempts = (
        select(
            columns.id,
            columns.part_id,
            columns.station,
            columns.attempt,
            columns.verdict,
            func.row_number()
            .over(partition_by=(columns.part_id, columns.station), order_by=columns.attempt.desc())
            .label("newest"),
        )
        .where(columns.plant == plant, columns.parent_id == parent_id)
        .subquery()
    )
    rows = connection.execute(
        select(attempts).where(attempts.c.newest == 1).order_by(attempts.c.part_id, attempts.c.station).limit(MOST)
    )
    return [
        ChildOut(
            part_id=row.part_id,
            station=row.station,
            attempt=row.attempt,
            verdict=None if row.verdict is None else Verdict(row.verdict),
            inspection_id=row.id,
        )
        for row in rows
    ]


def _holds_of_part(
    connection: Connection, plant: str, attempts: Sequence[Row[Any]], lots: Sequence[str]
) -> Sequence[HoldOut]:
    """Holds of the part's lots, and those of its stations that stood at one of its attempts or stand now."""
    stations = {attempt.station for attempt in attempts}
    found = holds_where(connection, plant, or_(holds.c.lot.in_(lots), holds.c.station.in_(stations)))
    return [hold for hold in found if hold.station is None or any(_concerns(hold, each) for each in attempts)]


def _concerns(hold: HoldOut, attempt: Row[Any]) -> bool:
    """Whether a station's hold stood when a part was there, or stands now."""
    if hold.station != attempt.station:
        return False
    return hold.released_at is None or hold.at <= attempt.opened_at < hold.released_at


def _stations_of_lot(connection: Connection, of_lot: ColumnElement[bool]) -> Sequence[LotAtStation]:
    columns = inspections.c
    attempts = (
        select(
            columns.station,
            columns.verdict,
            columns.opened_at,
            func.row_number()
            .over(partition_by=(columns.station, columns.part_id), order_by=columns.attempt.desc())
            .label("newest"),
        )
        .where(of_lot, columns.verdict.is_not(None))
        .subquery()
    )
    counted = {
        (row.station, row.verdict): row.parts
        for row in connection.execute(
            select(attempts.c.station, attempts.c.verdict, func.count().label("parts"))
            .where(attempts.c.newest == 1)
            .group_by(attempts.c.station, attempts.c.verdict)
        )
    }
    times = connection.execute(
        select(columns.station, func.min(columns.opened_at), func.max(columns.opened_at))
        .where(of_lot)
        .group_by(columns.station)
        .order_by(columns.station)
    )
    return [
        LotAtStation(
            station=station,
            first_at=first_at,
            last_at=last_at,
            judged=JudgedModel(
                ok=counted.get((station, Verdict.OK.value), 0),
                ng=counted.get((station, Verdict.NG.value), 0),
                not_inspected=counted.get((station, Verdict.NOT_INSPECTED.value), 0),
            ),
        )
        for station, first_at, last_at in times
    ]


def _orders_of_lot(connection: Connection, plant: str, lot: str, of_lot: ColumnElement[bool]) -> Sequence[OrderOut]:
    """Orders for the lot, and those that its parts were made for."""
    for_lot = {order.order_id: order for order in all_orders(connection, plant, lot=lot)}
    named = connection.execute(select(inspections.c.order_id).distinct().where(of_lot)).scalars().all()
    others = {each for each in named if each is not None} - for_lot.keys()
    found = [*for_lot.values(), *all_orders(connection, plant, order_ids=others)]
    return sorted(found, key=lambda order: order.created_at)


def _named(names: Any) -> tuple[str, ...]:
    """The different names, in the order of their first appearance."""
    return tuple(dict.fromkeys(name for name in names if name is not None))
