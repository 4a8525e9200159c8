"""What a camera gives: frames with where and when they were taken, and how the camera is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from lineside.inspection.frames import Image


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """One picture of one camera.

    Attributes:
        image: uint8, (height, width) gray or (height, width, 3) BGR; it belongs to the receiver, nobody else writes it.
        camera: the camera's name at this station.
        sequence: counts the frames that the camera took, those too that were lost or passed over; it never goes back,
            reconnects included, though how many a camera took while it was away nobody knows.
        captured_at: aware UTC instant of exposure, as well as the camera or its host can tell.
        received_s: when the host had it, on the station's monotonic clock: what deadlines are measured from.
        encoder: count of the line's encoder at exposure, of a line camera as its first line began, where the camera
            tells it.
        lost_before: frames that the camera or its transport lost since the last one delivered; 0 where the newest one
            is asked for, which misses none.
        is_partial: packets are missing or the exposure was aborted; such a frame is never judged.
        is_counted: whether all frames that were lost so far are known; False where nobody counts them.
    """

    image: Image
    camera: str
    sequence: int
    captured_at: datetime
    received_s: float
    encoder: int | None = None
    lost_before: int = 0
    is_partial: bool = False
    is_counted: bool = True

    def __post_init__(self) -> None:
        """Refuse what no camera can mean."""
        is_gray, is_colour = self.image.ndim == 2, self.image.ndim == 3 and self.image.shape[2] == 3
        if self.image.dtype != np.uint8 or not (is_gray or is_colour) or self.image.size == 0:
            raise ValueError(
                f"camera {self.camera!r}: image of {self.image.dtype} {self.image.shape}; "
                "expected uint8 (height, width) or (height, width, 3)"
            )
        if self.captured_at.tzinfo is None:
            raise ValueError(f"camera {self.camera!r}: naive instant {self.captured_at}; expected one with its offset")
        if self.sequence < 0 or self.lost_before < 0:
            raise ValueError(
                f"camera {self.camera!r}: sequence {self.sequence}, lost {self.lost_before}; expected both >= 0"
            )

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


class CameraState(StrEnum):
    """Whether a camera can give frames."""

    CLOSED = "closed"
    CONNECTED = "connected"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How a camera is, counted since it was entered for the first time.

    Attributes:
        state: whether it can give frames.
        since: the instant at which it came into this state.
        delivered: frames given out by `grab`, partial ones too.
        lost_frames: frames taken but never given out: lost on the way, or nobody came for them in time.
        lost_packets: packets that never came, None where the transport does not count them.
        resent_packets: packets that were asked for again and came, None where the transport does not count them.
        reconnects: how often it was lost and came back.
        trouble: what is wrong now, in words; None if nothing is.
        clock_steps: how often the wall clock went back between two frames; their order is by `sequence`.
    """

    state: CameraState
    since: datetime
    delivered: int = 0
    lost_frames: int = 0
    lost_packets: int | None = None
    resent_packets: int | None = None
    reconnects: int = 0
    trouble: str | None = None
    clock_steps: int = 0
