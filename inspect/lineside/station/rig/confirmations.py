"""Confirmations across a cable that can break: a numbered ring on the PLC's side, a reader on the station's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from lineside.station.rig.records import Confirmation

RING_SLOTS: Final = 8
"""How many the PLC keeps; a station that reads every few milliseconds misses none."""
_COUNTS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ConfirmationRing:
    """The last confirmations as the PLC shows them.

    Attributes:
        count: how many there were in all, modulo 65,536.
        slots: `RING_SLOTS` of them; the n-th confirmation (from 1) stands in slot (n - 1) modulo `RING_SLOTS`. None
            where there was none yet.
    """

    count: int
    slots: tuple[Confirmation | None, ...]

    def __post_init__(self) -> None:
        """Refuse a ring of another size."""
        if len(self.slots) != RING_SLOTS or not 0 <= self.count < _COUNTS:
            raise ValueError(f"ring of {len(self.slots)} with count {self.count}; expected {RING_SLOTS}, 0 to 65535")

    @classmethod
    def of(cls, confirmations: Sequence[Confirmation]) -> Self:
        """The ring of all confirmations so far, oldest first."""
        slots: list[Confirmation | None] = [None] * RING_SLOTS
        first = max(len(confirmations) - RING_SLOTS, 0)
        for index in range(first, len(confirmations)):
            slots[index % RING_SLOTS] = confirmations[index]
        return cls(len(confirmations) % _COUNTS, tuple(slots))


class ConfirmationReader:
    """Gives each confirmation out once. What was there before the first ring is not ours."""

    def __init__(self) -> None:
        self._seen: int | None = None

    def fresh(self, ring: ConfirmationRing) -> tuple[Confirmation, ...]:
        """Those that came since the last ring, oldest first.

        Of more than `RING_SLOTS` the oldest are lost, and their parts stay unconfirmed. A count that went back is a
        PLC that began anew: what it then shows is taken as seen.
        """
        if self._seen is None:
            self._seen = ring.count
            return ()
        came = (ring.count - self._seen) % _COUNTS
        self._seen = ring.count
        if came > _COUNTS // 2:
            return ()
        # Slots go by the count without modulo; 65,536 is a multiple of 8, so the remainder serves.
        numbers = range(ring.count - min(came, RING_SLOTS), ring.count)
        found = (ring.slots[number % RING_SLOTS] for number in numbers)
        return tuple(confirmation for confirmation in found if confirmation is not None)
