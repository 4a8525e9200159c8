"""A folder of pictures whose rows are the lines of one web, in the order of their names."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np

from lineside.client.clock import Clock
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.grayscale import to_gray
from lineside.inspection.strips import LineChunk
from lineside.station.web.errors import LinesRefused
from lineside.station.web.line_sources import SourceTrouble

_MEDIA_TYPES = MappingProxyType(
    {".png": MediaType.PNG, ".bmp": MediaType.BMP, ".jpg": MediaType.JPEG, ".jpeg": MediaType.JPEG}
)
_LIMITS = DecodingLimits(max_pixels=2**28, max_bytes=2**28)


@dataclass(slots=True)
class FolderLines:
    """Lines of pictures; they wait for who takes them.

    Attributes:
        folder: holds the pictures (PNG, BMP, JPEG), all of one width.
        clock: for the instants.
        chunk_lines: most lines at a time.
        counts_per_line: encoder counts from one line to the next; negative where counts fall.
    """

    folder: Path
    clock: Clock
    chunk_lines: int = 128
    counts_per_line: int = 1
    _paths: tuple[Path, ...] = field(default=(), init=False, repr=False)
    _width_px: int = field(default=0, init=False, repr=False)

    @property
    def width_px(self) -> int:
        """Of the first picture."""
        return self._width_px

    @property
    def is_live(self) -> bool:
        """Pictures wait."""
        return False

    async def __aenter__(self) -> Self:
        """Look which pictures there are.

        Raises:
            LinesRefused: none.
            FrameError: the first one cannot be read.
            OSError: the folder cannot be read.
        """
        self._paths = tuple(sorted(path for path in self.folder.iterdir() if path.suffix.lower() in _MEDIA_TYPES))
        if not self._paths:
            raise LinesRefused(f"{self.folder} holds no picture; expected .png, .bmp or .jpg files")
        self._width_px = (await asyncio.to_thread(read_gray, self._paths[0])).shape[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    async def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble]:
        """Rows of one picture after the other.

        Raises:
            LinesRefused: a picture has another width than the first.
            FrameError: one cannot be read.
        """
        line = 0
        for path in self._paths:
            image = await asyncio.to_thread(read_gray, path)
            if image.shape[1] != self._width_px:
                raise LinesRefused(
                    f"{path} is {image.shape[1]} px wide and {self._paths[0].name} {self._width_px}: "
                    "all pictures of a web have one width"
                )
            for start in range(0, len(image), self.chunk_lines):
                rows = image[start : start + self.chunk_lines]
                counts = (line + np.arange(1, len(rows) + 1, dtype=np.int64)) * self.counts_per_line
                yield LineChunk(lines=rows, first_line=line, encoder=counts, captured_at=self.clock.now())
                line += len(rows)
                await asyncio.sleep(0.0)  # the others get their turn


def read_gray(path: Path) -> Image:
    """The picture in a file, gray: uint8 (height, width).

    Raises:
        FrameError: it is no complete picture of the kind that its name says.
        LinesRefused: its name is no picture's.
        OSError: it cannot be read.
    """
    if path.suffix.lower() not in _MEDIA_TYPES:
        raise LinesRefused(f"{path} is no picture; expected .png, .bmp or .jpg")
    return to_gray(decode(path.read_bytes(), _MEDIA_TYPES[path.suffix.lower()], limits=_LIMITS).image)
