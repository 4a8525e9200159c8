"""Events as CloudEvents 1.0: the names by which programs of others know what came, from where and about what.

Attributes follow the CloudEvents specification 1.0.2; `sequence`, `partitionkey` and `recordedtime` are its documented
extensions. `dataschema` is the `$id` of the type's JSON Schema below `docs/schemas/events`, and within it the place of
the data: a validator that was given those files finds the schema without a network.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from cloudevents.core.bindings.http import to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from lineside.serving.events.schemas import event_schema_id
from lineside.serving.ledger import Event

TYPE_PREFIX: Final = "org.lineside."
DATA_WITHIN_SCHEMA: Final = "#/properties/data"
_SEQUENCE_DIGITS: Final = 20
"""The extension wants a text that sorts like the number."""


def cloud_event(event: Event, *, line: str | None) -> CloudEvent:
    """The event in CloudEvents' words.

    Args:
        event: from the ledger.
        line: of the event's station; None where the event is of no station.
    """
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "type": f"{TYPE_PREFIX}{event.type}",
        "source": source_of(event.plant, line, event.station),
        "time": event.occurred_at,
        "datacontenttype": "application/json",
        "dataschema": f"{event_schema_id(event.type)}{DATA_WITHIN_SCHEMA}",
        "sequence": f"{event.sequence:0{_SEQUENCE_DIGITS}d}",
        "recordedtime": _instant(event.recorded_at),
    }
    subject = subject_of(event)
    if subject is not None:
        attributes["subject"] = subject
    if event.station is not None:
        attributes["partitionkey"] = event.station
    return CloudEvent(attributes, dict(event.data))


def structured_json(event: Event, *, line: str | None) -> bytes:
    """The event as the body of a request, `application/cloudevents+json`."""
    return to_structured(cloud_event(event, line=line), JSONFormat()).body


def source_of(plant: str, line: str | None, station: str | None) -> str:
    """Where an event comes from, as a path: `/plant/line/station`, or `/plant` for what is of no station."""
    steps = (plant,) if station is None else (plant, line or "", station)
    return "".join(f"/{quote(step, safe='')}" for step in steps if step)


def subject_of(event: Event) -> str | None:
    """What an event is about: the part, order or lot that it names first; else its station, if it has one."""
    for field in _SUBJECTS:
        found = field(event.data)
        if isinstance(found, str) and found:
            return found
    return event.station


def _field(*path: str) -> Callable[[Mapping[str, Any]], Any]:
    def read(data: Mapping[str, Any]) -> Any:
        found: Any = data
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    return read


_SUBJECTS: Final = (_field("part_id"), _field("context", "order_id"), _field("order_id"), _field("lot"))


def _instant(at: datetime) -> str:
    return re.sub(r"\+00:00$", "Z", at.isoformat())
