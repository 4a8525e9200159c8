"""Whether frames, verdicts, events and deliveries of a period agree; where they do not, the gap by name."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.delivery.settings import FilterSettings
from lineside.serving.delivery.sinks import Proof
from lineside.serving.ledger.delivery_tables import delivery_cursors as cursors
from lineside.serving.ledger.delivery_tables import delivery_parked as parked
from lineside.serving.ledger.tables import events, frames, inspections, stations

_EXAMPLES = 5
_PAGE = 1000
_INSPECTION = "inspection.v1"

SHELLS = "/aas"
"""Where peers pull; no sink of a delivery file can be named so."""


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GapKind(StrEnum):
    """What does not agree."""

    PENDING_ATTEMPTS = "pending_attempts"
    """Attempts whose verdict waits for views."""
    VERDICTS_WITHOUT_FRAME = "verdicts_without_frame"
    """Attempts that were closed without a picture, but for what a station says that nobody could look at."""
    VERDICTS_WITHOUT_EVENT = "verdicts_without_event"
    """The ledger was changed: each verdict is written with its event."""
    EVENTS_WITHOUT_VERDICT = "events_without_verdict"
    """The ledger was changed: each event is written with its verdict."""
    HOLES_IN_THE_LOG = "holes_in_the_log"
    """Numbers that the log lacks: events were removed."""
    WAITING = "waiting"
    """Events that a sink has not delivered yet."""
    PARKED = "parked"
    """Events that a sink's receiver refused for good."""
    SKIPPED = "skipped"
    """Events that a person decided not to deliver."""
    BEFORE_THE_SINK = "before_the_sink"
    """Events from before the sink began."""


class GapOut(_Out):
    """One difference: how many, at which sink, and the first of them (inspections, or numbers of events)."""

    kind: GapKind
    count: int
    sink: str | None = None
    examples: tuple[str, ...] = ()


class SinkCountsOut(_Out):
    """Where a sink's wanted events of the period are: their sum is `wanted`. `delivered` is in the word of `proof`."""

    sink: str
    proof: Proof
    wanted: int
    delivered: int
    waiting: int
    parked: int
    skipped: int
    before_the_sink: int


class ReconciliationOut(_Out):
    """A period's attempts, by the time they were opened, and the log's events of that time.

    `agrees`: each attempt has its verdict, frames and event, the log has no hole, and every sink delivered all that it
    wants. `sinks` counts the events of these attempts, and all others recorded in the period; the last of them is the
    Asset Administration Shell, which is no sink of the delivery file: peers pull what it has of these attempts.
    """

    start: datetime
    end: datetime
    station: str | None
    attempts: int
    frames: int
    verdicts: int
    events: int
    sinks: tuple[SinkCountsOut, ...]
    gaps: tuple[GapOut, ...]
    agrees: bool


