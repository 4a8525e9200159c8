"""What the watch takes from the log's events: the little that it needs of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.ledger.tables import events
from lineside.serving.reviews import ReviewStanding
from lineside.serving.signals.image_health import UNFIT
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
        unfit: why its pictures were unfit; None where they were fit.
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
    trouble: Trouble | None
    opened_at: datetime
    judged_at: datetime
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class SeenEscape:
    """A review after which a passed part stands as defective.

    Attributes:
        sequence: of its event.
        station: where the part passed.
        inspection_id: the part's inspection.
        part_id: the part.
    """

    sequence: int
    station: str
    inspection_id: str
    part_id: str


@dataclass(frozen=True, slots=True)
class SeenDrift:
    """A drift alarm that was raised.

    Attributes:
        sequence: of its event.
        station: whose parts changed.
        alarm_id: of the alarm.
        message: what changed.
    """

    sequence: int
    station: str
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


Seen = SeenPart | SeenEscape | SeenDrift | SeenJob


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
    return Chunk(tuple(_all_seen((row.sequence, row.type, row.data) for row in rows)), position)


def _all_seen(found: Iterator[tuple[int, str, Mapping[str, Any]]]) -> Iterator[Seen]:
    for sequence, event_type, data in found:
        if event_type == _INSPECTION:
            yield _part(sequence, data)
        elif event_type == _REVIEW and data["standing"] == ReviewStanding.ESCAPE.value:
            yield SeenEscape(sequence, data["station"], data["inspection_id"], data["part_id"])
        elif event_type == _DRIFT and data["state"] == "raised":
            yield SeenDrift(sequence, data["watched"]["station"], data["id"], data["message"])
        elif event_type == _JOB:
            yield SeenJob(data["station"], data["id"], is_waiting=data["state"] == "started")


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
        unfit=_first(reasons, UNFIT),
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
