"""`lineside camera grab`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.camera_options import (
    CameraOption,
    FileArgument,
    KindOption,
    SetOption,
    TimeoutOption,
    selected_camera,
)
from lineside.cli.output import print_json, print_line, say

if TYPE_CHECKING:
    from lineside.station.camera_trials import Selected


def grab(
    file: FileArgument = None,
    camera: CameraOption = None,
    kind: KindOption = None,
    keys: SetOption = None,
    frames: Annotated[int, typer.Option("--frames", "-n", help="How many.", min=1, max=1_000_000)] = 1,
    out: Annotated[Path, typer.Option("--out", help="Folder for PNG and JSON files.")] = Path("frames"),
    timeout_s: TimeoutOption = 5.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write frames of a camera: each as a PNG file, its metadata beside it; ends with 1 unless all came.

    Files that are there already are never written over.
    """
    selected = selected_camera(file, camera=camera, kind=kind, keys=keys)
    written, troubles = asyncio.run(_grabbed(selected, out, frames, timeout_s, shows_files=not as_json))
    if as_json:
        print_json({"frames": written, "troubles": troubles})
    else:
        say(f"{len(written)} of {frames} frames in {out}")
    if len(written) < frames:
        raise typer.Exit(1)


async def _grabbed(
    selected: "Selected", out: Path, frames: int, timeout_s: float, *, shows_files: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    from lineside.client.clock import SystemClock
    from lineside.station.camera_trials import Recorded, record_frames

    written: list[dict[str, Any]] = []
    troubles: list[str] = []
    async for found in record_frames(selected, out, frames=frames, timeout_s=timeout_s, clock=SystemClock()):
        if isinstance(found, Recorded):
            written.append(found.metadata)
            if shows_files:
                print_line(str(found.picture))
        else:
            troubles.append(str(found))
            say(str(found))
    return written, troubles