def reconcile(
    connection: Connection, plant: str, *, start: datetime, end: datetime, station: str | None
) -> ReconciliationOut:
    """Count a period, in one snapshot.

    Args:
        connection: of the ledger.
        plant: whose.
        start: aware; attempts opened and events recorded from this instant on.
        end: aware; before this one.
        station: only its; None for the plant.
    """
    period = [inspections.c.plant == plant, inspections.c.opened_at >= start, inspections.c.opened_at < end]
    recorded = [events.c.plant == plant, events.c.recorded_at >= start, events.c.recorded_at < end]
    if station is not None:
        period.append(inspections.c.station == station)
        recorded.append(events.c.station == station)
    judged = and_(*period, inspections.c.verdict.is_not(None))
    joined = and_(
        events.c.plant == inspections.c.plant,
        events.c.sequence == inspections.c.event_sequence,
        events.c.type == _INSPECTION,
    )
    gaps = [
        _gap(connection, GapKind.PENDING_ATTEMPTS, _ids(*period, inspections.c.verdict.is_(None))),
        _gap(
            connection,
            GapKind.VERDICTS_WITHOUT_FRAME,
            _ids(
                judged,
                ~select(frames.c.view).where(frames.c.inspection_id == inspections.c.id).exists(),
                or_(inspections.c.judged_by != "station", inspections.c.verdict != Verdict.NOT_INSPECTED.value),
            ),
        ),
        _gap(
            connection, GapKind.VERDICTS_WITHOUT_EVENT, _ids(judged, ~select(events.c.sequence).where(joined).exists())
        ),
        _gap(
            connection,
            GapKind.EVENTS_WITHOUT_VERDICT,
            select(events.c.sequence)
            .where(*recorded, events.c.type == _INSPECTION, ~select(inspections.c.id).where(joined).exists())
            .order_by(events.c.sequence),
        ),
        _holes(connection, plant, recorded),
    ]
    sinks = [
        _sink_counts(connection, plant, cursor, period=judged, recorded=recorded)
        for cursor in connection.execute(select(cursors).where(cursors.c.plant == plant).order_by(cursors.c.sink))
    ]
    gaps.extend(_gaps_of(sinks))
    told = _count(connection, select(events.c.sequence).join(inspections, joined).where(judged))
    found = tuple(gap for gap in gaps if gap is not None)
    return ReconciliationOut(
        start=start,
        end=end,
        station=station,
        attempts=_count(connection, select(inspections.c.id).where(*period)),
        frames=_count(
            connection,
            select(frames.c.view).join(inspections, frames.c.inspection_id == inspections.c.id).where(*period),
        ),
        verdicts=_count(connection, select(inspections.c.id).where(judged)),
        events=told,
        sinks=(*sinks, _pulled(told)),
        gaps=found,
        agrees=not found,
    )


def _pulled(told: int) -> SinkCountsOut:
    """The Asset Administration Shell: it is read from the ledger itself, so what is told of parts lies ready there."""
    return SinkCountsOut(
        sink=SHELLS,
        proof=Proof.PULLED,
        wanted=told,
        delivered=told,
        waiting=0,
        parked=0,
        skipped=0,
        before_the_sink=0,
    )


def _sink_counts(
    connection: Connection,
    plant: str,
    cursor: Row[Any],
    *,
    period: ColumnElement[bool],
    recorded: Sequence[ColumnElement[bool]],
) -> SinkCountsOut:
    wanted = FilterSettings.model_validate(cursor.filter).to_record()
    counts = dict.fromkeys(("wanted", "before", "ahead"), 0)
    marks: dict[str, int] = {}
    for sequences in (
        _wanted_inspections(connection, plant, wanted, period),
        _other_wanted(connection, plant, wanted, recorded),
    ):
        for page in sequences:
            counts["wanted"] += len(page)
            counts["before"] += sum(each <= cursor.began_after for each in page)
            counts["ahead"] += sum(each > cursor.position for each in page)
            for state, is_ahead in _marks(connection, plant, cursor, page):
                key = f"{state} ahead" if is_ahead else state
                marks[key] = marks.get(key, 0) + 1
    skipped_ahead = marks.get("skipped ahead", 0)
    skipped = marks.get("skipped", 0) + skipped_ahead
    is_parked = marks.get("parked", 0) + marks.get("parked ahead", 0)
    waiting = counts["ahead"] - skipped_ahead - marks.get("parked ahead", 0) + marks.get("resend", 0)
    before = counts["before"] - marks.get("before", 0)
    return SinkCountsOut(
        sink=cursor.sink,
        proof=cursor.proof,
        wanted=counts["wanted"],
        delivered=counts["wanted"] - before - waiting - is_parked - skipped,
        waiting=waiting,
        parked=is_parked,
        skipped=skipped,
        before_the_sink=before,
    )


def _wanted_inspections(
    connection: Connection, plant: str, wanted: EventFilter, period: ColumnElement[bool]
) -> Iterable[list[int]]:
    """The wanted events of attempts: all that a filter asks stands in the attempt's own row."""
    if _INSPECTION not in wanted.event_types:
        return
    asked = [period, inspections.c.event_sequence.is_not(None)]
    if wanted.stations:
        asked.append(inspections.c.station.in_(wanted.stations))
    if wanted.lines:
        on_lines = select(stations.c.id).where(stations.c.plant == plant, stations.c.line.in_(wanted.lines))
        asked.append(inspections.c.station.in_(on_lines))
    if wanted.products:
        asked.append(or_(inspections.c.product.is_(None), inspections.c.product.in_(wanted.products)))
    if wanted.verdicts:
        asked.append(inspections.c.verdict.in_(wanted.verdicts))
    found = select(inspections.c.event_sequence).where(*asked)
    for page in connection.execute(found).scalars().partitions(_PAGE):
        yield list(page)


