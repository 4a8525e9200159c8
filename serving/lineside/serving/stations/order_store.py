"""Reading and writing orders in the ledger: what they are for, where they run, and how far they are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from lineside.inspection.verdict import Verdict
from lineside.serving.errors import OrderConflict, OrderTooLate, UnknownOrder
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.context_tables import station_orders
from lineside.serving.ledger.tables import frames, inspections, orders
from lineside.serving.stations.order_schemas import OrderOut, OrderState, StationOrderOut
from lineside.serving.stations.records import Station
from lineside.serving.stations.schemas import EffectiveModel, JudgedModel, OrderIn

_RUNNING: Final = (OrderState.ACCEPTED.value, OrderState.IN_FORCE.value)
_MOST_WITHOUT_ENCODER: Final = 200
"""Newest parts among which one with an encoder count is looked for: verdicts wait while it is."""


@dataclass(frozen=True, slots=True)
class RunningOrder:
    """An order that a station has, and whose end is counted.

    Attributes:
        order_id: its number.
        station: where.
    """

    order_id: str
    station: str


def save_order(transaction: Transaction, station: str, order: OrderIn, *, by: str) -> None:
    """Write an order and where it runs; the same one may run at several stations.

    Raises:
        OrderConflict: its number stands for another product or lot.
    """
    now = transaction.now()
    known = _order_row(transaction.connection, transaction.plant, order.order_id)
    values = {"quantity": order.quantity, "data": order.model_dump(mode="json"), "updated_at": now}
    if known is None:
        transaction.connection.execute(
            insert(orders).values(
                plant=transaction.plant,
                id=order.order_id,
                product=order.product,
                lot=order.lot,
                created_at=now,
                **values,
            )
        )
    elif (known.product, known.lot) != (order.product, order.lot):
        raise OrderConflict(
            f"order {order.order_id!r} is for product {known.product!r}, lot {known.lot!r} since "
            f"{known.created_at:%Y-%m-%d %H:%M} UTC; for product {order.product!r}, lot {order.lot!r} use another "
            "number"
        )
    else:
        key = (orders.c.plant == transaction.plant, orders.c.id == order.order_id)
        transaction.connection.execute(update(orders).where(*key).values(**values))
    _save_place(transaction, station, order, by=by)


def _save_place(transaction: Transaction, station: str, order: OrderIn, *, by: str) -> None:
    values = {
        "state": OrderState.ACCEPTED.value,
        "effective": order.effective.model_dump(mode="json", by_alias=True),
        "ordered_by": by,
        "ordered_at": transaction.now(),
        "done_at": None,
    }
    key = (
        station_orders.c.plant == transaction.plant,
        station_orders.c.order_id == order.order_id,
        station_orders.c.station == station,
    )
    changed = transaction.connection.execute(update(station_orders).where(*key).values(**values))
    if changed.rowcount == 0:
        transaction.connection.execute(
            insert(station_orders).values(plant=transaction.plant, order_id=order.order_id, station=station, **values)
        )


def follow_station(transaction: Transaction, station: Station) -> None:
    """Have the states of a station's orders follow from what is in force there and what will be."""
    columns, now = station_orders.c, transaction.now()
    here = (columns.plant == transaction.plant, columns.station == station.id)
    pending = None if station.pending is None else station.pending.context.order_id
    kept = [each for each in (station.order_id, pending) if each is not None]
    transaction.connection.execute(
        update(station_orders)
        .where(*here, columns.state.in_(_RUNNING), columns.order_id.not_in(kept))
        .values(state=OrderState.REPLACED.value)
    )
    states = {pending: OrderState.ACCEPTED, station.order_id: OrderState.IN_FORCE}  # in force counts where both are one
    for order_id, state in states.items():
        if order_id is None:
            continue
        begun = {"in_force_at": func.coalesce(columns.in_force_at, now)} if state is OrderState.IN_FORCE else {}
        transaction.connection.execute(
            update(station_orders)
            .where(*here, columns.order_id == order_id, columns.state.in_((*_RUNNING, OrderState.REPLACED.value)))
            .values(state=state.value, **begun)
        )


