"""What every kind of camera can be told in a file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field

from lineside.client.backoff import Backoff
from lineside.client.clock import Clock
from lineside.inspection.file_models import FileModel

PixelFormatName = Literal["mono8", "bgr8"]
PaceName = Literal["free", "trigger", "asked"]

NEWEST_REFUSED: Final = "delivery newest passes over frames; expected every, or no delivery at all"


class CameraSettings(FileModel):
    """What all kinds share; each kind's own model adds its `kind` and its rest.

    A frame of another pixel format or size than the settings name is refused, never converted.
    """

    kind: str
    pixel_format: PixelFormatName | None = Field(None, description="Layout that every frame must have.")
    width_px: int | None = Field(None, ge=1, le=65536, description="Columns that every frame must have.")
    height_px: int | None = Field(None, ge=1, le=65536, description="Rows that every frame must have.")
    reconnect_first_s: float = Field(0.2, gt=0, le=60, description="Longest wait before the first new connection.")
    reconnect_longest_s: float = Field(5.0, gt=0, le=600, description="Longest wait between two of them.")
    connect_timeout_s: float = Field(20.0, gt=0, le=600, description="A connection that takes longer has failed.")
    lost_after_timeouts: int | None = Field(
        None, ge=1, description="So many grabs in a row without a frame, and the camera is connected anew."
    )

    @property
    def backoff(self) -> Backoff:
        """How long to wait between connections."""
        return Backoff(
            first_s=min(self.reconnect_first_s, self.reconnect_longest_s), longest_s=self.reconnect_longest_s
        )

    def with_every_frame(self) -> Self:
        """The same camera with no frame passed over: for whoever makes one picture of many frames.

        Raises:
            ValueError: it cannot, or its settings say otherwise.
        """
        raise ValueError(f"a camera of kind {self.kind} passes over frames that nobody came for; expected another kind")


class ReplaySettings(CameraSettings):
    """What the kinds share that need no device.

    `pace` says when a picture is taken: "free" at `rate_hz`, whether anybody grabs or not; "trigger" when software
    triggers; "asked" when it is grabbed, so that nothing is lost and nothing waits. What a free one delivers to a grab
    is the "newest", taken after it, or "every" one in order.
    """

    pace: PaceName = Field("free", description="When a picture is taken: free at rate_hz, by trigger, or when asked.")
    delivery: Literal["newest", "every"] = Field("newest", description="Which picture of a free pace a grab gets.")
    buffered_frames: int = Field(
        4, ge=1, le=256, description="Pictures kept for whoever grabs late; the oldest is lost first."
    )

    def with_every_frame(self) -> Self:
        """See `CameraSettings.with_every_frame`."""
        if "delivery" in self.model_fields_set and self.delivery == "newest":
            raise ValueError(NEWEST_REFUSED)
        return self.model_copy(update={"delivery": "every"})


@dataclass(slots=True)
class Bookmark:
    """Where a replay stands, so that it goes on behind it after it was lost.

    Attributes:
        next: position of the picture that comes next, counted from 0.
    """

    next: int = 0


@dataclass(frozen=True, slots=True)
class CameraContext:
    """What a camera is built with besides its settings; the same one each time it is built anew.

    Attributes:
        name: what the station calls the camera, its key in the file; by convention the view that it takes.
        clock: the station's.
        folder: of the settings' file; relative paths begin there.
        bookmark: where a replay stands.
    """

    name: str
    clock: Clock
    folder: Path
    bookmark: Bookmark = field(default_factory=Bookmark)
