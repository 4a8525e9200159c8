"""Tells waiting coroutines, on whatever event loop, that the chain has grown."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Waiter:
    after_sequence: int
    loop: asyncio.AbstractEventLoop
    woken: asyncio.Future[None]

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


class CommitSignal:
    """The last durable sequence number, and who waits for it to grow; thread-safe.

    Args:
        sequence: where the chain ends now.
    """

    def __init__(self, sequence: int) -> None:
        self._lock = threading.Lock()
        self._sequence = sequence
        self._waiters: list[_Waiter] = []

    @property
    def sequence(self) -> int:
        """The last durable sequence number."""
        return self._sequence

    def announce(self, sequence: int) -> None:
        """Say, from any thread, that the chain is durable up to `sequence`."""
        with self._lock:
            self._sequence = sequence
            ready = [waiter for waiter in self._waiters if waiter.after_sequence < sequence]
            self._waiters = [waiter for waiter in self._waiters if waiter.after_sequence >= sequence]
        for waiter in ready:
            with contextlib.suppress(RuntimeError):  # its loop closed meanwhile: nobody waits there any more
                waiter.loop.call_soon_threadsafe(waiter.wake)

    async def wait_past(self, after_sequence: int, *, timeout_s: float) -> bool:
        """Wait until an event after `after_sequence` is durable; False if none came in time."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(after_sequence, loop, loop.create_future())
        with self._lock:
            if self._sequence > after_sequence:
                return True
            self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter.woken
        except TimeoutError:
            return False
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        return True