def check_has_not_begun(connection: Connection, plant: str, station: str, effective: EffectiveModel) -> None:
    """Refuse a change from a part or position that is over.

    Raises:
        OrderTooLate: the part was taken in at the station, or its newest part was at that encoder count or beyond.
    """
    if effective.part_id is not None:
        taken_in = connection.execute(
            select(inspections.c.opened_at)
            .where(
                inspections.c.plant == plant,
                inspections.c.station == station,
                inspections.c.part_id == effective.part_id,
            )
            .limit(1)
        ).scalar_one_or_none()
        if taken_in is not None:
            raise part_too_late(station, effective.part_id)
    if effective.encoder is not None:
        newest_parts = (
            select(inspections.c.id)
            .where(inspections.c.plant == plant, inspections.c.station == station)
            .order_by(inspections.c.opened_at.desc())
            .limit(_MOST_WITHOUT_ENCODER)
            .subquery()
        )
        newest = connection.execute(
            select(frames.c.encoder)
            .join(newest_parts, frames.c.inspection_id == newest_parts.c.id)
            .where(frames.c.encoder.is_not(None))
            .order_by(newest_parts.c.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        if newest is not None and newest >= effective.encoder:
            raise encoder_too_late(station, effective.encoder, newest=newest)


def part_too_late(station: str, part_id: str) -> OrderTooLate:
    """The refusal of a change from a part that has been there."""
    return OrderTooLate(
        f"part {part_id!r} was taken in at station {station!r} already, and keeps the recipe that was in force at its "
        "trigger: name a part that has not come yet, or order from now on"
    )


def encoder_too_late(station: str, encoder: int, *, newest: int) -> OrderTooLate:
    """The refusal of a change from an encoder count that has passed."""
    return OrderTooLate(
        f"the newest part of station {station!r} was at encoder count {newest}, so {encoder} has passed: name a later "
        "count, or order from now on"
    )


def is_ordered(connection: Connection, plant: str, station: str, order: OrderIn) -> bool:
    """Whether the very same order was given to a station, and waits, runs or is done there."""
    row = connection.execute(
        select(orders.c.data, station_orders.c.state)
        .join(orders, (orders.c.plant == station_orders.c.plant) & (orders.c.id == station_orders.c.order_id))
        .where(
            station_orders.c.plant == plant,
            station_orders.c.order_id == order.order_id,
            station_orders.c.station == station,
        )
    ).one_or_none()
    return row is not None and row.state != OrderState.REPLACED.value and row.data == order.model_dump(mode="json")


def judged_parts(connection: Connection, plant: str, order_id: str, *, station: str) -> JudgedModel:
    """How many parts of an order a station has judged, by the verdict of each one's newest attempt."""
    columns = inspections.c
    attempts = (
        select(
            columns.verdict,
            func.row_number().over(partition_by=columns.part_id, order_by=columns.attempt.desc()).label("newest"),
        )
        .where(
            columns.plant == plant,
            columns.order_id == order_id,
            columns.station == station,
            columns.verdict.is_not(None),
        )
        .subquery()
    )
    rows = connection.execute(
        select(attempts.c.verdict, func.count().label("parts"))
        .where(attempts.c.newest == 1)
        .group_by(attempts.c.verdict)
    )
    parts: dict[str, int] = {row.verdict: row.parts for row in rows}
    return JudgedModel(
        ok=parts.get(Verdict.OK.value, 0),
        ng=parts.get(Verdict.NG.value, 0),
        not_inspected=parts.get(Verdict.NOT_INSPECTED.value, 0),
    )


def finish(transaction: Transaction, order_id: str, place: StationOrderOut) -> bool:
    """Write down that an order's quantity was reached at a station, also once another order is in force there.

    Args:
        transaction: where; verdicts wait for it, so that nothing is counted in it.
        order_id: of the order.
        place: the order at the station, as its parts were counted.

    Returns:
        Whether it was; not where it was done before, or more parts are asked for by now.
    """
    order = _order_row(transaction.connection, transaction.plant, order_id)
    if order is None or order.quantity is None or place.judged.inspected < order.quantity:
        return False
    now, columns = transaction.now(), station_orders.c
    changed = transaction.connection.execute(
        update(station_orders)
        .where(
            columns.plant == transaction.plant,
            columns.order_id == order_id,
            columns.station == place.station,
            columns.state.in_((*_RUNNING, OrderState.REPLACED.value)),
        )
        .values(state=OrderState.DONE.value, done_at=now, in_force_at=func.coalesce(columns.in_force_at, now))
    )
    return changed.rowcount == 1


def running_orders(connection: Connection, plant: str) -> Sequence[RunningOrder]:
    """Every order with a quantity that a station has or will have."""
    rows = connection.execute(
        select(station_orders.c.order_id, station_orders.c.station)
        .join(orders, (orders.c.plant == station_orders.c.plant) & (orders.c.id == station_orders.c.order_id))
        .where(station_orders.c.plant == plant, station_orders.c.state.in_(_RUNNING), orders.c.quantity.is_not(None))
    )
    return [RunningOrder(row.order_id, row.station) for row in rows]


def find_order(connection: Connection, plant: str, order_id: str) -> OrderOut:
    """One order.

    Raises:
        UnknownOrder: there is none.
    """
    row = _order_row(connection, plant, order_id)
    if row is None:
        raise UnknownOrder(f"no order {order_id!r}; give it to a station with PUT /v1/stations/<id>/order")
    return _out(connection, plant, row)


def all_orders(
    connection: Connection,
    plant: str,
    *,
    station: str | None = None,
    state: OrderState | None = None,
    lot: str | None = None,
    order_ids: Collection[str] | None = None,
    limit: int | None = None,
) -> Sequence[OrderOut]:
    """Orders, newest first.

    Args:
        connection: where to read.
        plant: whose.
        station: only orders of this station.
        state: only orders that stand so, at that station where one is named.
        lot: only orders of this lot.
        order_ids: only these.
        limit: how many at most; None for all.
    """
    query = select(orders).where(orders.c.plant == plant)
    if lot is not None:
        query = query.where(orders.c.lot == lot)
    if order_ids is not None:
        query = query.where(orders.c.id.in_(order_ids))
    if station is not None or state is not None:
        places = select(station_orders.c.order_id).where(station_orders.c.plant == plant)
        if station is not None:
            places = places.where(station_orders.c.station == station)
        if state is not None:
            places = places.where(station_orders.c.state == state.value)
        query = query.where(orders.c.id.in_(places))
    rows = connection.execute(query.order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(limit)).all()
    return [_out(connection, plant, row) for row in rows]


def _order_row(connection: Connection, plant: str, order_id: str) -> Row[Any] | None:
    return connection.execute(select(orders).where(orders.c.plant == plant, orders.c.id == order_id)).one_or_none()


def _out(connection: Connection, plant: str, row: Row[Any]) -> OrderOut:
    places = connection.execute(
        select(station_orders)
        .where(station_orders.c.plant == plant, station_orders.c.order_id == row.id)
        .order_by(station_orders.c.station)
    )
    stations = tuple(
        StationOrderOut(
            station=place.station,
            state=OrderState(place.state),
            effective=EffectiveModel.model_validate(place.effective),
            ordered_by=place.ordered_by,
            ordered_at=place.ordered_at,
            in_force_at=place.in_force_at,
            done_at=place.done_at,
            judged=judged_parts(connection, plant, row.id, station=place.station),
        )
        for place in places
    )
    return OrderOut(
        order_id=row.id,
        product=row.product,
        lot=row.lot,
        quantity=row.quantity,
        state=_overall({place.state for place in stations}),
        created_at=row.created_at,
        updated_at=row.updated_at,
        stations=stations,
    )


def _overall(states: set[OrderState]) -> OrderState:
    for state in (OrderState.IN_FORCE, OrderState.ACCEPTED, OrderState.DONE):
        if state in states:
            return state
    return OrderState.REPLACED
