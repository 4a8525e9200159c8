"""The station's tasks: each has a name, and one that dies is told about, never just gone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

OnDeath = Callable[[str, BaseException], None]

_END_WITHIN_S: Final = 5.0


class Tasks:
    """Keeps tasks alive, and tells of those that die.

    Args:
        on_death: called on the event loop with the name and the error of a task that ended with one.
    """

    def __init__(self, *, on_death: OnDeath) -> None:
        self._on_death = on_death
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin a task."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    @property
    def count(self) -> int:
        """How many run."""
        return len(self._running)

    async def settle(self, *, within_s: float) -> bool:
        """Wait for all that run now, without cutting them off; gives whether they ended in time."""
        if not self._running:
            return True
        _, unfinished = await asyncio.wait(tuple(self._running), timeout=within_s)
        return not unfinished

    async def end(self) -> None:
        """Cancel all and wait for them, for some seconds at most."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_END_WITHIN_S)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_death(task.get_name(), error)