def _other_wanted(
    connection: Connection, plant: str, wanted: EventFilter, recorded: Sequence[ColumnElement[bool]]
) -> Iterable[list[int]]:
    """The wanted events of other types, recorded in the period."""
    types = [each for each in wanted.event_types if each != _INSPECTION]
    lines = _lines(connection, plant)
    columns = (events.c.sequence, events.c.station, events.c.data)
    found = select(*columns).where(*recorded, events.c.type.in_(types)).order_by(events.c.sequence)
    for page in connection.execute(found).partitions(_PAGE):
        yield [
            row.sequence for row in page if wanted.passes(row.station, line=lines.get(row.station or ""), data=row.data)
        ]


def _marks(connection: Connection, plant: str, cursor: Row[Any], page: Sequence[int]) -> Iterable[tuple[str, bool]]:
    """What people or the receiver decided about events, and whether each is behind the cursor's position."""
    query = select(parked.c.sequence, parked.c.state).where(
        parked.c.plant == plant, parked.c.sink == cursor.sink, parked.c.sequence.in_(page)
    )
    for row in connection.execute(query):
        if row.sequence <= cursor.began_after:
            yield "before", False  # a person had it sent all the same: it counts as what it is
        yield row.state, row.sequence > cursor.position


def _gaps_of(sinks: Iterable[SinkCountsOut]) -> Iterable[GapOut]:
    for sink in sinks:
        for kind, count in (
            (GapKind.WAITING, sink.waiting),
            (GapKind.PARKED, sink.parked),
            (GapKind.SKIPPED, sink.skipped),
            (GapKind.BEFORE_THE_SINK, sink.before_the_sink),
        ):
            if count:
                yield GapOut(kind=kind, count=count, sink=sink.sink)


def _holes(connection: Connection, plant: str, recorded: Sequence[ColumnElement[bool]]) -> GapOut | None:
    """Numbers that are missing between the first and the last event of the period."""
    first, last = connection.execute(
        select(func.min(events.c.sequence), func.max(events.c.sequence)).where(*recorded)
    ).one()
    if first is None:
        return None
    within = (events.c.plant == plant, events.c.sequence >= first, events.c.sequence <= last)
    there = connection.execute(select(func.count()).select_from(events).where(*within)).scalar_one()
    missing = last - first + 1 - there
    if not missing:
        return None
    before = events.alias("before")
    ends = (
        select(events.c.sequence)
        .where(
            *within,
            events.c.sequence > first,
            ~select(before.c.sequence)
            .where(before.c.plant == plant, before.c.sequence == events.c.sequence - 1)
            .exists(),
        )
        .order_by(events.c.sequence)
        .limit(_EXAMPLES)
    )
    examples = tuple(str(sequence - 1) for sequence in connection.execute(ends).scalars())
    return GapOut(kind=GapKind.HOLES_IN_THE_LOG, count=missing, examples=examples)


def _gap(connection: Connection, kind: GapKind, query: Select[Any]) -> GapOut | None:
    count = _count(connection, query)
    if not count:
        return None
    examples = tuple(str(each) for each in connection.execute(query.limit(_EXAMPLES)).scalars())
    return GapOut(kind=kind, count=count, examples=examples)


def _ids(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(inspections.c.id).where(*conditions).order_by(inspections.c.id)


def _count(connection: Connection, query: Select[Any]) -> int:
    counted = select(func.count()).select_from(query.order_by(None).subquery())
    return int(connection.execute(counted).scalar_one())


def _lines(connection: Connection, plant: str) -> Mapping[str, str]:
    return {
        row.id: row.line
        for row in connection.execute(select(stations.c.id, stations.c.line).where(stations.c.plant == plant))
    }
