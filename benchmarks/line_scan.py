"""`line_scan`: how fast a web may run past a 2k line camera on this machine, and what a faster one would need.

A synthetic printed web is read in a loop from a mapped file at the rate of a line camera and judged by the web station
with the starter: the whole way, from lines to a verdict for each region before it reaches the marker.
"""

import asyncio
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # ships no type information

from benchmarks.options import Options
from benchmarks.report import Report, Table
from lineside.client.clock import SystemClock
from lineside.datasets.synthetic import BoardDesign, LayoutFamily
from lineside.datasets.synthetic.web import GOLDEN_NAME, SyntheticWeb, WebDesign, write_web
from lineside.inspection.engines import available_threads
from lineside.inspection.strips import RollMap, strip_tiles
from lineside.inspection.verdict import Verdict
from lineside.station.web import OpenedWeb, RegionOutcome, WebRun, open_web, parse_web_file, run_web

RELEASES = ("pcb-single", "pcb-reference")
"""The first is held for the whole time; the other one also finds its place on the print, tile by tile."""

WIDTH_PX = 2048
PITCH_PX = 3264
"""Lines of a region: one print of 3,200 with its gap, 68 mm."""

OVERLAP_PX = 128
TILE_PX = 640
RATES_HZ = (6000, 8000, 9000, 10_000, 11_000)
DISTANCE_MM = 400.0
"""From the camera to the marker: six regions, 1.9 s at 10 kHz."""

_MM_PER_PX = 1 / 48
_WIDE_PX, _WIDE_LINES = 16_384, 100_000


@dataclass(frozen=True, slots=True)
class RateRun:
    """A web at one line rate.

    Attributes:
        release: the starter that judged.
        line_rate_hz: asked for.
        seconds: how long it ran.
        lines_read: lines that came.
        lines_lost: lines that the camera had to drop, and those that left the ring unread.
        tiles_a_second: judged.
        tiles_shed: not judged.
        regions: decided.
        regions_late: not decided in time.
        least_slack_s: of the region that was decided last before its deadline; None without any.
        cpu_share: of the cores of this machine.
        defects_found: of the truth, those with a defect of the roll map on them.
        defects_true: on the part of the web that ran.
        engine: that ran.
    """

    release: str
    line_rate_hz: int
    seconds: float
    lines_read: int
    lines_lost: int
    tiles_a_second: float
    tiles_shed: int
    regions: int
    regions_late: int
    least_slack_s: float | None
    cpu_share: float
    defects_found: int
    defects_true: int
    engine: str

    @property
    def holds(self) -> bool:
        """No line lost and every region decided by looking at all of it in time."""
        return self.lines_lost == 0 and self.regions_late == 0 and self.tiles_shed == 0 and self.regions > 0


def measure(options: Options) -> Report:
    """Climb the line rates, hold the highest one that holds, and measure memory on a wide web."""
    options.say("line_scan: drawing a web")
    board = BoardDesign(LayoutFamily.BUS, 7, (WIDTH_PX, PITCH_PX - 64))
    prints = options.some(6, 2)
    web = write_web(
        options.folder / "web",
        WebDesign(board, prints=prints, defects_per_print=2, streaks=1, streak_lines=(2000, 5000)),
    )
    climb = [run for release in RELEASES for run in _climb(web, release, options)]
    held = _hold([run.line_rate_hz for run in climb if run.holds and run.release == RELEASES[0]], web, options)
    memory = _memory(options)
    runs = [*climb, *held]
    figures = {
        "climb": [asdict(run) for run in climb],
        "held": [{**asdict(run), "holds": run.holds} for run in held],
        "memory": memory,
        "needed": _needed(runs),
    }
    return Report((_rates_table(climb, held), _needed_table(runs), _memory_table(memory)), figures)


def _climb(web: SyntheticWeb, release: str, options: Options) -> list[RateRun]:
    """Each rate for a short while, until one no longer holds."""
    runs: list[RateRun] = []
    for rate_hz in RATES_HZ:
        options.say(f"line_scan: {release}, {rate_hz} lines a second")
        runs.append(
            _run(
                web,
                options.folder / f"climb-{release}-{rate_hz}",
                rate_hz,
                release=release,
                seconds=options.some(15, 4),
            )
        )
        if not runs[-1].holds:
            break
    return runs


def _hold(holding: Sequence[int], web: SyntheticWeb, options: Options) -> list[RateRun]:
    """The highest rate for the whole time; the next lower one if it does not hold that long: one that failed ends."""
    runs: list[RateRun] = []
    for rate_hz in sorted(holding, reverse=True):
        seconds = options.some(600, 5)
        options.say(f"line_scan: {rate_hz} lines a second for {seconds} s")
        runs.append(_run(web, options.folder / f"hold-{rate_hz}", rate_hz, release=RELEASES[0], seconds=seconds))
        if runs[-1].holds:
            break
    return runs


