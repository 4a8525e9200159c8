"""Topics of the plain JSON mode: a template with the event's place and type in it."""

import string
from dataclasses import dataclass
from typing import Final

from lineside.serving.delivery.mqtt.messages import level
from lineside.serving.ledger import Event

DEFAULT_TEMPLATE: Final = "lineside/{plant}/{line}/{station}/{type}"
PLACEHOLDERS: Final = ("plant", "line", "station", "type")
NOWHERE: Final = "-"
"""The level of a station or line where the event has none: a deployment, a hold of a lot."""

_LONGEST_TEMPLATE: Final = 1000


@dataclass(frozen=True, slots=True)
class TopicTemplate:
    """Where events go.

    Attributes:
        text: levels with placeholders in braces; `{type}` must be among them, so that a consumer knows what it reads.
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no topic, or would put every event into one."""
        expected = f"expected a topic with {', '.join('{' + name + '}' for name in PLACEHOLDERS)} in it"
        try:
            parts = list(string.Formatter().parse(self.text))
        except ValueError as error:
            raise ValueError(f"topic {self.text!r}: {error}; {expected}") from error
        fields = {name for _, name, _, _ in parts if name is not None}
        plain = all(not format_ and not conversion for _, _, format_, conversion in parts)
        fixed = "".join(literal for literal, _, _, _ in parts)
        if not fields.issubset(PLACEHOLDERS) or "type" not in fields or not plain:
            raise ValueError(f"topic {self.text!r}: {expected}, at least {{type}}")
        if any(sign in fixed for sign in "+#\x00") or fixed.startswith("$") or len(self.text) > _LONGEST_TEMPLATE:
            raise ValueError(f"topic {self.text!r}: no '+', '#' or leading '$', and at most {_LONGEST_TEMPLATE} signs")

    def topic_of(self, event: Event, *, line: str | None) -> str:
        """The event's topic; reserved signs in names are percent-encoded.

        Args:
            event: from the ledger.
            line: of the event's station; None where the event is of no station.
        """
        return self.text.format(
            plant=level(event.plant),
            line=NOWHERE if line is None else level(line),
            station=NOWHERE if event.station is None else level(event.station),
            type=level(event.type.rpartition(".")[0]),
        )
