"""A camera whose frames are chunks of lines: a line-scan camera behind GenICam gives so many lines as its Height says.

The encoder triggers each line. The frame's count is that at which its first line began, where the camera tells it
(GenICam's `encoder_feature`). Whether its lines are as many counts apart as they should be shows by the next frame's
count, so each frame waits for the next one: where the camera dropped line triggers, or the web ran back, it is a gap.
Without it lines are counted. A frame that was lost or that has holes is a gap of the line counter: the lines are never
made up. A camera that was away ends the roll, encoder or not: its count may have begun anew meanwhile, or gone around,
and every place behind would be wrong.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import numpy as np

from lineside.inspection.strips import LineChunk
from lineside.station.cameras import Camera, CameraEnded, CameraFrame, CameraLost, CameraTimeout, FrameBroken
from lineside.station.web.errors import LinesRefused
from lineside.station.web.line_sources import SourceTrouble
from lineside.station.web.records import WebEventKind

_LOOK_S: Final = 0.05
"""Between two looks for a camera that fails at once: it is brought back on the same event loop."""


@dataclass(slots=True)
class CameraLines:
    """Lines of a camera.

    Attributes:
        camera: entered and released with this source.
        width_px: columns of every frame.
        lines_per_frame: rows of every frame.
        counts_per_line: encoder counts from one line to the next within a frame; negative where counts fall.
        timeout_s: how long to wait for a frame; a web that stands gives none, which is no trouble.
        is_counted_elsewhere: whether somebody else, a PLC, counts the same web from the beginning on: then a camera
            that was away before its first frame ends the roll, too.
        encoder_bits: the encoder's count rolls over after 2 to this power; None where it never does.
        sleep: waits between two looks for a camera that is away.
    """

    camera: Camera
    width_px: int
    lines_per_frame: int
    counts_per_line: int = 1
    timeout_s: float = 1.0
    is_counted_elsewhere: bool = False
    encoder_bits: int | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def is_live(self) -> bool:
        """A camera does not wait."""
        return True

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            CameraError: it is not there, or cannot be set up.
        """
        await self.camera.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it."""
        await self.camera.__aexit__(kind, error, trace)

    async def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble]:
        """Lines as frames come; ends only where a replay ends.

        Raises:
            LinesRefused: a frame is of another size, or of colour; or the camera was away, or the encoder began anew,
                and how much web passed meanwhile nobody knows: which region is which would be a guess.
        """
        held: CameraFrame | None = None
        has_given = False
        async for item in self._frames():
            if isinstance(item, SourceTrouble):
                yield item
                continue
            if held is None and item.encoder is None:
                yield self._chunk(item)
                continue
            if held is not None:
                trouble = self._span_trouble(held, item)
                if trouble is None:
                    yield self._chunk(held)
                elif has_given:
                    yield SourceTrouble(WebEventKind.LINES_LOST, f"{trouble}; none of them is judged")
                else:
                    raise LinesRefused(f"{trouble}, the first of the roll: where it begins nobody knows; begin anew")
                has_given = True
            held = item
        if held is not None:
            message = f"frame {held.sequence} of {held.camera!r} is the last, and no count behind it says where it ends"
            yield SourceTrouble(WebEventKind.FRAMES_LOST, message)

    async def _frames(self) -> AsyncIterator[CameraFrame | SourceTrouble]:
        """Whole frames of one connection, and what is wrong with others."""
        is_away = has_come = is_broken = False
        begun_at = 0 if self.is_counted_elsewhere else None  # reconnects when the lines began to count
        while True:
            try:
                frame = await self.camera.grab(timeout_s=self.timeout_s)
            except CameraTimeout:
                continue
            except CameraEnded:
                return
            except CameraLost as error:
                if not is_away:  # told once when lost, once when back
                    yield SourceTrouble(WebEventKind.CAMERA_LOST, str(error))
                if begun_at is not None:
                    raise self._was_away() from error
                is_away = True
                await self.sleep(_LOOK_S)
                continue
            except FrameBroken as error:
                yield SourceTrouble(WebEventKind.FRAMES_LOST, str(error))
                begun_at = self._reconnects if begun_at is None else begun_at
                if is_broken:  # again: a driver that has failed says so at once, and every time
                    await self.sleep(_LOOK_S)
                is_broken = True
                continue
            is_broken = False
            if begun_at not in (None, self._reconnects):  # it came back before anybody saw it lost
                raise self._was_away()
            if not frame.is_counted and (not has_come or frame.encoder is None):
                raise LinesRefused(
                    f"frame {frame.sequence} of camera {frame.camera!r}: its ids do not say whether frames were lost; "
                    "expected ids that begin at 0 or 1 and rise, or beyond the first one an encoder's count"
                )
            begun_at, has_come = self._reconnects, True
            if is_away:
                is_away = False
                yield SourceTrouble(WebEventKind.CAMERA_BACK, f"camera {frame.camera!r} gives lines")
            if frame.lost_before or frame.is_partial:
                what = "came in part" if frame.is_partial else f"came after {frame.lost_before} lost ones"
                yield SourceTrouble(WebEventKind.FRAMES_LOST, f"frame {frame.sequence} of {frame.camera!r} {what}")
            if not frame.is_partial:
                yield frame

    @property
    def _reconnects(self) -> int:
        return self.camera.health.reconnects

    def _was_away(self) -> LinesRefused:
        return LinesRefused(
            f"camera {self.camera.name!r} was away, and how much web passed meanwhile nobody knows: stop the web, look "
            "at camera and cable, and begin a new roll"
        )

    def _span_trouble(self, held: CameraFrame, later: CameraFrame) -> str | None:
        """What the count of a later frame says against the lines of this one; None if they lie as they should.

        Raises:
            LinesRefused: the later one has no count, or the encoder began anew.
        """
        if held.encoder is None or later.encoder is None:
            raise LinesRefused(f"frame {later.sequence} of camera {later.camera!r} has no encoder count as others have")
        nominal = (later.sequence - held.sequence) * self.lines_per_frame * self.counts_per_line
        off = later.encoder - held.encoder - nominal
        if self.encoder_bits is not None:
            half = 1 << (self.encoder_bits - 1)
            off = (off + half) % (2 * half) - half
        tolerated = abs(self.counts_per_line)  # a line more or less: encoders tremble
        if abs(off) <= tolerated:
            return None
        frames = f"from frame {held.sequence} to {later.sequence} of camera {held.camera!r}"
        passed = f"{frames} the encoder went on by {nominal + off}; expected {nominal}"
        if off * self.counts_per_line < 0 and abs(off) > 2 * abs(nominal) + tolerated:
            raise LinesRefused(f"{passed}: it began to count anew, and places mean nothing any more; begin a new roll")
        return f"{passed}: the camera dropped line triggers, or the web ran back"

    def _chunk(self, frame: CameraFrame) -> LineChunk:
        if frame.image.shape != (self.lines_per_frame, self.width_px):
            raise LinesRefused(
                f"frame {frame.sequence} of camera {frame.camera!r} has the shape {frame.image.shape}; expected "
                f"({self.lines_per_frame}, {self.width_px}) gray: set the camera's Height, Width and PixelFormat"
            )
        first_line = frame.sequence * self.lines_per_frame
        first_count = first_line * self.counts_per_line if frame.encoder is None else frame.encoder
        counts = first_count + np.arange(1, self.lines_per_frame + 1, dtype=np.int64) * self.counts_per_line
        return LineChunk(lines=frame.image, first_line=first_line, encoder=counts, captured_at=frame.captured_at)
