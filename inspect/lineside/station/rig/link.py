"""A connection that may break: bounded in time, given up whole at the first error, taken up again at a pace."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, TypeVar

from lineside.client.backoff import Backoff
from lineside.client.clock import Clock
from lineside.station.rig.errors import RigLost, RigUnreadable

Connection = TypeVar("Connection")
Answer = TypeVar("Answer")
_CLOSING_S: Final = 0.5


class Link(Generic[Connection]):
    """One connection at a time, used by one caller at a time.

    After an error nothing of the connection is used again: an answer that was on its way could otherwise be taken for
    that of the next question. Connecting may take longer than an exchange; it then goes on beside the station's scan.

    Args:
        name: of the PLC in messages; without secrets.
        connect: opens a connection.
        close: closes one, also a broken one.
        broken: the errors by which the library says that the exchange failed.
        timeout_s: bound of one use.
        connect_timeout_s: bound of connecting.
        backoff: waits between tries to connect.
        clock: the station's.
        rng: the waits' jitter.
    """

    def __init__(
        self,
        name: str,
        *,
        connect: Callable[[], Awaitable[Connection]],
        close: Callable[[Connection], Awaitable[None]],
        broken: tuple[type[Exception], ...],
        timeout_s: float,
        connect_timeout_s: float,
        backoff: Backoff,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        self._name = name
        self._connect = connect
        self._close = close
        self._broken = broken
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._backoff = backoff
        self._clock = clock
        self._rng = rng if rng is not None else random.Random()  # noqa: S311 - jitter
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._waits_s: Iterator[float] | None = None
        self._not_before_s = 0.0
        self.connections = 0
        """How often it was connected."""

    async def use(self, exchange: Callable[[Connection], Awaitable[Answer]], *, may_connect: bool) -> Answer:
        """Exchange something.

        Args:
            exchange: what is done with the connection.
            may_connect: whether a connection is opened where there is none: the first exchange of a scan, reading, may;
                the last one, writing, shows that the link is whole, and only then do waits begin short again.

        Raises:
            RigLost: not within the bound, or not at all.
        """
        if self._connection is None and not may_connect:
            raise RigLost(f"{self._name}: not connected")
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = self._connection if self._connection is not None else await self._connected()
                answer = await exchange(connection)
        except TimeoutError as late:
            if self._connecting is not None and not self._connecting.done():
                raise RigLost(f"{self._name}: still connecting") from late
            await self._give_up()
            raise RigLost(f"{self._name}: no answer within {self._timeout_s * 1000:.0f} ms") from late
        except RigUnreadable:
            await self._give_up()
            raise
        except self._broken as error:
            if not isinstance(error, _NotYet):
                await self._give_up()
            raise RigLost(f"{self._name}: {error or type(error).__name__}") from error
        except BaseException:  # cancelled in the middle: the answer on its way must not meet the next question
            await self._give_up()
            raise
        if not may_connect:
            self._waits_s = None
        return answer

    async def close(self) -> None:
        """Let the connection go, if there is one."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError, TimeoutError, *self._broken):
                self._connection = await connecting
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(TimeoutError, *self._broken):  # it may have been broken before
                async with asyncio.timeout(_CLOSING_S):
                    await self._close(connection)

    async def _connected(self) -> Connection:
        if self._connecting is None:
            if self._clock.monotonic() < self._not_before_s:
                raise _NotYet("not connected; the next try comes later")
            self._connecting = asyncio.create_task(self._connect_bounded(), name=f"connect {self._name}")
        # Shielded: a scan that cannot wait longer leaves the connection to the next one.
        self._connection = await asyncio.shield(self._connecting)
        self._connecting = None
        self.connections += 1
        return self._connection

    async def _connect_bounded(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._connect()
        except TimeoutError as late:
            raise RigLost(f"no connection within {self._connect_timeout_s * 1000:.0f} ms") from late

    async def _give_up(self) -> None:
        await self.close()
        if self._waits_s is None:
            self._waits_s = self._backoff.waits_s(self._rng)
        self._not_before_s = self._clock.monotonic() + next(self._waits_s)


class _NotYet(RigLost):
    """It is too early to try again."""