def _run(web: SyntheticWeb, out: Path, rate_hz: int, *, release: str, seconds: float) -> RateRun:
    process = psutil.Process()
    text = _web_file(web, out, release=release, line_rate_hz=rate_hz, lines=int(rate_hz * seconds))
    settings = parse_web_file(text, source="the benchmark")
    with open_web(settings, folder=out.parent, clock=SystemClock(), engine_cache=out.parent / "engines") as opened:
        before = process.cpu_times()
        ran = asyncio.run(_until_it_fails(opened))
        after = process.cpu_times()
        engine = opened.detector.engine_name
    figures = ran.figures
    used_s = (after.user + after.system) - (before.user + before.system)
    found, true = _found(web, ran.roll_map)
    return RateRun(
        release,
        rate_hz,
        figures.seconds,
        figures.lines_read,
        figures.lines_lost + figures.lines_overrun,
        figures.tiles_judged / figures.seconds,
        figures.tiles_shed,
        sum(figures.regions.values()),
        # the last piece of a roll is no whole region, and so never inspected; it is not late
        max(figures.regions_late, figures.regions.get(Verdict.NOT_INSPECTED, 0) - 1),
        figures.least_slack_s,
        used_s / (figures.seconds * available_threads()),
        found,
        true,
        engine,
    )


async def _until_it_fails(opened: OpenedWeb) -> WebRun:
    """Run the web to its end, or until a region was not inspected: from then on the rate is not held."""
    stop = asyncio.Event()

    def look(outcome: RegionOutcome) -> None:
        if outcome.verdict is Verdict.NOT_INSPECTED:
            stop.set()

    return await run_web(opened, stop=stop, on_outcome=look)


def _found(web: SyntheticWeb, roll_map: RollMap) -> tuple[int, int]:
    """How many of the truth's defects, pass by pass, have a defect of the map on them, and how many there are."""
    found = true = 0
    for start_px in range(0, round(roll_map.length_mm / _MM_PER_PX), web.lines):
        for each in web.defects:
            left, top, right, bottom = each.box_xyxy_px
            from_mm, to_mm = (start_px + top) * _MM_PER_PX, (start_px + bottom) * _MM_PER_PX
            if to_mm > roll_map.length_mm:
                continue
            true += 1
            found += any(
                defect.left_mm < right * _MM_PER_PX and defect.right_mm > left * _MM_PER_PX
                for defect in roll_map.defects_between(from_mm, to_mm)
            )
    return found, true


def _web_file(web: SyntheticWeb, out: Path, *, release: str, line_rate_hz: int | None, lines: int) -> str:
    speed_mm_s = (line_rate_hz or 1) * _MM_PER_PX
    document: dict[str, Any] = {
        "schema": "lineside.web-station/1",
        "roll": "ROLL-1",
        "source": {"kind": "looped", "path": str(web.pixels_path), "width_px": web.width_px, "lines": lines},
        "encoder": {"mm_per_count": _MM_PER_PX},
        "mm_per_px_across": _MM_PER_PX,
        "parts": {"pitch_mm": web.pitch_px * _MM_PER_PX},
        "release": f"starter:{release}",
        "engine": {"threads": available_threads()},
        "tiles": {"overlap_px": OVERLAP_PX, "ring_lines": None if web.width_px <= WIDTH_PX else 2048},
        "out": str(out),
    }
    if release == "pcb-reference":
        document["reference"] = str(web.pixels_path.parent / GOLDEN_NAME)
    if line_rate_hz is not None:
        document["source"]["line_rate_hz"] = line_rate_hz
        document["reject"] = {"distance_mm": DISTANCE_MM, "actuator_ms": 20, "speed_mm_s": speed_mm_s}
        document["marker"] = {"kind": "file"}
    return json.dumps(document)


def tiles_a_second(width_px: int, line_rate_hz: float) -> float:
    """Windows of the starter that a web gives."""
    lanes = len(strip_tiles(width_px, TILE_PX, OVERLAP_PX))
    return lanes * line_rate_hz / (TILE_PX - OVERLAP_PX)


