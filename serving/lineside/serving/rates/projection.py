"""Writing rate cells: which of them an event changes, how they are counted anew, and how far they follow the log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select, update

from lineside.serving.ledger import Transaction
from lineside.serving.ledger.rate_tables import rate_projection
from lineside.serving.ledger.tables import events, inspections
from lineside.serving.rates.cells import (
    CODE_VERSION,
    QUARTER,
    TIERS,
    Extent,
    Tier,
    add_up,
    count_classes,
    count_parts,
)

INSPECTION: Final = "inspection.v1"
REVIEW: Final = "review.v1"
KNOWN_PART: Final = "known_part.v1"
# These change cells. A rejudgement does not: the part is counted once, by the verdict that it was treated by.

_IDS_AT_ONCE = 500  # parameters of one statement; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class Position:
    """How far the cells follow the log.

    Attributes:
        sequence: the last event that they hold.
        code_version: of the program that counted them.
        rebuilding: whether they are being counted anew from the inspections; until then some are old or missing.
        updated_at: when, aware UTC.
    """

    sequence: int
    code_version: int
    rebuilding: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Recount:
    """The cells of some extents as one snapshot of the ledger has them.

    Attributes:
        extents: what was counted; every cell in them is replaced.
        parts: rows of quarter cells.
        classes: the same by defect class.
    """

    extents: tuple[Extent, ...]
    parts: Sequence[Mapping[str, Any]]
    classes: Sequence[Mapping[str, Any]]


def read_position(connection: Connection, plant: str) -> Position | None:
    """How far the cells follow the log; None before the first."""
    row = connection.execute(select(rate_projection).where(rate_projection.c.plant == plant)).one_or_none()
    return None if row is None else Position(row.sequence, row.code_version, row.rebuilding, row.updated_at)


def changed_extents(connection: Connection, plant: str, *, after: int, limit: int) -> tuple[int, tuple[Extent, ...]]:
    """What the next events change.

    Args:
        connection: a snapshot.
        plant: whose log.
        after: the last event that was heeded.
        limit: events to look at, at most.

    Returns:
        The last event looked at, and the quarters of an hour whose cells are no longer right, joined where they touch.
    """
    rows = connection.execute(
        select(events.c.sequence, events.c.type, events.c.data)
        .where(events.c.plant == plant, events.c.sequence > after, events.c.sequence <= after + limit)
        .order_by(events.c.sequence)
    )
    last = after
    touched: set[tuple[str, datetime]] = set()
    reviewed: set[str] = set()
    known: set[str] = set()
    for row in rows:
        last = row.sequence
        if row.type == INSPECTION:
            touched.add((row.data["station"], QUARTER.floor(datetime.fromisoformat(row.data["opened_at"]))))
        elif row.type == REVIEW:
            reviewed.add(row.data["inspection_id"])
        elif row.type == KNOWN_PART:
            known.add(row.data["part_id"])
    for column, names in ((inspections.c.id, reviewed), (inspections.c.part_id, known)):
        for some in _some(sorted(names)):
            found = connection.execute(
                select(inspections.c.station, inspections.c.opened_at).where(
                    inspections.c.plant == plant, column.in_(some)
                )
            )
            touched.update((row.station, QUARTER.floor(row.opened_at)) for row in found)
    return last, _joined(touched)


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), _IDS_AT_ONCE):
        yield names[first : first + _IDS_AT_ONCE]


def _joined(quarters: Iterable[tuple[str, datetime]]) -> tuple[Extent, ...]:
    extents: list[Extent] = []
    for station, start in sorted(quarters):
        end = start + QUARTER.length
        if extents and extents[-1].station == station and extents[-1].end == start:
            extents[-1] = Extent(station, extents[-1].start, end)
        else:
            extents.append(Extent(station, start, end))
    return tuple(extents)


def recount(connection: Connection, plant: str, extents: Sequence[Extent]) -> Recount:
    """Count the cells of extents from the inspections, in one snapshot."""
    parts = [dict(row) for each in extents for row in connection.execute(count_parts(plant, each)).mappings()]
    classes = [dict(row) for each in extents for row in connection.execute(count_classes(plant, each)).mappings()]
    return Recount(tuple(extents), parts, classes)


def replace_cells(transaction: Transaction, counted: Recount) -> None:
    """Put counted cells in the place of those that were there, and add the longer ones up again."""
    connection, plant = transaction.connection, transaction.plant
    for extent in counted.extents:
        for table in (QUARTER.cells, QUARTER.class_cells):
            connection.execute(delete(table).where(*_within(table, plant, extent)))
    for table, rows in ((QUARTER.cells, counted.parts), (QUARTER.class_cells, counted.classes)):
        if rows:
            connection.execute(insert(table), list(rows))
    for shorter, longer in pairwise(TIERS):
        for extent in _widened(counted.extents, longer):
            _add_up_again(connection, plant, extent, shorter=shorter, longer=longer)


def _widened(extents: Iterable[Extent], tier: Tier) -> list[Extent]:
    """The same, out to the tier's cells, each cell in one of them only."""
    widened: list[Extent] = []
    for extent in sorted(extents, key=lambda each: (each.station, each.start)):
        start, end = tier.floor(extent.start), tier.floor(extent.end - QUARTER.length) + tier.length
        if widened and widened[-1].station == extent.station and start <= widened[-1].end:
            widened[-1] = Extent(extent.station, widened[-1].start, max(end, widened[-1].end))
        else:
            widened.append(Extent(extent.station, start, end))
    return widened


