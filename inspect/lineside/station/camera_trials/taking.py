"""Taking frames from a camera one after another, whatever comes between."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from lineside.client.clock import Clock
from lineside.station.camera_trials.selection import Selected
from lineside.station.cameras import (
    CameraContext,
    CameraEnded,
    CameraError,
    CameraFrame,
    NotSupported,
    ReconnectingCamera,
    open_camera,
)

PATIENCE: Final = 3
"""Tries in a row without a frame; a camera that gives none so often needs a person, not more tries."""


def opened(selected: Selected, clock: Clock) -> ReconnectingCamera:
    """The camera, not yet entered.

    Raises:
        CameraExtraMissing: its library is not installed.
        CameraMisconfigured: its settings cannot be used.
    """
    return open_camera(selected.settings, CameraContext(selected.name, clock, selected.folder))


async def taken(
    camera: ReconnectingCamera, tries: int, *, timeout_s: float
) -> AsyncIterator[CameraFrame | CameraError]:
    """So many tries of a frame, each one's end in turn; a camera that can be triggered is.

    A camera that is away is waited for, but no longer than a frame. A replay that has ended ends the tries, and so do
    `PATIENCE` failures in a row.

    Args:
        camera: entered.
        tries: how many.
        timeout_s: for each.
    """
    failures = 0
    for _ in range(tries):
        await camera.wait_connected(timeout_s=timeout_s)
        try:
            with suppress(NotSupported):
                await camera.trigger()
            frame = await camera.grab(timeout_s=timeout_s)
        except CameraError as error:
            yield error
            failures += 1
            if isinstance(error, CameraEnded) or failures == PATIENCE:
                return
        else:
            failures = 0
            yield frame