def _needed(runs: Sequence[RateRun]) -> dict[str, Any]:
    """What 4k x 50 kHz asks for, from the most tiles a second that were judged here."""
    most = max((run.tiles_a_second for run in runs), default=0.0)
    asked = tiles_a_second(4096, 50_000)
    per_core = most / available_threads()
    return {
        "tiles_a_second": asked,
        "most_measured": most,
        "cores": math.ceil(asked / per_core) if per_core else None,
        "ms_a_tile": 1000.0 / asked,
        "megabytes_a_second": 4096 * 50_000 / 1e6,
    }


def _memory(options: Options) -> dict[str, Any]:
    """Peak memory of a process of its own that judges a wide web."""
    options.say("line_scan: a wide web")
    lines = options.some(_WIDE_LINES, 3000)
    board = BoardDesign(LayoutFamily.BUS, 9, (_WIDE_PX, 1216))
    web = write_web(options.folder / "wide", WebDesign(board, prints=1, defects_per_print=2))
    path = options.folder / "wide.yaml"
    path.write_text(
        _web_file(web, options.folder / "wide-out", release=RELEASES[0], line_rate_hz=None, lines=lines), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.line_scan", str(path)], capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "strip_bytes": lines * _WIDE_PX, "lines": lines}


def main(path: Path) -> None:
    """Judge the web of a file and print this process's peak memory, before and after."""
    import resource

    def peak_bytes() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    settings = parse_web_file(path.read_text("utf-8"), source=str(path))
    with open_web(settings, folder=path.parent, clock=SystemClock(), engine_cache=path.parent / "engines") as opened:
        before = peak_bytes()
        ran = asyncio.run(run_web(opened, stop=asyncio.Event()))
    found = {
        "before_bytes": before,
        "peak_bytes": peak_bytes(),
        "tiles": ran.figures.tiles_judged,
        "lines_read": ran.figures.lines_read,
        "seconds": ran.figures.seconds,
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _rates_table(climb: Sequence[RateRun], held: Sequence[RateRun]) -> Table:
    rows = [
        (
            f"{run.release}, {run.line_rate_hz / 1000:g} kHz, {run.seconds:.0f} s",
            str(run.lines_read),
            str(run.lines_lost),
            f"{run.tiles_a_second:.1f}",
            str(run.tiles_shed),
            str(run.regions),
            str(run.regions_late),
            "-" if run.least_slack_s is None else f"{1000 * run.least_slack_s:.0f} ms",
            f"{100 * run.cpu_share:.0f} %",
            f"{run.defects_found}/{run.defects_true}",
            "yes" if run.holds else "no",
        )
        for run in (*climb, *held)
    ]
    engine = climb[0].engine if climb else "-"
    return Table(
        f"Line scan, {WIDTH_PX} px mono8, on {engine}, {available_threads()} cores",
        (
            "starter, line rate, time",
            "lines",
            "lost",
            "tiles/s",
            "shed",
            "regions",
            "late",
            "slack",
            "CPU",
            "found",
            "holds",
        ),
        rows,
        (
            (
                f"a region is {PITCH_PX} lines ({PITCH_PX * _MM_PER_PX:.0f} mm), the marker {DISTANCE_MM:.0f} mm "
                "behind the camera and 20 ms slow; the last, cut region of a roll is never OK and not counted as late"
            ),
            "slack: the least of any region; found: defects of the truth that have a defect of the roll map on them",
            "the web is read from a mapped file in a loop and copied once, into the ring",
        ),
    )


def _needed_table(runs: Sequence[RateRun]) -> Table:
    needed = _needed(runs)
    rows = [
        (
            f"{width_px} px x {rate_hz / 1000:g} kHz",
            f"{tiles_a_second(width_px, rate_hz):.0f}",
            f"{width_px * rate_hz / 1e6:.0f}",
        )
        for width_px, rate_hz in ((2048, 6000), (2048, 10_000), (4096, 50_000))
    ]
    return Table(
        "What a line rate asks for",
        ("camera", "tiles/s", "MB/s"),
        rows,
        (
            (
                f"the most judged here: {needed['most_measured']:.1f} tiles/s; 4k x 50 kHz needs {needed['cores']} "
                f"such cores, or one accelerator with less than {needed['ms_a_tile']:.2f} ms a tile, its input included"
            ),
        ),
    )


def _memory_table(memory: dict[str, Any]) -> Table:
    megabytes = [f"{memory[name] / 1e6:.0f}" for name in ("strip_bytes", "before_bytes", "peak_bytes")]
    return Table(
        f"Peak memory, {_WIDE_PX} px x {memory['lines']} lines, MB",
        ("the strip itself", "process with the model loaded", "process at its peak"),
        (megabytes,),
        (f"{memory['tiles']} tiles in {memory['seconds']:.0f} s; a ring of 2,048 lines is 34 MB of it",),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
