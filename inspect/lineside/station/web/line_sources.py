"""Where lines come from, one Protocol: a mapped web in a loop, a camera whose frames are lines, a folder."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from lineside.inspection.strips import LineChunk
from lineside.station.web.records import WebEventKind


@dataclass(frozen=True, slots=True)
class SourceTrouble:
    """Something of the source that a person should know; the lines that it cost show as a gap of the line counter.

    Attributes:
        kind: what it is.
        message: for people.
    """

    kind: WebEventKind
    message: str


@dataclass(frozen=True, slots=True)
class PartMark:
    """A part begins here: a printed mark, a hole, a signal.

    Attributes:
        encoder: the count at which it is under the camera.
    """

    encoder: int


class LineSource(Protocol):
    """Gives lines in the order of their counter. Building one opens nothing; `async with` is its life."""

    @property
    def width_px(self) -> int:
        """Pixels of every line; known once it is entered."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether lines come whether anybody takes them or not; one that is not live waits and loses nothing."""
        ...

    async def __aenter__(self) -> Self:
        """Open it.

        Raises:
            CameraError, LinesRefused, OSError: it is not there, or gives no lines.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it; safe after any failure."""
        ...

    def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble | PartMark]:
        """Lines as they come, until the source has no more; a chunk is valid until the next one is asked for.

        A mark comes before the chunk that ends at or behind it.
        """
        ...
