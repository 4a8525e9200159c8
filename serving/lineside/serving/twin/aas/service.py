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
        self._state: tuple[float, TwinState] | None = None

    async def state(self) -> "TwinState":
        """The state, at most `KEPT_FOR_S` old; one caller builds it, the others wait.

        Raises:
            LedgerUnavailable: the database cannot be read.
        """
        async with self._building:
            kept = self._state
            if kept is not None and self._clock.monotonic() - kept[0] < KEPT_FOR_S:
                return kept[1]
            facts = await self._reader.read()
            state = await asyncio.to_thread(_build, facts)
            self._state = (self._clock.monotonic(), state)
            return state


def _build(facts: PlantFacts) -> "TwinState":
    # The library is half a second's import, and most servers are never asked.
    from lineside.serving.twin.aas.shells import build_twin

    return build_twin(facts)
