"""`lineside camera check`."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.camera_options import TimeoutOption
from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.station.camera_trials import CameraCheck


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file with `cameras` in it, e.g. station.yaml.")],
    frames: Annotated[int, typer.Option("--frames", "-n", help="Of each camera.", min=1, max=100_000)] = 20,
    timeout_s: TimeoutOption = 5.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Connect all cameras of a file at once and take frames; ends with 1 if one fails or loses anything.

    A camera that software can trigger is triggered; one that hardware triggers needs its line to run.
    """
    from lineside.client.clock import SystemClock
    from lineside.station.camera_trials import cameras_of_file, check_cameras

    cameras = cameras_of_file(file)
    found = asyncio.run(check_cameras(cameras, frames=frames, timeout_s=timeout_s, clock=SystemClock()))
    if as_json:
        print_json([{**asdict(one), "is_good": one.is_good} for one in found])
    else:
        columns = ("camera", "kind", "frames", "rate Hz", "longest gap s", "picture", "lost", "lost packets", "partial")
        print_table((*columns, "reconnects", "result"), [_row(one) for one in found])
        for one in found:
            for trouble, times in one.troubles:
                say(f"{one.name}: {trouble}" + (f" ({times} times)" if times > 1 else ""))
    if not all(one.is_good for one in found):
        raise typer.Exit(1)


def _row(one: "CameraCheck") -> tuple[str, ...]:
    size = "-" if one.size_wh_px is None else f"{one.size_wh_px[0]} x {one.size_wh_px[1]} {one.pixel_format}"
    health = one.health
    return (
        one.name,
        one.kind,
        f"{one.frames} of {one.tries}",
        "-" if one.rate_hz is None else f"{one.rate_hz:.1f}",
        "-" if one.longest_gap_s is None else f"{one.longest_gap_s:.3f}",
        size,
        "-" if health is None else str(health.lost_frames),
        "-" if health is None or health.lost_packets is None else str(health.lost_packets),
        str(one.partial),
        "-" if health is None else str(health.reconnects),
        "good" if one.is_good else "bad",
    )
