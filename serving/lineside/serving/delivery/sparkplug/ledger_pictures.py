"""The picture of a plant from its ledger: as it stands behind any event, without reading the log from its beginning."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, func, select

from lineside.serving.delivery.sparkplug.edge_node import Reading
from lineside.serving.delivery.sparkplug.picture import Picture, Tally
from lineside.serving.ledger import Event, Ledger
from lineside.serving.ledger.events import read_head
from lineside.serving.ledger.tables import events, inspections, stations

_BATCH: Final = 500
_LONGEST_WALK: Final = 20_000
"""Events that are rather walked through than looked up: about a second's work."""

_COUNTED_AT_ONCE: Final = 100_000
"""Inspections in one query: under a second's work, so that no reader holds a snapshot for long."""

_LOOKED_BACK: Final = 500
"""Newest events of each type among which a station's last one is looked for; it is null if it is older."""

_RARE_TYPES: Final = (
    "order.v1",
    "hold.v1",
    "rate.v1",
    "chart_signal.v1",
    "station_state.v1",
    "image_alarm.v1",
    "drift_alarm.v1",
    "deployment.v1",
    "station.v1",
    "proposal.v1",
)
"""What stands until it is changed. Dispositions, reviews and jobs are about one part and are not looked up."""


async def head_of(ledger: Ledger) -> int:
    """The number of the plant's last event.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """
    return await ledger.read(lambda connection: read_head(connection, ledger.plant).sequence)


async def picture_at(ledger: Ledger, tally: Tally) -> Picture:
    """The plant behind an event whose counts are known.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """
    return await ledger.read(lambda connection: _picture(connection, ledger.plant, tally))


async def tally_of_all(ledger: Ledger, sequence: int) -> Tally:
    """The counts behind an event, from every inspection's row: some seconds for a million.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """
    counts: dict[str, dict[str, int]] = {}
    last: str | None = ""
    while last is not None:
        reached = last
        last = await ledger.read(lambda connection: _count(connection, ledger.plant, sequence, reached, counts))  # noqa: B023 - awaited at once
    return Tally(sequence, counts)


async def tally_on(ledger: Ledger, tally: Tally, *, to: int) -> Tally:
    """The counts some events later, from those events; the tally given stays as it is.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """
    counts = {station: dict(of) for station, of in tally.counts.items()}
    reached = tally.sequence
    query = select(events.c.sequence, events.c.station, events.c.data).where(
        events.c.plant == ledger.plant, events.c.type == "inspection.v1", events.c.sequence <= to
    )
    while True:
        batch = query.where(events.c.sequence > reached).order_by(events.c.sequence).limit(_BATCH)
        rows = await ledger.read(lambda connection: connection.execute(batch).all())  # noqa: B023 - awaited at once
        for row in rows:
            of = counts.setdefault(row.station, {})
            verdict = str(row.data.get("verdict"))
            of[verdict] = of.get(verdict, 0) + 1
        if len(rows) < _BATCH:
            return Tally(to, counts)
        reached = rows[-1].sequence


async def advanced(ledger: Ledger, picture: Picture, *, to: int) -> Picture:
    """The picture some events later; the one given stays as it is.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """
    if to - picture.sequence > _LONGEST_WALK:
        return await picture_at(ledger, await tally_on(ledger, Tally(picture.sequence, picture.counts), to=to))
    later = picture.copy()
    reached = later.sequence
    while reached < to:
        batch = await ledger.events_after(reached, limit=min(_BATCH, to - reached))
        if not batch:
            break
        for event in batch:
            later.apply(event)
        reached = batch[-1].sequence
    later.sequence = max(later.sequence, to)
    return later


def _picture(connection: Connection, plant: str, tally: Tally) -> Picture:
    picture, sequence = Picture(0), tally.sequence
    found = [*_last_inspections(connection, plant, sequence), *_last_rare(connection, plant, sequence)]
    for event in sorted(found, key=lambda event: event.sequence):
        picture.apply(event)
    picture.sequence = sequence
    picture.counts = {station: dict(of) for station, of in tally.counts.items()}
    for station, readings in picture.readings.items():
        if station is not None and "Counts/OK" in readings:
            readings.update(picture.counted(station, readings["Counts/OK"].at))
    return picture


def _count(
    connection: Connection, plant: str, sequence: int, after: str, counts: dict[str, dict[str, int]]
) -> str | None:
    """Add up the inspections that follow one, in the order of their identifiers; the last one, None at the end."""
    columns = (inspections.c.id, inspections.c.station, inspections.c.verdict, inspections.c.event_sequence)
    part = (
        select(*columns)
        .where(inspections.c.plant == plant, inspections.c.id > after)
        .order_by(inspections.c.id)
        .limit(_COUNTED_AT_ONCE)
        .subquery()
    )
    is_counted = func.count().filter(part.c.event_sequence <= sequence)
    query = select(
        part.c.station, part.c.verdict, is_counted.label("parts"), func.max(part.c.id).label("last"), func.count()
    ).group_by(part.c.station, part.c.verdict)
    rows = connection.execute(query).all()
    for row in rows:
        if row.verdict is not None and row.parts:
            of = counts.setdefault(row.station, {})
            of[row.verdict] = of.get(row.verdict, 0) + row.parts
    read = sum(row[-1] for row in rows)
    return max(row.last for row in rows) if read == _COUNTED_AT_ONCE else None


def _last_inspections(connection: Connection, plant: str, sequence: int) -> Iterable[Event]:
    """The last judged part of each station, by its station's index."""
    seen = connection.execute(select(stations.c.id).where(stations.c.plant == plant))
    for station in seen.scalars():
        last = connection.execute(
            select(inspections.c.event_sequence)
            .where(inspections.c.station == station, inspections.c.plant == plant)
            .where(inspections.c.event_sequence <= sequence)
            .order_by(inspections.c.opened_at.desc())
            .limit(1)
        ).scalar()
        if last is not None:
            yield from _events(connection, plant, (last,))


def _last_rare(connection: Connection, plant: str, sequence: int) -> Iterable[Event]:
    for type_ in _RARE_TYPES:
        newest = connection.execute(
            select(events.c.sequence, events.c.station)
            .where(events.c.plant == plant, events.c.type == type_, events.c.sequence <= sequence)
            .order_by(events.c.sequence.desc())
            .limit(_LOOKED_BACK)
        ).all()
        last: Mapping[Any, int] = {row.station: row.sequence for row in reversed(newest)}
        if type_ == "chart_signal.v1":  # one may be of several stations
            last = {row.sequence: row.sequence for row in newest}
        yield from _events(connection, plant, tuple(last.values()))


def _events(connection: Connection, plant: str, sequences: tuple[int, ...]) -> Iterable[Event]:
    if not sequences:
        return
    rows = connection.execute(select(events).where(events.c.plant == plant, events.c.sequence.in_(sequences)))
    for row in rows:
        yield Event(**row._mapping)


async def enrolled_stations(ledger: Ledger) -> Mapping[str, Mapping[str, Reading]]:
    """Every station of the plant by its id, with name and line as metrics.

    Raises:
        LedgerUnavailable: the database cannot be reached.
    """

    def read(connection: Connection) -> Mapping[str, Mapping[str, Reading]]:
        query = select(stations.c.id, stations.c.name, stations.c.line, stations.c.updated_at)
        rows = connection.execute(query.where(stations.c.plant == ledger.plant).order_by(stations.c.id))
        return {
            row.id: {
                "Station/Name": Reading(row.name, row.updated_at),
                "Station/Line": Reading(row.line, row.updated_at),
            }
            for row in rows
        }

    return await ledger.read(read)
