"""Between the thread that takes frames from a camera and the coroutine that asks for them: bounded, never silent."""

import asyncio
import contextlib
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds the newest few; the oldest falls out when there is no room, and is counted.

    Args:
        capacity: how many it holds, at least 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"mailbox for {capacity}; expected at least 1")
        self._held: deque[T] = deque()
        self._capacity = capacity
        self._fallen_out = 0
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def put(self, item: T) -> None:
        """Add one; called on any thread."""
        with self._lock:
            self._held.append(item)
            if len(self._held) > self._capacity:
                self._held.popleft()
                self._fallen_out += 1
        self._wake()

    def fail(self, error: BaseException) -> None:
        """Nothing more will come: who waits gets `error` once the box is empty. Called on any thread."""
        with self._lock:
            self._failure = error
        self._wake()

    @property
    def failure(self) -> BaseException | None:
        """Why nothing more will come."""
        return self._failure

    def clear(self) -> int:
        """Throw away what is held; returns how many."""
        with self._lock:
            count = len(self._held)
            self._held.clear()
        return count

    def newest(self) -> T | None:
        """The one that was added last and is still held."""
        with self._lock:
            return self._held[-1] if self._held else None

    def clear_through(self, item: T | None) -> int:
        """Throw away what is held up to this one, and no later one; returns how many."""
        with self._lock:
            if all(held is not item for held in self._held):
                return 0
            count = 0
            while True:
                count += 1
                if self._held.popleft() is item:
                    return count

    async def take(self) -> tuple[T, int]:
        """The oldest one, and how many fell out before it since the last call; waits until there is one.

        Raises:
            BaseException: what `fail` was given.
        """
        while True:
            self._changed.clear()
            with self._lock:
                if self._held:
                    fallen_out, self._fallen_out = self._fallen_out, 0
                    return self._held.popleft(), fallen_out
                if self._failure is not None:
                    raise self._failure.with_traceback(None)
            await self._changed.wait()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._changed.set)
