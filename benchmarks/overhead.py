"""`overhead`: what serving adds to decoding and inference, for one client and under load.

The same frames go through decoding and inference alone, in this process, and through the whole server, in short turns
one right after the other: what disturbs the host for longer than a turn disturbs both. Each pair gives one ratio.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.boards import BoardFrame, board_frames
from benchmarks.load import Load, run_load_apart
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from benchmarks.server import Line
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.frames import MediaType
from lineside.inspection.release import read_release, starter_release_folder

RELEASE = "pcb-single"
_CROWD = 4  # clients of the second comparison
_FRAMES = 50


@dataclass(frozen=True, slots=True)
class Pair:
    """One turn of each: milliseconds, or frames a second."""

    alone: float
    served: float

    @property
    def ratio(self) -> float:
        """Served over alone."""
        return self.served / self.alone


class Alone:
    """Decode and detect in this process: what a frame costs without any serving.

    Args:
        cache_dir: the server's own, so that both use the engine that it chose.
    """

    def __init__(self, cache_dir: Path) -> None:
        release = read_release(starter_release_folder(RELEASE))
        self._detector = open_detector(release, choose_engine(release, cache_dir=cache_dir))
        self._limits = DecodingLimits()

    @property
    def engine_name(self) -> str:
        """The engine that was chosen."""
        return self._detector.engine_name

    @property
    def streams(self) -> int:
        """Frames that the engine runs at once."""
        return self._detector.streams

    def run(self, frames: Sequence[BoardFrame], *, seconds: float) -> list[float]:
        """Milliseconds of one frame after the other, for some time."""
        taken_ms: list[float] = []
        ends_s = time.perf_counter() + seconds
        while (began_s := time.perf_counter()) < ends_s:
            jpeg = frames[len(taken_ms) % len(frames)].jpeg
            self._detector.detect(decode(jpeg, MediaType.JPEG, limits=self._limits).image)
            taken_ms.append((time.perf_counter() - began_s) * 1000.0)
        return taken_ms

    def rate(self, frames: Sequence[BoardFrame], *, seconds: float) -> float:
        """Frames a second with all streams busy."""
        with ThreadPoolExecutor(self.streams) as workers:
            runs = workers.map(lambda _: len(self.run(frames, seconds=seconds)), range(self.streams))
            return sum(runs) / seconds

    def close(self) -> None:
        """Free the model."""
        self._detector.close()


def measure(options: Options) -> Report:
    """Take turns with one server."""
    frames = board_frames(_FRAMES)
    picture_folder = options.folder / "frames"
    picture_folder.mkdir(parents=True)
    for index, frame in enumerate(frames):
        (picture_folder / f"{index:03d}.jpg").write_bytes(frame.jpeg)
    line = Line.prepare(options.folder / "line")
    turns = options.some(15, 4)
    lone: list[Pair] = []
    crowd: list[Pair] = []
    with line.server:
        line.enrol(_CROWD)
        alone = Alone(line.data_dir / "engines")
        options.say(f"overhead: {turns} turns with {alone.engine_name}")
        alone.run(frames, seconds=1)  # uncounted: the first run allocates
        for turn in range(turns):
            lone_ms = alone.run(frames, seconds=1.5)
            load = Load("lineside", line.server.port, 1, 1.5, str(picture_folder), f"lone-{turn}", line.key)
            served = run_load_apart(load)
            lone.append(Pair(statistics.median(lone_ms), statistics.median(served.latencies_ms)))
            rate = alone.rate(frames, seconds=2)
            load = Load("lineside", line.server.port, _CROWD, 2, str(picture_folder), f"crowd-{turn}", line.key)
            crowd.append(Pair(rate, len(run_load_apart(load).latencies_ms) / load.seconds))
        alone.close()
    rows = (
        _row("one client: p50 ms of a turn", lone, milliseconds),
        _row(f"frames a second: {alone.streams} at once, and {_CROWD} clients", crowd, "{:.1f}".format),
    )
    table = Table(
        f"What serving adds to decode + {alone.engine_name}",
        ("what", "decode + engine", "over HTTP", "ratio", "lowest and highest ratio"),
        rows,
        (f"medians of {turns} pairs of turns, one right after the other",),
    )
    figures = {
        "engine": alone.engine_name,
        "lone_ms": [(pair.alone, pair.served) for pair in lone],
        "crowd_rates": [(pair.alone, pair.served) for pair in crowd],
        "one_client_ratio": statistics.median(pair.ratio for pair in lone),
    }
    return Report((table,), figures)


def _row(what: str, pairs: Sequence[Pair], show: Callable[[float], str]) -> tuple[str, str, str, str, str]:
    ratios = [pair.ratio for pair in pairs]
    return (
        what,
        show(statistics.median(pair.alone for pair in pairs)),
        show(statistics.median(pair.served for pair in pairs)),
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f}..{max(ratios):.2f}",
    )
