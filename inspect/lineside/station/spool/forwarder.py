"""The way from the spool to the server: one record at a time, in order, again until it is there or refused for good."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from lineside.client import (
    AnswerUnreadable,
    KeyRefused,
    LinesideClient,
    NothingThere,
    Pace,
    RequestRefused,
    Shed,
    TryAgainLater,
)
from lineside.client.backoff import Backoff
from lineside.station.spool.errors import DiskFull, RecordContradicts, SpoolBroken
from lineside.station.spool.handing_in import HandingIn, StillOpen
from lineside.station.spool.outbox import WaitingRecord
from lineside.station.spool.spool import Spool

BACKOFF: Final = Backoff(first_s=0.25, longest_s=30.0)
"""Waits while the server is away: stations that were cut off together do not come back together."""

_PASSING_STATUS: Final = frozenset({408, 425, 429})
_MOST_OPEN_TRIES: Final = 12  # with the backoff above some minutes; a recipe's deadline is seconds

_log = structlog.get_logger("lineside.station")


@dataclass(frozen=True, slots=True)
class ForwarderState:
    """How it stands with the forwarding.

    Attributes:
        sent: records that the server took since the start.
        parked: records that were put aside since the start.
        trouble: why nothing is sent now; None while it flows.
    """

    sent: int = 0
    parked: int = 0
    trouble: str | None = None


class _Held(Exception):
    """The record waits; the message says for what."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Forwarder:
    """Empties a spool into a server.

    Args:
        spool: open; closed by its owner after `run` has ended.
        client: entered by the caller, with a key of role station and a patience that suits a picture's upload.
        pace: waits and jitter.
        idle_s: how long an empty spool is left alone when nobody calls `wake`.
    """

    def __init__(self, spool: Spool, client: LinesideClient, *, pace: Pace | None = None, idle_s: float = 1.0) -> None:
        self._spool = spool
        self._handing_in = HandingIn(client, spool.station, is_taken=spool.outbox.is_taken)
        self._pace = pace or Pace(backoff=BACKOFF)
        self._idle_s = idle_s
        self._news = asyncio.Event()
        self._open_tries = 0
        self.state = ForwarderState()

    def wake(self) -> None:
        """Something was recorded: look at once. Call it on the event loop."""
        self._news.set()

    async def run(self) -> None:
        """Forward until cancelled; a server that is away and a disk that fails are tried again and again."""
        waits_s = self._pace.backoff.waits_s(self._pace.rng)
        while True:
            try:
                await self._drain()
            except _Held as held:
                self._note(str(held))
                await self._pace.sleep(max(next(waits_s), held.retry_after_s))
                continue
            waits_s = self._pace.backoff.waits_s(self._pace.rng)
            await self._rest()

    async def drain(self) -> bool:
        """Forward what can be forwarded now; says whether nothing waits any more."""
        try:
            await self._drain()
        except _Held as held:
            self._note(str(held))
            return False
        return True

    async def _drain(self) -> None:
        try:
            while True:
                self._news.clear()
                record = await asyncio.to_thread(self._spool.outbox.first)
                if record is None:
                    return
                await self._forward(record)
        except (DiskFull, SpoolBroken) as error:
            # What the server took and the disk did not note is handed in again, and the server gives the same answer:
            # only by going on can a full disk get the room that the pictures take.
            raise _Held(str(error)) from error

    async def _forward(self, record: WaitingRecord) -> None:
        try:
            inspection_id = await self._handing_in.hand_in(record)
        except StillOpen as waiting:
            await self._wait_for_closing(record, waiting)
            return
        except TryAgainLater as error:
            raise _Held(str(error), retry_after_s=error.retry_after_s if isinstance(error, Shed) else 0.0) from error
        except AnswerUnreadable as error:
            raise _Held(str(error)) from error
        except RequestRefused as refusal:
            if _may_pass(refusal):
                raise _Held(str(refusal)) from refusal
            await self._park(record, str(refusal))
            return
        self._open_tries = 0
        try:
            await asyncio.to_thread(self._spool.outbox.settle, record, inspection_id=inspection_id)
        except RecordContradicts as error:  # another part came to have it meanwhile: the next try sees that
            raise _Held(str(error)) from error
        self._flows(sent=1)

    async def _wait_for_closing(self, record: WaitingRecord, waiting: StillOpen) -> None:
        self._open_tries += 1
        if self._open_tries < _MOST_OPEN_TRIES:
            raise _Held(str(waiting)) from waiting
        await self._park(record, str(waiting))

    async def _park(self, record: WaitingRecord, trouble: str) -> None:
        self._open_tries = 0
        await asyncio.to_thread(self._spool.outbox.park, record, trouble=trouble)
        _log.error("record_parked", kind=record.kind.value, id=record.id, why=trouble)
        self._flows(parked=1)

    def _flows(self, *, sent: int = 0, parked: int = 0) -> None:
        if self.state.trouble is not None:
            _log.info("forwarding_again")
        self.state = ForwarderState(self.state.sent + sent, self.state.parked + parked)

    def _note(self, trouble: str) -> None:
        if self.state.trouble is None:
            _log.warning("forwarding_waits", why=trouble)
        self.state = ForwarderState(self.state.sent, self.state.parked, trouble)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._idle_s):
                await self._news.wait()
        except TimeoutError:
            return


def _may_pass(refusal: RequestRefused) -> bool:
    """Whether it is not this record that is refused: a key, an unknown station, a proxy, a server of another version.

    Nothing is put aside for those; a person must act, and then everything goes on.
    """
    if isinstance(refusal, KeyRefused) or refusal.problem.status in _PASSING_STATUS:
        return True
    return isinstance(refusal, NothingThere) and refusal.problem.kind in {"blank", "about:blank", "unknown-station"}
