"""Server-sent events (WHATWG HTML, section 9.2) straight from the ledger: nothing is buffered for a slow client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from lineside.inspection.errors import LinesideError
from lineside.serving.events.schemas import EventOut
from lineside.serving.ledger import Event, Ledger
from lineside.serving.shutdown import Shutdown

HEARTBEAT_S: Final = 15.0
"""Below the idle limits of common proxies (30 to 60 s), so that a quiet line keeps its connection."""

BATCH: Final = 100
"""Events read at once: what one client can hold in memory, whatever the length of the log."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a client wants; empty or None lets all through."""

    types: frozenset[str] = field(default_factory=frozenset)
    station: str | None = None

    def wants(self, event: Event) -> bool:
        """Whether an event is among them."""
        return (not self.types or event.type in self.types) and self.station in {None, event.station}


async def event_stream(
    ledger: Ledger,
    wanted: EventFilter,
    *,
    after: int,
    shutdown: Shutdown,
    check_access: Callable[[], Awaitable[object]],
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncIterator[str]:
    """Events after a sequence number, then each new one as soon as it is durable, until the server ends.

    Args:
        ledger: where they are.
        wanted: which of them.
        after: the last sequence number that the client has.
        shutdown: ends the stream.
        check_access: raises once the client's key no longer holds; asked at each heartbeat and each batch.
        heartbeat_s: a comment is sent when nothing else was for that long. It carries the number reached, so that
            a client of few events resumes where the log stands.
    """
    reached = after
    yield "retry: 2000\n\n"
    with contextlib.suppress(LinesideError):  # the key ended, or the ledger closed: so does the stream
        while not shutdown.has_begun:
            events = await ledger.events_after(reached, limit=BATCH)
            for event in events:
                reached = event.sequence
                if wanted.wants(event):
                    yield f"id: {event.sequence}\nevent: {event.type}\ndata: {EventOut.of(event).model_dump_json()}\n\n"
                if shutdown.has_begun:
                    return
            if len(events) < BATCH and not await _news(ledger, reached, shutdown, heartbeat_s):
                yield f": heartbeat\nid: {reached}\n\n"
            await check_access()


async def _news(ledger: Ledger, reached: int, shutdown: Shutdown, timeout_s: float) -> bool:
    """Whether something is to be done before the timeout: a new event, or the end."""
    waiting = asyncio.create_task(ledger.wait_for_event(reached, timeout_s=timeout_s))
    ending = asyncio.create_task(shutdown.wait())
    try:
        done, _ = await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
        return ending in done or waiting.result()
    finally:
        for task in (waiting, ending):
            task.cancel()
        await asyncio.gather(waiting, ending, return_exceptions=True)
