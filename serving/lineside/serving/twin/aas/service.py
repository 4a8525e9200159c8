"""The twin's present state: built when somebody asks, kept for a moment, never on the event loop."""

import asyncio
from typing import TYPE_CHECKING, Final

from lineside.serving.clock import Clock
from lineside.serving.twin.aas.facts import PlantFacts
from lineside.serving.twin.aas.reading import TwinReader

if TYPE_CHECKING:
    from lineside.serving.twin.aas.packages import TwinState

KEPT_FOR_S: Final = 1.0
"""A program that walks through a twin asks many times a second; it then sees one state of it, mostly."""

_REST: Final = 10.0
"""Times as long as it took to build: however many lines there are and however often somebody asks, building takes a
tenth of one processor core at most, and verdicts have the rest. One line takes some 30 ms."""

_KEPT_AT_MOST_S: Final = 10.0
"""Older than that a state is never, also where a machine is so busy that building takes seconds."""


class TwinService:
    """Gives the state of the twin.

    Args:
        reader: reads the facts.
        clock: tells how old the state is.
    """

    def __init__(self, reader: TwinReader, *, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._building = asyncio.Lock()
        self._state: TwinState | None = None
        self._kept_until_s = 0.0

    async def state(self) -> "TwinState":
        """The state, one second old, or up to ten where building takes long; one caller builds, the others wait.

        Raises:
            LedgerUnavailable: the database cannot be read.
        """
        async with self._building:
            begun_s = self._clock.monotonic()
            if self._state is not None and begun_s < self._kept_until_s:
                return self._state
            facts = await self._reader.read()
            self._state = await asyncio.to_thread(_build, facts)
            now_s = self._clock.monotonic()
            self._kept_until_s = now_s + min(max(KEPT_FOR_S, _REST * (now_s - begun_s)), _KEPT_AT_MOST_S)
            return self._state


def _build(facts: PlantFacts) -> "TwinState":
    # The library is half a second's import, and most servers are never asked.
    from lineside.serving.twin.aas.shells import build_twin

    return build_twin(facts)
