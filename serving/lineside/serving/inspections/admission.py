"""Who gets in: a bounded number of frames, and only those that can still make their deadline."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lineside.serving.clock import Clock
from lineside.serving.errors import Shed

_SMOOTHING = 0.1  # weight of the newest service time in the running mean: about the last 20 frames count


class Admission:
    """Bounded admission with a running estimate of how long a frame waits.

    A frame is shed at the door, before its body is read, when the bound is reached or when the estimated wait and
    service would pass its deadline: a late verdict helps nobody and delays those behind it. A frame that finds
    nobody inside is always admitted, or one slow frame could shut the door for good.

    Args:
        bound: frames inside at once, running or waiting.
        parallel: frames that run at once.
        clock: for durations.
    """

    def __init__(self, *, bound: int, parallel: int, clock: Clock) -> None:
        self._bound = bound
        self._parallel = parallel
        self._clock = clock
        self._running = asyncio.Semaphore(parallel)
        self._inside = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._service_s = 0.0

    @property
    def inside(self) -> int:
        """Frames admitted and not yet answered."""
        return self._inside

    @property
    def service_s(self) -> float:
        """Running mean of the time one frame takes once it runs, in seconds; 0 before the first."""
        return self._service_s

    def estimated_wait_s(self) -> float:
        """How long a frame that came now would wait for its turn, in seconds."""
        ahead = max(0, self._inside - self._parallel + 1)
        return ahead * self._service_s / self._parallel

    @asynccontextmanager
    async def enter(self, budget_s: float) -> AsyncIterator[None]:
        """Be inside for the length of the block.

        Args:
            budget_s: seconds until the frame's deadline.

        Raises:
            Shed: the bound is reached, or the deadline cannot be met.
        """
        wait_s = self.estimated_wait_s()
        retry_after_s = max(1, math.ceil(wait_s))
        if self._inside >= self._bound:
            raise Shed(
                f"{self._inside} frames are inside and the bound is {self._bound}: treat this part as "
                f"NOT_INSPECTED or send it again in {retry_after_s} s",
                retry_after_s=retry_after_s,
            )
        if self._inside > 0 and wait_s + self._service_s > budget_s:
            raise Shed(
                f"a verdict would take {wait_s + self._service_s:.3f} s and the deadline is in {budget_s:.3f} s: "
                f"treat this part as NOT_INSPECTED or send it again in {retry_after_s} s",
                retry_after_s=retry_after_s,
            )
        self._come_in()
        try:
            yield
        finally:
            self._leave()

    async def wait_until_idle(self) -> None:
        """Wait until nobody is inside: what nobody waits for may run then."""
        await self._idle.wait()

    def keep_inside(self, task: asyncio.Task[Any]) -> None:
        """Count work that outlives its request, so that a stalled engine fills the room instead of the memory."""
        self._come_in()
        task.add_done_callback(lambda _: self._leave())

    def _come_in(self) -> None:
        self._inside += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self._idle.set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Take a turn on the processor; the time inside the block feeds the estimate."""
        async with self._running:
            started_s = self._clock.monotonic()
            try:
                yield
            finally:
                taken_s = self._clock.monotonic() - started_s
                mean_s = self._service_s or taken_s
                self._service_s = mean_s + _SMOOTHING * (taken_s - mean_s)
