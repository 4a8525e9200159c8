"""What happened while the points of a chart were counted, from the plant's log and from people's notes."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol

from sqlalchemy import Connection, select

from lineside.inspection.release import EVERYWHERE
from lineside.serving.ledger.tables import events
from lineside.serving.notes.places import concerns
from lineside.serving.notes.store import notes_between


class _Logged(Protocol):
    """The columns of an event that a text is made of."""

    station: str | None
    occurred_at: datetime
    data: Mapping[str, Any]


MOST_ANNOTATIONS: Final = 200
"""The newest; more of them than points would hide the chart."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened.

    Attributes:
        at: when, aware UTC.
        kind: what sort of thing.
        text: in a few words.
        station: where; None for a whole line or plant.
        lines: the lines concerned; empty for the whole plant, or where the station says it.
    """

    at: datetime
    kind: str
    text: str
    station: str | None = None
    lines: frozenset[str] = frozenset()


def happenings(
    connection: Connection, plant: str, *, start: datetime, end: datetime, line_of: Mapping[str, str]
) -> list[Happening]:
    """What the log and the notes hold of a time, oldest first.

    Args:
        connection: where to read.
        plant: whose.
        start: aware.
        end: aware; not part of it.
        line_of: each station's line.
    """
    rows = connection.execute(
        select(events.c.type, events.c.station, events.c.occurred_at, events.c.data)
        .where(
            events.c.plant == plant,
            events.c.type.in_(tuple(_TEXTS)),
            events.c.occurred_at >= start,
            events.c.occurred_at < end,
        )
        .order_by(events.c.sequence.desc())
        .limit(MOST_ANNOTATIONS)
    )
    found = [said for row in rows.all()[::-1] if (said := _TEXTS[row.type](row)) is not None]
    for note in notes_between(connection, plant, start=start, end=end, limit=MOST_ANNOTATIONS):
        lines = frozenset() if note.line is None else frozenset({note.line})
        text = f"{note.text} ({note.recorded_by})"
        found.append(Happening(note.at, note.kind.value, text, station=note.station, lines=lines))
    placed = [
        Happening(each.at, each.kind, each.text, each.station, frozenset({line_of[each.station]}))
        if each.station is not None and each.station in line_of
        else each
        for each in found
    ]
    return sorted(placed, key=lambda each: each.at)


def concerning(found: Sequence[Happening], *, station: str | None, lines: frozenset[str]) -> list[Happening]:
    """Those that concern a chart of a station, of lines, or of the whole plant; at most `MOST_ANNOTATIONS`, newest."""
    chosen = [
        each
        for each in found
        if (not each.lines and concerns(each.station, None, station=station, lines=lines))
        or any(concerns(each.station, line, station=station, lines=lines) for line in each.lines)
    ]
    return chosen[-MOST_ANNOTATIONS:]


def label_at(starts: Sequence[datetime], labels: Sequence[str], instant: datetime) -> str | None:
    """The label of the point in whose time, or after whose start, an instant lies; None before the first.

    Args:
        starts: of the points, ascending.
        labels: theirs.
        instant: aware.
    """
    place = bisect_right(starts, instant) - 1
    return labels[place] if place >= 0 else None


def _deployment(row: _Logged) -> Happening:
    deployment = row.data["deployment"]
    release = deployment["release"]
    text = f"deployment {deployment['serial']} {row.data['state']}: {release['name']} {release['version']}"
    if deployment["mode"] != "live":
        text += f" ({deployment['mode']})"
    lines = frozenset(line for line in deployment["lines"] if line != EVERYWHERE)
    return Happening(row.occurred_at, "deployment", text, lines=lines)


def _canary(row: _Logged) -> Happening:
    return Happening(row.occurred_at, "deployment", f"deployment {row.data['serial']} rolled back: {row.data['cause']}")


def _recipe(row: _Logged) -> Happening:
    return Happening(row.occurred_at, "recipe", f"recipe {row.data['id']} version {row.data['version']}")


def _order(row: _Logged) -> Happening | None:
    if row.data["state"] != "in_force":
        return None
    context = row.data["context"]
    recipe = context["recipe"]
    parts = [
        f"{name} {context[field]}"
        for name, field in (("order", "order_id"), ("product", "product"), ("lot", "lot"))
        if context[field] is not None
    ]
    if recipe is not None:
        parts.append(f"recipe {recipe['id']} version {recipe['version']}")
    return Happening(row.occurred_at, "order", ", ".join(parts) or "no order", station=row.station)


def _hold(row: _Logged) -> Happening:
    lot = row.data.get("lot")  # of a lot, or of a station's parts
    what = row.data["state"] if lot is None else f"lot {lot} {row.data['state']}"
    return Happening(row.occurred_at, "hold", f"{what}: {row.data['reason']}", station=row.station)


_TEXTS: Final[Mapping[str, Callable[[Any], Happening | None]]] = MappingProxyType(
    {
        "canary.v1": _canary,
        "deployment.v1": _deployment,
        "hold.v1": _hold,
        "order.v1": _order,
        "recipe.v1": _recipe,
    }
)
"""The event types that a chart shows, and how."""
