"""What the watch keeps in the ledger: how far it read, and what it told, each written with the event that tells it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, insert, select, update

from lineside.serving.charts.schemas import BaselineRef
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.signal_tables import (
    signal_actions,
    signal_chart_points,
    signal_cursors,
    signal_stations,
    signal_windows,
)
from lineside.serving.ledger.tables import events
from lineside.serving.signals.rules import HoldWanted
from lineside.serving.signals.schemas import ChartSignalTold
from lineside.serving.signals.station_states import StationMemory

RATE_EVENT: Final = "rate.v1"
CHART_SIGNAL_EVENT: Final = "chart_signal.v1"
STATION_STATE_EVENT: Final = "station_state.v1"
IMAGE_ALARM_EVENT: Final = "image_alarm.v1"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the watch follows the log.

    Attributes:
        sequence: the last event that it has heeded.
        began_at: nothing that ended before this instant is told; aware UTC.
    """

    sequence: int
    began_at: datetime


@dataclass(frozen=True, slots=True)
class WindowKey:
    """The parts of one product at one station in one window of time.

    Attributes:
        station: where.
        product: empty text where the parts have none.
        start: aware UTC.
        end: aware UTC; not part of it.
    """

    station: str
    product: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A window whose parts no event has told yet, or not all of them.

    Attributes:
        key: which.
        revision: of the last event; 0 before the first.
        told: the counts of that event.
    """

    key: WindowKey
    revision: int
    told: Mapping[str, int] | None


def read_cursor(connection: Connection, plant: str) -> Cursor | None:
    """How far the watch got; None if it never ran."""
    row = connection.execute(select(signal_cursors).where(signal_cursors.c.plant == plant)).one_or_none()
    return None if row is None else Cursor(row.sequence, row.began_at)


def begin(transaction: Transaction, sequence: int) -> Cursor:
    """Begin to follow the log behind an event."""
    cursor = Cursor(sequence, transaction.now())
    transaction.connection.execute(
        insert(signal_cursors).values(plant=transaction.plant, sequence=cursor.sequence, began_at=cursor.began_at)
    )
    return cursor


def move_cursor(transaction: Transaction, sequence: int) -> None:
    """Note that everything up to an event was heeded."""
    transaction.connection.execute(
        update(signal_cursors).where(signal_cursors.c.plant == transaction.plant).values(sequence=sequence)
    )


def recorded_next(connection: Connection, plant: str, after: int) -> datetime | None:
    """When the event behind another was written; None if there is none yet."""
    return connection.execute(
        select(events.c.recorded_at).where(events.c.plant == plant, events.c.sequence == after + 1)
    ).scalar_one_or_none()


def memories(connection: Connection, plant: str) -> dict[str, StationMemory]:
    """What the watch remembers, by station."""
    rows = connection.execute(select(signal_stations).where(signal_stations.c.plant == plant))
    return {row.station: StationMemory.of_json(row.document) for row in rows}


def save_memories(transaction: Transaction, changed: Mapping[str, StationMemory]) -> None:
    """Remember what is new of some stations."""
    connection, column = transaction.connection, signal_stations.c
    for station, memory in changed.items():
        document = memory.as_json()
        found = connection.execute(
            update(signal_stations)
            .where(column.plant == transaction.plant, column.station == station)
            .values(document=document)
        )
        if not found.rowcount:
            connection.execute(
                insert(signal_stations).values(plant=transaction.plant, station=station, document=document)
            )


def open_windows(transaction: Transaction, touched: Mapping[WindowKey, int]) -> None:
    """Note that parts came in some windows: one that was told is open again if its event does not count them.

    Args:
        transaction: where.
        touched: by window, the sequence of the newest part's event.
    """
    connection, column = transaction.connection, signal_windows.c
    for key, sequence in touched.items():
        this = _is_window(transaction.plant, key)
        row = connection.execute(select(column.is_open, column.end, column.as_of_sequence).where(*this)).one_or_none()
        if row is None:
            connection.execute(
                insert(signal_windows).values(
                    plant=transaction.plant,
                    station=key.station,
                    product=key.product,
                    start=key.start,
                    end=key.end,
                    is_open=True,
                    revision=0,
                    as_of_sequence=0,
                )
            )
        elif (not row.is_open and sequence > row.as_of_sequence) or row.end != key.end:
            connection.execute(update(signal_windows).where(*this).values(is_open=True, end=key.end))


def due_windows(connection: Connection, plant: str, *, ended_by: datetime, limit: int) -> Sequence[OpenWindow]:
    """Windows to be told: open, and over at an instant; the oldest first."""
    column = signal_windows.c
    rows = connection.execute(
        select(signal_windows)
        .where(column.plant == plant, column.is_open, column.end <= ended_by)
        .order_by(column.end, column.station, column.product)
        .limit(limit)
    )
    return [OpenWindow(WindowKey(row.station, row.product, row.start, row.end), row.revision, row.told) for row in rows]


def close_window(
    transaction: Transaction,
    window: OpenWindow,
    *,
    as_of_sequence: int,
    counts: Mapping[str, int],
    event: Mapping[str, Any] | None,
) -> None:
    """Close a window, and tell it unless there is nothing new to tell.

    Args:
        transaction: where.
        window: which.
        as_of_sequence: the last event that the counts hold.
        counts: of its parts.
        event: data of the event; None where the counts are those told before, or no part counts.
    """
    values: dict[str, Any] = {"is_open": False, "as_of_sequence": as_of_sequence}
    if event is not None:
        values |= {"revision": window.revision + 1, "told": dict(counts)}
        transaction.append_event(RATE_EVENT, station=window.key.station, occurred_at=window.key.end, data=event)
    transaction.connection.execute(
        update(signal_windows).where(*_is_window(transaction.plant, window.key)).values(**values)
    )


def _is_window(plant: str, key: WindowKey) -> Iterable[Any]:
    column = signal_windows.c
    return (
        column.plant == plant,
        column.station == key.station,
        column.product == key.product,
        column.start == key.start,
    )


def told_points(connection: Connection, plant: str, baseline: BaselineRef) -> frozenset[str]:
    """The labels of the points whose signal was told."""
    column = signal_chart_points.c
    rows = connection.execute(
        select(column.label).where(
            column.plant == plant,
            column.baseline_id == baseline.id,
            column.baseline_version == baseline.version,
        )
    )
    return frozenset(rows.scalars())


def tell_chart_signal(transaction: Transaction, signal: ChartSignalTold) -> None:
    """Tell the signal of a point, and remember that it was told."""
    transaction.connection.execute(
        insert(signal_chart_points).values(
            plant=transaction.plant,
            baseline_id=signal.baseline.id,
            baseline_version=signal.baseline.version,
            label=signal.point.label,
            told_at=transaction.now(),
        )
    )
    transaction.append_event(
        CHART_SIGNAL_EVENT,
        station=signal.scope.station,
        occurred_at=signal.point.end,
        data=signal.model_dump(mode="json"),
    )


def decided_keys(connection: Connection, plant: str, keys: Collection[str]) -> frozenset[str]:
    """Those of some actings of rules that were decided before."""
    rows = connection.execute(
        select(signal_actions.c.key).where(signal_actions.c.plant == plant, signal_actions.c.key.in_(keys))
    )
    return frozenset(rows.scalars())


def decide(transaction: Transaction, wanted: Iterable[HoldWanted]) -> None:
    """Write down the holds that rules ask for, to be carried out; what was decided before stays as it is."""
    by_key = {each.key: each for each in wanted}
    known = decided_keys(transaction.connection, transaction.plant, tuple(by_key))
    for key, each in by_key.items():
        if key not in known:
            transaction.connection.execute(
                insert(signal_actions).values(
                    plant=transaction.plant,
                    key=key,
                    state="due",
                    document=each.as_json(),
                    decided_at=transaction.now(),
                )
            )


def due_actions(connection: Connection, plant: str, *, limit: int) -> Sequence[HoldWanted]:
    """Holds that were decided and not carried out, the oldest first."""
    rows = connection.execute(
        select(signal_actions)
        .where(signal_actions.c.plant == plant, signal_actions.c.state == "due")
        .order_by(signal_actions.c.decided_at, signal_actions.c.key)
        .limit(limit)
    )
    return [HoldWanted.of_json(row.key, row.document) for row in rows]


def carried_out(transaction: Transaction, key: str, *, state: Literal["done", "refused"], result: str) -> None:
    """Note what came of a decided hold.

    Args:
        transaction: where.
        key: of the hold.
        state: whether it, or its proposal, stands.
        result: its identifier, or why it was refused.
    """
    transaction.connection.execute(
        update(signal_actions)
        .where(signal_actions.c.plant == transaction.plant, signal_actions.c.key == key)
        .values(state=state, result=result, carried_out_at=transaction.now())
    )
