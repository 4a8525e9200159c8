"""A camera that does as its script says: for tests of what stands around a camera."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import numpy as np

from lineside.station.cameras import CameraError, CameraFrame, CameraHealth, CameraState, CameraTimeout, NotSupported

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def frame(
    sequence: int, *, lost_before: int = 0, at_s: float | None = None, shape: tuple[int, ...] = (8, 12)
) -> CameraFrame:
    """A frame taken `at_s` seconds behind noon, by default one a second."""
    second = float(sequence) if at_s is None else at_s
    return CameraFrame(
        image=np.zeros(shape, np.uint8),
        camera="scripted",
        sequence=sequence,
        captured_at=NOON + timedelta(seconds=second),
        received_s=float(sequence),
        lost_before=lost_before,
    )


class ScriptedCamera:
    """One connection of a camera.

    Args:
        script: what each grab ends in; behind its end the camera is silent.
        connecting: what connecting ends in; None: it works.
        packets: lost, as its transport counts them.
    """

    def __init__(
        self, script: Sequence[CameraFrame | CameraError], *, connecting: CameraError | None = None, packets: int = 0
    ) -> None:
        self._script = list(script)
        self._connecting = connecting
        self._packets = packets
        self._lost = 0
        self.triggers = 0
        self.is_released = False

    @property
    def name(self) -> str:
        """As its frames say."""
        return "scripted"

    async def __aenter__(self) -> Self:
        """Connect, as the script says."""
        if self._connecting is not None:
            raise self._connecting
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note that it was let go."""
        self.is_released = True

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        """What the script says next."""
        if not self._script:
            await asyncio.sleep(timeout_s)
            raise CameraTimeout("silent")
        found = self._script.pop(0)
        if isinstance(found, CameraError):
            raise found
        self._lost += found.lost_before
        return found

    async def trigger(self) -> None:
        """Count it."""
        self.triggers += 1

    @property
    def health(self) -> CameraHealth:
        """What it counted."""
        return CameraHealth(CameraState.CONNECTED, NOON, lost_frames=self._lost, lost_packets=self._packets)


class LineTriggeredCamera(ScriptedCamera):
    """One that no software triggers."""

    async def trigger(self) -> None:
        """Leave it to the line."""
        raise NotSupported("the line triggers it")
