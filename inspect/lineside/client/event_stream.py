"""Server-sent events, followed across lost connections."""

from collections.abc import AsyncIterator

import httpx

from lineside.client.errors import TryAgainLater
from lineside.client.records import LedgerEvent, parse
from lineside.client.sending import Pace, error_of

_SILENCE_S = 60.0  # the server sends a comment every 15 s: after four of them missing the connection is dead


async def follow(
    http: httpx.AsyncClient, pace: Pace, *, after: int, types: frozenset[str]
) -> AsyncIterator[LedgerEvent]:
    """Events after a sequence number, without end and without a gap.

    Raises:
        RequestRefused: the key may not follow the log.
        AnswerUnreadable: the stream is none of ours.
    """
    last = after
    waits_s = pace.backoff.waits_s(pace.rng)
    while True:
        try:
            async for event in _connection(http, after=last):
                if event.sequence <= last:
                    continue
                last = event.sequence
                waits_s = pace.backoff.waits_s(pace.rng)
                if not types or event.type in types:
                    yield event
        except (TryAgainLater, httpx.HTTPError):
            pass  # it comes back, and the stream goes on behind the last event
        await pace.sleep(next(waits_s))


async def _connection(http: httpx.AsyncClient, *, after: int) -> AsyncIterator[LedgerEvent]:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    timeout = httpx.Timeout(10.0, read=_SILENCE_S)
    async with http.stream("GET", "/v1/events", headers=headers, timeout=timeout) as response:
        if not response.is_success:
            await response.aread()
            raise error_of(response)
        data: list[str] = []
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                data.append(line.removeprefix("data:").removeprefix(" "))
            elif not line and data:
                yield parse(LedgerEvent, "\n".join(data))
                data = []
