"""Keeps the rate cells in step with the ledger.

It reads which quarters of an hour the new events touch, counts those from the inspections in one snapshot, and writes
the counts and how far it got in one transaction. So it may be stopped or killed anywhere, an event may be heeded
twice, and the cells are at every position what a full count would give for all that was touched up to there.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import structlog
from sqlalchemy import Connection

from lineside.serving.clock import Clock
from lineside.serving.ledger import Ledger, LedgerBusy, LedgerClosed, LedgerUnavailable, Transaction
from lineside.serving.rates import projection
from lineside.serving.rates.cells import CODE_VERSION, DAY, Extent
from lineside.serving.rates.projection import Position, Recount

_log = structlog.get_logger(__name__)

_EVENTS_AT_ONCE = 2_000
_DAYS_AT_ONCE = 7
"""Of one station, in a full count: some hundred rows for the writer, so that no verdict waits long."""
_TOO_FAR_BEHIND = 200_000
"""Events after which a full count is quicker than reading them."""

_AT_MOST_EVERY_S = 1.0
_REST_PER_WORK = 4.0  # at most a fifth of one core, whatever the line's speed: verdicts come first
_WAIT_S = 30.0
_RETRY_S = 5.0


class RateProjector:
    """Follows the log with the rate cells.

    Args:
        ledger: the plant's, opened as its writer.
        clock: measures the work.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._wanted = asyncio.Event()
        self._is_out_of_step = False

    async def run_forever(self) -> None:
        """Follow until `stop`; an unusable ledger is said once and tried again."""
        while not self._stopping.is_set():
            began_s = self._clock.monotonic()
            try:
                position = await self.step()
                if self._is_out_of_step:
                    self._is_out_of_step = False
                    _log.info("rates_follow_again", sequence=position.sequence)
                worked_s = self._clock.monotonic() - began_s
                await self._rest(max(_AT_MOST_EVERY_S, _REST_PER_WORK * worked_s))
                if not self._stopping.is_set() and position.sequence >= self._ledger.last_sequence:
                    await self._wait_for_event(position.sequence)
            except LedgerClosed:
                return
            except (LedgerUnavailable, LedgerBusy) as error:
                if not self._is_out_of_step:
                    self._is_out_of_step = True
                    _log.warning("rates_stand_still", reason=str(error))
                await self._rest(_RETRY_S)

    def stop(self) -> None:
        """End `run_forever`."""
        self._stopping.set()

    async def settle(self) -> Position:
        """Go on until the cells hold everything that is in the ledger now."""
        last = self._ledger.last_sequence
        while True:
            position = await self.step()
            if position.sequence >= last:
                return position

    async def step(self) -> Position:
        """Heed the next events, or count everything where the cells cannot be built upon.

        Returns:
            Where the cells are now.

        Raises:
            LedgerUnavailable, LedgerBusy, LedgerClosed: nothing was written.
        """
        async with self._one_at_a_time:
            found = await self._ledger.read(partial(projection.read_position, plant=self._ledger.plant))
            if found is None or found.rebuilding or found.code_version != CODE_VERSION:
                return await self._rebuild()
            if self._ledger.last_sequence - found.sequence > _TOO_FAR_BEHIND:
                return await self._rebuild()
            return await self._follow(found)

    async def request_rebuild(self) -> None:
        """Have every cell counted anew from the inspections; a restart in between does not forget it."""
        async with self._one_at_a_time:
            sequence = self._ledger.last_sequence
            await self._ledger.write(
                lambda transaction: projection.write_position(transaction, sequence=sequence, rebuilding=True)
            )
            self._wanted.set()

    async def _follow(self, position: Position) -> Position:
        plant = self._ledger.plant

        def count(connection: Connection) -> tuple[int, Recount]:
            last, extents = projection.changed_extents(
                connection, plant, after=position.sequence, limit=_EVENTS_AT_ONCE
            )
            return last, projection.recount(connection, plant, extents)

        last, counted = await self._ledger.read(count)
        if last == position.sequence:
            return position

        def write(transaction: Transaction) -> Position:
            projection.replace_cells(transaction, counted)
            return projection.write_position(transaction, sequence=last, rebuilding=False)

        return await self._ledger.write(write)

    async def _rebuild(self) -> Position:
        plant = self._ledger.plant
        sequence = self._ledger.last_sequence
        _log.info("rates_rebuild_begins", sequence=sequence)
        await self._ledger.write(
            lambda transaction: projection.write_position(transaction, sequence=sequence, rebuilding=True)
        )
        for station in await self._ledger.read(partial(projection.stations_of, plant=plant)):
            for days in await self._ledger.read(partial(_weeks_of, plant=plant, station=station)):
                counted = await self._ledger.read(partial(projection.recount, plant=plant, extents=(days,)))
                await self._ledger.write(partial(projection.replace_cells, counted=counted))

        position = await self._ledger.write(
            lambda transaction: projection.write_position(transaction, sequence=sequence, rebuilding=False)
        )
        _log.info("rates_rebuilt", sequence=sequence)
        return position

    async def _wait_for_event(self, sequence: int) -> None:
        waits = (
            asyncio.ensure_future(self._ledger.wait_for_event(sequence, timeout_s=_WAIT_S)),
            asyncio.ensure_future(self._stopping.wait()),
            asyncio.ensure_future(self._wanted.wait()),
        )
        _, unfinished = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        self._wanted.clear()
        for task in unfinished:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _weeks_of(connection: Connection, plant: str, station: str) -> Sequence[Extent]:
    """The UTC days from a station's first to its last inspection or cell, some at a time."""
    span = projection.opened_between(connection, plant, station)
    if span is None:
        return ()
    first, end = DAY.floor(span[0]), DAY.floor(span[1]) + DAY.length
    step = _DAYS_AT_ONCE * DAY.length
    starts = (first + number * step for number in range(-((first - end) // step)))
    return tuple(Extent(station, start, min(start + step, end)) for start in starts)
