"""Following the log's inspections, right behind the verdicts and never before one, while somebody waits for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection, select

from lineside.inspection.errors import LinesideError
from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import Ledger, LedgerClosed
from lineside.serving.ledger.tables import events

_log = structlog.get_logger(__name__)

_EVENTS_AT_ONCE: Final = 200
_REST_PER_WORK: Final = 4.0  # at most a fifth of one core, however far behind: verdicts come first
_WAIT_S: Final = 30.0
_RETRY_S: Final = 5.0
_INSPECTION_EVENT: Final = "inspection.v1"


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """An attempt that has its verdict.

    Attributes:
        sequence: of its event in the log.
        inspection_id: the attempt's identifier.
        station: where.
        part_id: the part.
        order_id: the order that it was made for; None without one.
        verdict: what was said of it.
    """

    sequence: int
    inspection_id: str
    station: str
    part_id: str
    order_id: str | None
    verdict: Verdict


class InspectionFollower:
    """Hands judged parts, in the log's order, to one who waits for them.

    A part may be handed over again after a failure, never left out.

    Args:
        ledger: the plant's, opened as its writer.
        take: is given some judged parts.
        is_waiting: whether anybody waits for parts; while nobody does, nothing is read.
        rest_s: seconds between two looks at least, so that fast lines cost little.
    """

    def __init__(
        self,
        ledger: Ledger,
        take: Callable[[Sequence[JudgedPart]], Awaitable[None]],
        *,
        is_waiting: Callable[[], bool],
        rest_s: float,
    ) -> None:
        self._ledger = ledger
        self._take = take
        self._is_waiting = is_waiting
        self._rest_s = rest_s
        self._position: int | None = None
        self._one_at_a_time = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._stopping = asyncio.Event()
        self._has_failed = False

    def follow_from(self, sequence: int) -> None:
        """Hand over what is later in the log than `sequence`, again if need be."""
        self._position = sequence if self._position is None else min(self._position, sequence)
        self._wanted.set()

    def stop(self) -> None:
        """End `run_forever` soon."""
        self._stopping.set()

    async def run_forever(self) -> None:
        """Follow until `stop`; an unusable ledger is said once and tried again."""
        while not self._stopping.is_set():
            if not self._is_waiting():
                self._position = None
                self._wanted.clear()
                await self._first_of(self._wanted.wait())
                continue
            began_s = asyncio.get_running_loop().time()
            try:
                is_at_end = await self.step()
            except LedgerClosed:
                return
            except (LinesideError, OSError) as error:
                if not self._has_failed:
                    _log.error("inspections_not_followed", reason=str(error))
                self._has_failed = True
                await self._first_of(asyncio.sleep(_RETRY_S))
                continue
            if self._has_failed:
                _log.info("inspections_followed_again", sequence=self._position)
            self._has_failed = False
            worked_s = asyncio.get_running_loop().time() - began_s
            await self._first_of(asyncio.sleep(max(self._rest_s, _REST_PER_WORK * worked_s)))
            if is_at_end and self._position is not None:
                await self._first_of(self._ledger.wait_for_event(self._position, timeout_s=_WAIT_S))

    async def step(self) -> bool:
        """Read on, and hand over what came.

        Returns:
            Whether that was all.
        """
        async with self._one_at_a_time:
            return await self._step()

    async def _step(self) -> bool:
        begin = self._ledger.last_sequence if self._position is None else self._position
        end, judged = await self._ledger.read(partial(_judged_after, plant=self._ledger.plant, sequence=begin))
        if self._position is None or self._position >= begin:
            self._position = end  # unless somebody asked for earlier ones meanwhile
        try:
            if judged:
                await self._take(judged)
        except BaseException:
            self._position = begin if self._position is None else min(self._position, begin)
            raise
        return end - begin < _EVENTS_AT_ONCE

    async def settle(self) -> None:
        """Hand over everything that is in the log now."""
        while self._is_waiting() and not await self.step():
            pass

    async def _first_of(self, waiting: Awaitable[object]) -> None:
        """Wait for it, or for the end."""
        tasks = (asyncio.ensure_future(waiting), asyncio.ensure_future(self._stopping.wait()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError, LinesideError):
                    await task


def _judged_after(connection: Connection, plant: str, *, sequence: int) -> tuple[int, Sequence[JudgedPart]]:
    """How far the next piece of the log reaches, and the judged parts in it."""
    last = connection.execute(
        select(events.c.sequence)
        .where(events.c.plant == plant, events.c.sequence > sequence)
        .order_by(events.c.sequence)
        .limit(_EVENTS_AT_ONCE)
    ).scalars()
    end = max(last, default=sequence)
    rows = connection.execute(
        select(events.c.sequence, events.c.data)
        .where(
            events.c.plant == plant,
            events.c.type == _INSPECTION_EVENT,
            events.c.sequence > sequence,
            events.c.sequence <= end,
        )
        .order_by(events.c.sequence)
    )
    judged = [
        JudgedPart(
            sequence=row.sequence,
            inspection_id=row.data["id"],
            station=row.data["station"],
            part_id=row.data["part_id"],
            order_id=row.data["order_id"],
            verdict=Verdict(row.data["verdict"]),
        )
        for row in rows
    ]
    return end, judged
