"""A thread of its own for calls that block: a camera's library never holds up the station's event loop.

Its thread is a daemon, because a vendor's library may never come back from a call: such a call is given up, and the
thread with it, but the station goes on and can end.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

_Work = Callable[[], None]


class DriverThread:
    """Runs calls one after another, in order, on one thread.

    Args:
        name: of the thread, for whoever looks at a dump of all of them.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._is_given_up = False
        self._thread.start()

    @property
    def is_given_up(self) -> bool:
        """Whether a call did not return in time: the thread may hang, and nothing more is asked of it."""
        return self._is_given_up

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Have a call made after those before it; a future cancelled in time is never begun."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised where the future is awaited, whatever it is
                future.set_exception(error)

        self._calls.put(call)
        return future

    async def call(self, work: Callable[[], T], *, timeout_s: float) -> T:
        """Await a call's end without blocking the loop.

        Cancelling the caller cancels a call not yet begun; one that runs comes to its end on the thread.

        Raises:
            TimeoutError: it did not return in time; from now on `is_given_up`.
        """
        if self._is_given_up:
            raise TimeoutError
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self.submit(work)), timeout_s)
        except TimeoutError:
            self._is_given_up = True
            raise

    def end(self) -> None:
        """Let the thread end after the calls that it has; does not wait."""
        self._calls.put(None)

    def _run(self) -> None:
        while (work := self._calls.get()) is not None:
            work()
