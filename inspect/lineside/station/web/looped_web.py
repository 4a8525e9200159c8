"""A web in a file, mapped into memory and read in a loop at the rate of a line camera.

As a camera does, it keeps lines for a while for a reader that is late, and loses the oldest ones after that: the line
counter goes on, so the gap is seen.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from lineside.client.clock import Clock
from lineside.inspection.frames import Image
from lineside.inspection.strips import LineChunk
from lineside.station.web.errors import LinesRefused
from lineside.station.web.line_sources import SourceTrouble

_LATE_CHUNKS = 64
"""Chunks that a frame grabber keeps for a late reader: 8,192 lines at the usual 128, the better part of a second."""


@dataclass(slots=True)
class LoopedWeb:
    """A web from a file.

    Attributes:
        path: uint8 pixels, line by line, without any header.
        width_px: pixels of a line.
        clock: for the pace and the instants.
        line_rate_hz: lines a second; None gives them as fast as they are taken, and loses none.
        chunk_lines: most lines at a time.
        counts_per_line: encoder counts from one line to the next; negative where counts fall.
        most_lines: where it ends; None is never, for a paced one, and after one pass for the other.
        first_line: counter of the first line.
        sleep: waits so many seconds.
    """

    path: Path
    width_px: int
    clock: Clock
    line_rate_hz: float | None = None
    chunk_lines: int = 128
    counts_per_line: int = 1
    most_lines: int | None = None
    first_line: int = 0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _pixels: Image | None = field(default=None, init=False, repr=False)

    @property
    def is_live(self) -> bool:
        """Whether it keeps the pace of a camera."""
        return self.line_rate_hz is not None

    async def __aenter__(self) -> Self:
        """Map the file.

        Raises:
            LinesRefused: its size is no whole number of lines.
            OSError: it cannot be read.
        """
        size_bytes = self.path.stat().st_size
        if size_bytes == 0 or size_bytes % self.width_px:
            raise LinesRefused(
                f"{self.path} has {size_bytes} bytes, no whole number of lines of {self.width_px} px: "
                "give the width that the web was written with"
            )
        shape = (size_bytes // self.width_px, self.width_px)
        self._pixels = np.memmap(self.path, np.uint8, mode="r", shape=shape)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the file."""
        self._pixels = None

    async def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble]:
        """Lines of the file, around and around."""
        if self._pixels is None:
            raise LinesRefused(f"{self.path} is not open: use it in `async with`")
        pixels = self._pixels
        ends_at = self.most_lines
        if ends_at is None and self.line_rate_hz is None:
            ends_at = len(pixels)
        given = 0
        began_s = self.clock.monotonic()
        while ends_at is None or given < ends_at:
            start = given % len(pixels)
            count = min(self.chunk_lines, len(pixels) - start, (ends_at or given + self.chunk_lines) - given)
            if self.line_rate_hz is None:
                await self.sleep(0.0)  # the others get their turn
            else:
                lost = await self._wait_for(began_s + (given + count) / self.line_rate_hz, self.line_rate_hz)
                if lost:
                    given += lost
                    continue
            yield LineChunk(
                lines=pixels[start : start + count],
                first_line=self.first_line + given,
                encoder=(self.first_line + given + np.arange(1, count + 1, dtype=np.int64)) * self.counts_per_line,
                captured_at=self.clock.now(),
            )
            given += count

    async def _wait_for(self, due_s: float, line_rate_hz: float) -> int:
        """Wait until lines are due; returns how many are gone for good because nobody came in time."""
        late_s = self.clock.monotonic() - due_s
        if late_s < 0:
            await self.sleep(-late_s)
            return 0
        return max(0, int(late_s * line_rate_hz) - _LATE_CHUNKS * self.chunk_lines)
