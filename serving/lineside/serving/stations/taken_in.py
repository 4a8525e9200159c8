"""The parts that a station took in last: those being judged are in no ledger yet, and their recipe is bound."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from lineside.serving.stations.order_store import encoder_too_late, part_too_late
from lineside.serving.stations.schemas import EffectiveModel

_MOST_PARTS: Final = 1024  # more than are ever inside the server at once


@dataclass(slots=True)
class TakenIn:
    """A station's newest parts.

    Attributes:
        parts: identifiers, the newest last.
        encoder: encoder count of the newest part that had one.
    """

    parts: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_PARTS))
    encoder: int | None = None

    def add(self, part_id: str, encoder: int | None) -> None:
        """A part came."""
        if not self.parts or self.parts[-1] != part_id:  # the views of one part come one after the other
            self.parts.append(part_id)
        if encoder is not None:
            self.encoder = encoder

    def check_has_not_begun(self, station: str, effective: EffectiveModel) -> None:
        """Refuse a change from a part or position that is over.

        Raises:
            OrderTooLate: the part was taken in, or the newest one was at that encoder count or beyond.
        """
        if effective.part_id is not None and effective.part_id in self.parts:
            raise part_too_late(station, effective.part_id)
        if effective.encoder is not None and self.encoder is not None and self.encoder >= effective.encoder:
            raise encoder_too_late(station, effective.encoder, newest=self.encoder)
