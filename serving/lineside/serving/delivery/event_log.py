"""The plant's events, for readers beside the server."""

import asyncio
import contextlib
from typing import Protocol

import structlog
from sqlalchemy import Connection, func, select

from lineside.serving.ledger import Event, Ledger, LedgerError
from lineside.serving.ledger.tables import events

_log = structlog.get_logger(__name__)


class EventLog(Protocol):
    """Events in order, and when there are more."""

    @property
    def head(self) -> int:
        """The last sequence number that is known of; there may be later ones."""
        ...

    async def events_after(self, sequence: int, *, limit: int) -> tuple[Event, ...]:
        """Up to `limit` events that follow `sequence`.

        Raises:
            LedgerError: they cannot be read now.
        """
        ...

    async def wait_past(self, sequence: int, *, timeout_s: float) -> bool:
        """Wait until there is an event after `sequence`; False if none came in time."""
        ...


class LedgerTail:
    """The ledger's events, read beside the server that writes them.

    One small query asks, every few hundredths of a second and for all readers together, how long the log is.

    Args:
        ledger: open to read.
        poll_s: seconds between two looks.
    """

    def __init__(self, ledger: Ledger, *, poll_s: float = 0.05) -> None:
        self._ledger = ledger
        self._poll_s = poll_s
        self._head = 0
        self._grew = asyncio.Condition()

    @property
    def head(self) -> int:
        """The last sequence number that the last look found."""
        return self._head

    async def follow(self) -> None:
        """Look at the log until cancelled."""
        is_readable = True
        while True:
            try:
                head = await self._ledger.read(self._read_head)
            except LedgerError as error:
                if is_readable:
                    _log.warning("ledger_not_readable", reason=str(error))
                is_readable = False
            else:
                is_readable = True
                if head != self._head:
                    async with self._grew:
                        self._head = head
                        self._grew.notify_all()
            await asyncio.sleep(self._poll_s)

    async def events_after(self, sequence: int, *, limit: int) -> tuple[Event, ...]:
        """Up to `limit` events that follow `sequence`."""
        return await self._ledger.events_after(sequence, limit=limit)

    async def wait_past(self, sequence: int, *, timeout_s: float) -> bool:
        """Wait until there is an event after `sequence`; False if none came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._grew:
                await self._grew.wait_for(lambda: self._head > sequence)
        return self._head > sequence

    def _read_head(self, connection: Connection) -> int:
        query = select(func.max(events.c.sequence)).where(events.c.plant == self._ledger.plant)
        return connection.execute(query).scalar_one() or 0
