"""What the ids of a camera's frames say about frames that never came."""

from typing import Final

from lineside.station.cameras.errors import CameraLost

_LAST_OF_16_BITS: Final = 65_535
"""GigE Vision 1.x counts blocks in 16 bits, and passes over 0, which others do not."""


class FrameIds:
    """Counts lost frames of one connection. Some cameras begin at 0, others at 1.

    Args:
        camera: what the station calls it.
    """

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._last: int | None = None
        self._passed = 0
        self._is_sure = True

    def passed(self, frames: int) -> None:
        """Frames came whose ids nobody could read."""
        self._passed += frames

    def take(self, frame_id: int) -> tuple[int, bool]:
        """The next frame's.

        Returns:
            How many were lost before it, and whether all that were lost so far are known: not of a camera without ids,
            all of whose are 0, and not where the first frame is none by its id.

        Raises:
            CameraLost: ids fell: the camera began anew, and what passed meanwhile is unknown.
        """
        last, self._last = self._last, frame_id
        passed, self._passed = self._passed, 0
        if last is None:
            self._is_sure = frame_id <= 1 + passed
            return 0, self._is_sure
        if last == frame_id == 0:
            self._is_sure = False
            return 0, False
        if last == _LAST_OF_16_BITS and frame_id <= 1:
            return 0, self._is_sure
        if frame_id <= last:
            raise CameraLost(
                f"camera {self._camera!r}: a frame with id {frame_id} came after {last}; expected ids that rise: how "
                "many frames were lost nobody knows"
            )
        return max(0, frame_id - last - 1 - passed), self._is_sure
