"""A connection that may break: bounded in time, given up whole at the first error, taken up again at a pace."""

import asyncio
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
    that of the next question.

    Args:
        name: of the PLC in messages; without secrets.
        connect: opens a connection.
        close: closes one, also a broken one.
        broken: the errors by which the library says that the exchange failed.
        timeout_s: bound of one use, connecting included.
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
        backoff: Backoff,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        self._name = name
        self._connect = connect
        self._close = close
        self._broken = broken
        self._timeout_s = timeout_s
        self._backoff = backoff
        self._clock = clock
        self._rng = rng if rng is not None else random.Random()  # noqa: S311 - jitter
        self._connection: Connection | None = None
        self._waits_s: Iterator[float] | None = None
        self._not_before_s = 0.0
        self.connections = 0
        """How often it was connected."""

    async def use(self, exchange: Callable[[Connection], Awaitable[Answer]], *, may_connect: bool) -> Answer:
        """Exchange something.

        Args:
            exchange: what is done with the connection.
            may_connect: whether a connection is opened where there is none.

        Raises:
            RigLost: not within the bound, or not at all.
        """
        is_fresh = self._connection is None
        if is_fresh and not may_connect:
            raise RigLost(f"{self._name}: not connected")
        if is_fresh and self._clock.monotonic() < self._not_before_s:
            raise RigLost(f"{self._name}: not connected; the next try comes later")
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._connection is None:
                    self._connection = await self._connect()
                    self.connections += 1
                answer = await exchange(self._connection)
        except TimeoutError as late:
            await self._give_up()
            raise RigLost(f"{self._name}: no answer within {self._timeout_s * 1000:.0f} ms") from late
        except RigUnreadable:
            await self._give_up()
            raise
        except self._broken as error:
            await self._give_up()
            raise RigLost(f"{self._name}: {error or type(error).__name__}") from error
        except BaseException:  # cancelled in the middle: the answer on its way must not meet the next question
            await self._give_up()
            raise
        self._waits_s = None
        return answer

    async def close(self) -> None:
        """Let the connection go, if there is one."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(_CLOSING_S):
                await self._close(connection)
        except TimeoutError:
            pass
        except self._broken:
            pass  # it was broken before

    async def _give_up(self) -> None:
        await self.close()
        if self._waits_s is None:
            self._waits_s = self._backoff.waits_s(self._rng)
        self._not_before_s = self._clock.monotonic() + next(self._waits_s)
