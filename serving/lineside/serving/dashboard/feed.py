"""Keeps the page's state up with the ledger: one reader for all who look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lineside.serving.dashboard.line_state import REMEMBERED, LineState
from lineside.serving.ledger import Ledger, LedgerClosed, LedgerUnavailable

_log = structlog.get_logger(__name__)
_WAIT_S: Final = 30.0
_RETRY_S: Final = 2.0
_PACE_S: Final = 0.5  # events are read together: a read after each verdict took its time from the next part's
_BATCH: Final = 200
_LOOK_BACK: Final = 2 * REMEMBERED  # beside each verdict there may be a review, a disposition, an order


class LineFeed:
    """The state of the line, as of the last event that is durable.

    Attributes:
        state: what to show.
        is_stale: whether the ledger could not be read the last time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.state = LineState()
        self.is_stale = False
        self._ledger = ledger

    @asynccontextmanager
    async def following(self) -> AsyncIterator["LineFeed"]:
        """Follow the ledger for the length of the block."""
        task = asyncio.create_task(self._follow(), name="dashboard-feed")
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        self.state.sequence = max(0, self._ledger.last_sequence - _LOOK_BACK)
        while True:
            try:
                await self._read_on()
                self.is_stale = False
                await self._ledger.wait_for_event(self.state.sequence, timeout_s=_WAIT_S)
                await asyncio.sleep(_PACE_S)
            except LedgerClosed:
                return
            except LedgerUnavailable as error:
                if not self.is_stale:
                    _log.warning("dashboard_feed_stands_still", reason=str(error))
                self.is_stale = True
                await asyncio.sleep(_RETRY_S)

    async def _read_on(self) -> None:
        while events := await self._ledger.events_after(self.state.sequence, limit=_BATCH):
            for event in events:
                self.state.apply(event)
