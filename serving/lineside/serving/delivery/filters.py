"""Which events a sink wants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lineside.serving.ledger import Event

DELIVERED_TYPES: Final = (
    "inspection",
    "disposition",
    "review",
    "rate",
    "chart_signal",
    "hold",
    "proposal",
    "order",
    "job",
    "deployment",
    "station",
    "station_state",
    "station_report",
    "image_alarm",
    "drift_alarm",
)
"""What the MES and the twin are told; the rest of the log is the server's own business. Version 1 of each."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a sink wants. An empty set leaves its question out.

    An event that says nothing about a question passes it: a hold of a lot has no station, and reaches the sink of each.

    Attributes:
        types: without version, of `DELIVERED_TYPES`.
        stations: where it happened.
        lines: of the station where it happened.
        products: what was made.
        verdicts: of inspections.
    """

    types: frozenset[str] = field(default_factory=frozenset)
    stations: frozenset[str] = field(default_factory=frozenset)
    lines: frozenset[str] = field(default_factory=frozenset)
    products: frozenset[str] = field(default_factory=frozenset)
    verdicts: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Refuse types that are never delivered."""
        unknown = sorted(self.types.difference(DELIVERED_TYPES))
        if unknown:
            raise ValueError(f"no event type {unknown[0]!r} is delivered; expected of {', '.join(DELIVERED_TYPES)}")

    @property
    def event_types(self) -> tuple[str, ...]:
        """The wanted types as the ledger writes them: `inspection.v1`."""
        return tuple(f"{name}.v1" for name in DELIVERED_TYPES if not self.types or name in self.types)

    def wants(self, event: Event, *, line: str | None) -> bool:
        """Whether an event is to be delivered.

        Args:
            event: from the ledger.
            line: of the event's station; None where that is not known.
        """
        return event.type in self.event_types and self.passes(event.station, line=line, data=event.data)

    def passes(self, station: str | None, *, line: str | None, data: Mapping[str, Any]) -> bool:
        """Whether an event of a wanted type is to be delivered."""
        return (
            _passes(self.stations, station)
            and _passes(self.lines, line)
            and _passes(self.products, product_of(data))
            and _passes(self.verdicts, _text(data.get("verdict")))
        )


def product_of(data: Mapping[str, Any]) -> str | None:
    """The product that an event's data names, at the top or in its production context; None where it names none."""
    context = data.get("context")
    within = context.get("product") if isinstance(context, Mapping) else None
    return _text(data.get("product")) or _text(within)


def _passes(wanted: frozenset[str], found: str | None) -> bool:
    return not wanted or found is None or found in wanted


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
