"""Frames on disk: each as a PNG file with its metadata in a JSON file beside it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from lineside.client.clock import Clock
from lineside.station.camera_trials.selection import Selected
from lineside.station.camera_trials.taking import opened, taken
from lineside.station.cameras import CameraError, CameraFrame
from lineside.station.cameras.pixels import pixel_format_of

_PNG_LEVEL = 1  # a camera's frame is noise to a compressor: more effort gains nothing


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame on disk.

    Attributes:
        picture: the PNG file; its metadata are in the file of the same name that ends in .json.
        metadata: what that file says.
    """

    picture: Path
    metadata: dict[str, Any]


async def record_frames(
    selected: Selected, folder: Path, *, frames: int, timeout_s: float, clock: Clock
) -> AsyncIterator[Recorded | CameraError]:
    """Write frames as they come; a try that gave none is told instead.

    Args:
        selected: the camera.
        folder: made if it is not there; files that are there already are never written over.
        frames: how many tries.
        timeout_s: for each.
        clock: the station's.

    Raises:
        CameraError: the camera cannot be built or set up.
        OSError: a file cannot be written, or is there already.
    """
    await asyncio.to_thread(partial(folder.mkdir, parents=True, exist_ok=True))
    async with opened(selected, clock) as camera:
        async for found in taken(camera, frames, timeout_s=timeout_s):
            yield found if isinstance(found, CameraError) else await asyncio.to_thread(_write, found, folder)


def _write(frame: CameraFrame, folder: Path) -> Recorded:
    _, encoded = cv2.imencode(".png", frame.image, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    content = encoded.tobytes()
    picture = folder / f"{frame.camera}-{frame.sequence:06d}.png"
    width_px, height_px = frame.size_wh_px
    metadata = {
        "camera": frame.camera,
        "sequence": frame.sequence,
        "captured_at": frame.captured_at.isoformat(),
        "received_s": frame.received_s,
        "encoder": frame.encoder,
        "lost_before": frame.lost_before,
        "is_partial": frame.is_partial,
        "width_px": width_px,
        "height_px": height_px,
        "pixel_format": pixel_format_of(frame.image),
        "file": picture.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with picture.open("xb") as file:
        file.write(content)
    with picture.with_suffix(".json").open("x", encoding="utf-8") as file:
        file.write(json.dumps(metadata, indent=2) + "\n")
    return Recorded(picture, metadata)
