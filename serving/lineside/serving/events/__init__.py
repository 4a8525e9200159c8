"""The plant's log as it grows, for programs that follow it."""

from lineside.serving.events.schemas import EVENT_DATA, EventOut, event_json_schemas
from lineside.serving.events.stream import EventFilter, event_stream

__all__ = ["EVENT_DATA", "EventFilter", "EventOut", "event_json_schemas", "event_stream"]
