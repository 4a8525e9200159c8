"""Part marks from a file beside the lines: the encoder's count at which each part begins, one to a line."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lineside.inspection.strips import LineChunk
from lineside.station.web.errors import LinesRefused
from lineside.station.web.line_sources import LineSource, PartMark, SourceTrouble


@dataclass(slots=True)
class MarkedLines:
    """Lines of another source, and in their place the marks of a file.

    Attributes:
        lines: entered and left with this source.
        path: one count to a line, in the order in which the web passes them.
        direction: +1 where counts rise as the web runs, -1 where they fall.
    """

    lines: LineSource
    path: Path
    direction: Literal[1, -1] = 1
    _counts: tuple[int, ...] = field(default=(), init=False, repr=False)

    @property
    def width_px(self) -> int:
        """Of the lines."""
        return self.lines.width_px

    @property
    def is_live(self) -> bool:
        """As the lines are."""
        return self.lines.is_live

    async def __aenter__(self) -> Self:
        """Read the marks, and open the lines.

        Raises:
            LinesRefused: a line of the file is no count, or not behind the one before.
            CameraError, OSError: file or lines cannot be opened.
        """
        self._counts = _read_marks(self.path, direction=self.direction)
        await self.lines.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lines."""
        await self.lines.__aexit__(kind, error, trace)

    async def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble | PartMark]:
        """The lines; each mark before the chunk on which it lies."""
        given = 0
        async for item in self.lines.chunks():
            if isinstance(item, LineChunk):
                through = int(item.encoder[-1]) * self.direction
                while given < len(self._counts) and self._counts[given] * self.direction <= through:
                    yield PartMark(self._counts[given])
                    given += 1
            yield item


def _read_marks(path: Path, *, direction: Literal[1, -1]) -> tuple[int, ...]:
    counts: list[int] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            counts.append(int(line))
        except ValueError as error:
            raise LinesRefused(f"{path}, line {number}: {line[:40]!r} is no encoder count") from error
    for number, (one, following) in enumerate(pairwise(counts), start=2):
        if (following - one) * direction <= 0:
            raise LinesRefused(
                f"{path}, line {number}: count {following} does not lie behind {one}; expected marks in the order in "
                "which the web passes them"
            )
    return tuple(counts)
