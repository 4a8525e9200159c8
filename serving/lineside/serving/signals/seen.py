"""What the watch takes from the log's events: the little that it needs of each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.ledger.tables import events, inspections
from lineside.serving.reviews import ReviewStanding
from lineside.serving.signals.image_health import UNFIT, UNSEEN
from lineside.serving.signals.station_states import TELLING, Trouble

_INSPECTION: Final = "inspection.v1"
_REVIEW: Final = "review.v1"
_DRIFT: Final = "drift_alarm.v1"
_JOB: Final = "job.v1"
_TYPES: Final = (_INSPECTION, _REVIEW, _DRIFT, _JOB)


@dataclass(frozen=True, slots=True)
class SeenPart:
    """One judged attempt.

    Attributes:
        sequence: of its event.
        id: of the inspection.
        station: where.
        product: None where the station had none in force.
        lot: the same.
        recipe: identifier and version; None where the station had none in force.
        verdict: what was found.
        unfit: why its pictures were unfit; None where they were fit, or nobody looked.
        was_seen: whether anybody looked at its pictures, or there were none.
        trouble: what it says of the station; None where it says nothing.
        opened_at: aware UTC.
        judged_at: aware UTC.
        is_simulated: whether it is of a simulated line.
    """

    sequence: int
    id: str
    station: str
    product: str | None
    lot: str | None
    recipe: tuple[str, int] | None
    verdict: Verdict
    unfit: ReasonCode | None
    was_seen: bool
    trouble: Trouble | None
    opened_at: datetime
    judged_at: datetime
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class SeenReview:
    """What somebody said of a part, and the part.

    Attributes:
        sequence: of its event.
        inspection_id: the part's inspection.
        part_id: the part.
        is_escape: whether the part passed, and stands as defective after it.
        station: where the part was inspected.
        product: of the part.
        lot: of the part.
        recipe: that it was judged by: identifier and version.
        opened_at: when it was inspected, aware UTC.
        is_simulated: whether it is of a simulated line.
    """

    sequence: int
    inspection_id: str
    part_id: str
    is_escape: bool
    station: str
    product: str | None
    lot: str | None
    recipe: tuple[str, int] | None
    opened_at: datetime
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class SeenDrift:
    """A drift alarm that was raised.

    Attributes:
        sequence: of its event.
        station: whose parts changed.
        recipe: that they were judged by: identifier and version.
        alarm_id: of the alarm.
        message: what changed.
    """

    sequence: int
    station: str
    recipe: tuple[str, int]
    alarm_id: str
    message: str


@dataclass(frozen=True, slots=True)
class SeenJob:
    """A job that began to wait for its part, or no longer waits.

    Attributes:
        station: whose.
        job_id: of the job.
        is_waiting: whether it does.
    """

    station: str
    job_id: str
    is_waiting: bool


Seen = SeenPart | SeenReview | SeenDrift | SeenJob


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read of the log in one go.

    Attributes:
        seen: in the log's order.
        position: the last event that was looked at.
    """

    seen: tuple[Seen, ...]
    position: int


def read_on(connection: Connection, plant: str, *, after: int, until: int, limit: int) -> Chunk:
    """What the next events hold for the watch.

    Args:
        connection: a snapshot.
        plant: whose log.
        after: the last event that was heeded.
        until: look no further than this event.
        limit: events of use to look at, at most.
    """
    rows = connection.execute(
        select(events.c.sequence, events.c.type, events.c.data)
        .where(
            events.c.plant == plant,
            events.c.type.in_(_TYPES),
            events.c.sequence > after,
            events.c.sequence <= until,
        )
        .order_by(events.c.sequence)
        .limit(limit)
    ).all()
    position = rows[-1].sequence if len(rows) == limit else max(after, until)
    reviewed = _inspections(connection, {row.data["inspection_id"] for row in rows if row.type == _REVIEW})
    return Chunk(tuple(_all_seen(rows, reviewed)), position)


def _inspections(connection: Connection, wanted: Collection[str]) -> Mapping[str, Any]:
    if not wanted:
        return {}
    row = inspections.c
    columns = (row.id, row.station, row.product, row.lot, row.recipe_id, row.recipe_version, row.opened_at)
    found = connection.execute(select(*columns, row.is_simulated).where(row.id.in_(wanted)))
    return {each.id: each for each in found}


def _all_seen(rows: Sequence[Any], reviewed: Mapping[str, Any]) -> Iterator[Seen]:
    for row in rows:
        sequence, data = row.sequence, row.data
        if row.type == _INSPECTION:
            yield _part(sequence, data)
        elif row.type == _REVIEW:
            yield _review(sequence, data, reviewed[data["inspection_id"]])
        elif row.type == _DRIFT and data["state"] == "raised":
            watched = data["watched"]
            recipe = (watched["recipe_id"], watched["recipe_version"])
            yield SeenDrift(sequence, watched["station"], recipe, data["id"], data["message"])
        elif row.type == _JOB:
            job = data["job"]
            yield SeenJob(job["station"], job["id"], is_waiting=data["state"] == "started")


def _review(sequence: int, data: Mapping[str, Any], inspection: Any) -> SeenReview:
    has_recipe = inspection.recipe_id is not None and inspection.recipe_version is not None
    return SeenReview(
        sequence=sequence,
        inspection_id=inspection.id,
        part_id=data["part_id"],
        is_escape=data["standing"] == ReviewStanding.ESCAPE.value,
        station=inspection.station,
        product=inspection.product,
        lot=inspection.lot,
        recipe=(inspection.recipe_id, inspection.recipe_version) if has_recipe else None,
        opened_at=inspection.opened_at,
        is_simulated=inspection.is_simulated,
    )


def _part(sequence: int, data: Mapping[str, Any]) -> SeenPart:
    recipe = data["recipe"]
    verdict = Verdict(data["verdict"])
    reasons = data["reasons"] if verdict is Verdict.NOT_INSPECTED else ()
    return SeenPart(
        sequence=sequence,
        id=data["id"],
        station=data["station"],
        product=data["product"],
        lot=data["lot"],
        recipe=None if recipe is None else (recipe["id"], recipe["version"]),
        verdict=verdict,
        unfit=(unfit := _first(reasons, UNFIT)),
        was_seen=unfit is not None or _first(reasons, UNSEEN) is None,
        trouble=_trouble(reasons),
        opened_at=datetime.fromisoformat(data["opened_at"]),
        judged_at=datetime.fromisoformat(data["judged_at"]),
        is_simulated=data["is_simulated"],
    )


def _first(reasons: Sequence[Mapping[str, Any]], among: frozenset[ReasonCode]) -> ReasonCode | None:
    return next((code for reason in reasons if (code := ReasonCode(reason["code"])) in among), None)


def _trouble(reasons: Sequence[Mapping[str, Any]]) -> Trouble | None:
    for reason in reasons:
        code = ReasonCode(reason["code"])
        if code in TELLING:
            return Trouble(code, reason["message"])
    return None