def _add_up_again(connection: Connection, plant: str, extent: Extent, *, shorter: Tier, longer: Tier) -> None:
    for source, table, by_class in (
        (shorter.cells, longer.cells, False),
        (shorter.class_cells, longer.class_cells, True),
    ):
        connection.execute(delete(table).where(*_within(table, plant, extent)))
        sums = add_up(source, longer, by_class=by_class).where(*_within(source, plant, extent))
        connection.execute(insert(table).from_select([column.name for column in sums.selected_columns], sums))


def _within(table: Table, plant: str, extent: Extent) -> tuple[Any, ...]:
    column = table.c
    return (
        column.plant == plant,
        column.station == extent.station,
        column.start >= extent.start,
        column.start < extent.end,
    )


def write_position(transaction: Transaction, *, sequence: int, rebuilding: bool) -> Position:
    """Note how far the cells follow the log now."""
    values: dict[str, Any] = {
        "sequence": sequence,
        "code_version": CODE_VERSION,
        "rebuilding": rebuilding,
        "updated_at": transaction.now(),
    }
    found = transaction.connection.execute(
        update(rate_projection).where(rate_projection.c.plant == transaction.plant).values(**values)
    )
    if found.rowcount == 0:
        transaction.connection.execute(insert(rate_projection), {"plant": transaction.plant, **values})
    return Position(**values)


def stations_of(connection: Connection, plant: str) -> tuple[str, ...]:
    """Every station that has inspections or cells, found by hopping through the indexes."""
    found: set[str] = set()
    for table, condition in (
        (inspections, inspections.c.plant == plant),
        (QUARTER.cells, QUARTER.cells.c.plant == plant),
    ):
        last: str | None = None
        while True:
            query = select(table.c.station).where(condition).order_by(table.c.station).limit(1)
            if last is not None:
                query = query.where(table.c.station > last)
            last = connection.execute(query).scalar_one_or_none()
            if last is None:
                break
            found.add(last)
    return tuple(sorted(found))


def opened_between(connection: Connection, plant: str, station: str) -> tuple[datetime, datetime] | None:
    """The first and the last instant that a station has an inspection or a cell of."""
    first: list[datetime] = []
    last: list[datetime] = []
    for table, column in ((inspections, inspections.c.opened_at), (QUARTER.cells, QUARTER.cells.c.start)):
        query = select(column).where(table.c.plant == plant, table.c.station == station).limit(1)
        first += connection.execute(query.order_by(column)).scalars()
        last += connection.execute(query.order_by(column.desc())).scalars()
    return (min(first), max(last)) if first else None
