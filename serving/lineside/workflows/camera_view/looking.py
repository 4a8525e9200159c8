"""The newest frame of a camera, kept up to date while the page is open."""

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import cv2

from lineside.client.clock import Clock
from lineside.station.camera_trials import Selected, opened
from lineside.station.cameras import CameraError, CameraFrame, NotSupported, ReconnectingCamera

JPEG_QUALITY: Final = 85
"""For looking, never for judging."""

_PAUSE_S: Final = 0.2
"""Between pictures of a camera that gives them as fast as it is asked, and after each failure."""


class Looking:
    """Takes frame after frame and keeps the newest.

    Args:
        selected: the camera.
        timeout_s: for each frame.
        clock: the station's.

    Raises:
        CameraError: the camera cannot be built.
    """

    def __init__(self, selected: Selected, *, timeout_s: float, clock: Clock) -> None:
        self._selected = selected
        self._camera: ReconnectingCamera = opened(selected, clock)
        self._timeout_s = timeout_s
        self._frame: CameraFrame | None = None
        self._trouble: str | None = None

    @property
    def name(self) -> str:
        """What the station calls the camera."""
        return self._selected.name

    async def run(self) -> None:
        """Look until cancelled, or until the camera turns out not to be set up as its settings say."""
        try:
            async with self._camera:
                while True:
                    await self._look()
                    await asyncio.sleep(_PAUSE_S)
        except CameraError as error:
            self._trouble = str(error)

    async def jpeg(self) -> bytes | None:
        """The newest picture for a browser; None before there is one."""
        frame = self._frame
        return None if frame is None else await asyncio.to_thread(_jpeg, frame)

    def state(self) -> dict[str, Any]:
        """How the camera is, and what the newest frame is; for JSON."""
        frame = self._frame
        health = asdict(self._camera.health)
        return {
            "camera": self.name,
            "kind": self._selected.settings.kind,
            **health,
            "trouble": self._trouble or health["trouble"],
            "frame": None
            if frame is None
            else {
                "sequence": frame.sequence,
                "captured_at": frame.captured_at,
                "width_px": frame.size_wh_px[0],
                "height_px": frame.size_wh_px[1],
                "is_partial": frame.is_partial,
            },
        }

    async def _look(self) -> None:
        try:
            with suppress(NotSupported):
                await self._camera.trigger()
            self._frame = await self._camera.grab(timeout_s=self._timeout_s)
            self._trouble = None
        except CameraError as error:
            self._trouble = str(error)


def _jpeg(frame: CameraFrame) -> bytes:
    _, encoded = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
