"""`start_up`: from the start of the process to ready, and the server's memory at work."""

import shutil
import statistics

from benchmarks.boards import board_frames
from benchmarks.exactly_once import post_parts
from benchmarks.options import Options
from benchmarks.report import Report, Table
from benchmarks.server import Line

_FRAMES = 500


def measure(options: Options) -> Report:
    """Start the same plant several times, with the engine choice forgotten and remembered in turn."""
    line = Line.prepare(options.folder / "line")
    with line.server:
        line.enrol(4)
    first_s: list[float] = []
    again_s: list[float] = []
    turns = options.some(5, 2)
    for turn in range(turns):
        options.say(f"start_up: start {turn + 1} of {turns}, forgotten and remembered")
        shutil.rmtree(line.data_dir / "engines", ignore_errors=True)
        for taken_s in (first_s, again_s):
            taken_s.append(line.server.start())
            line.server.stop()
    options.say(f"start_up: memory over {_FRAMES} frames")
    with line.server:
        idle_bytes = line.server.memory_bytes()
        bodies = [frame.jpeg for frame in board_frames(50)]
        post_parts(line, bodies, parts=_FRAMES, kills=0)
        busy_bytes = line.server.memory_bytes()
    rows = (
        ("engine choice not known: measured at this start", *_spread(first_s)),
        ("engine choice remembered", *_spread(again_s)),
    )
    return Report(
        (
            Table("Start to ready (/readyz answers 200), seconds", ("start", "median", "lowest", "highest"), rows),
            Table(
                "Memory of the server process, MB",
                ("when", "resident"),
                (("ready", f"{idle_bytes / 1e6:.0f}"), (f"after {_FRAMES} frames", f"{busy_bytes / 1e6:.0f}")),
            ),
        ),
        {
            "first_s": first_s,
            "remembered_s": again_s,
            "memory_ready_bytes": idle_bytes,
            "memory_after_frames_bytes": busy_bytes,
        },
    )


def _spread(values_s: list[float]) -> tuple[str, str, str]:
    return f"{statistics.median(values_s):.2f}", f"{min(values_s):.2f}", f"{max(values_s):.2f}"
