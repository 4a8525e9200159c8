"""From a camera's chunks to defects in millimetres: one result, whatever the chunks, the windows and the speed."""

import itertools
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.inspection.detections import Detections
from lineside.inspection.strips import (
    EncoderScale,
    LineChunk,
    LineFaultKind,
    LinePlaces,
    LineRing,
    LineWatch,
    SeamCarry,
    SpeedChange,
    SpeedRule,
    StripTiler,
    WatchRules,
    WebDefect,
)
from lineside.inspection.strips.lines import Counts, Lines
from lineside.inspection.strips.picture_watch import stretches
from lineside.inspection.tiling import Tile

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCALE = EncoderScale(0.1)
RULES = WatchRules(counts_per_line=2, repeated_lines=None)


def marked(window: Lines) -> Detections:
    """A detector that sees black marks, one above the other or side by side."""
    dark = window < 64
    boxes = [
        (left, top, right, bottom)
        for left, right in stretches(np.any(dark, axis=0))
        for top, bottom in stretches(np.any(dark[:, left:right], axis=1))
    ]
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.full(count, 0.9, np.float32), np.zeros(count, np.int64)
    )


class Chain:
    """All of it, one behind the other, as a station runs it."""

    def __init__(self, *, width_px: int, tile_wh_px: tuple[int, int], rules: WatchRules, ring_lines: int) -> None:
        self.watch = LineWatch(width_px=width_px, scale=SCALE, rules=rules)
        self.ring = LineRing(width_px=width_px, capacity_lines=ring_lines)
        self.places: LinePlaces | None = None
        self.tiler = StripTiler(width_px=width_px, tile_wh_px=tile_wh_px, overlap_wh_px=(8, max(1, tile_wh_px[1] // 5)))
        self.faults: list[LineFaultKind] = []
        self._width_px = width_px
        self._carry: SeamCarry | None = None

    def run(self, chunks: Iterator[LineChunk]) -> list[WebDefect]:
        found: list[WebDefect] = []
        for chunk in chunks:
            watched = self.watch.accept(chunk)
            self.faults += [fault.kind for fault in watched.faults]
            if self.places is None:
                start = self.watch.start_count or 0
                self.places = LinePlaces(capacity_lines=self.ring.capacity_lines, scale=SCALE, start_count=start)
                self._carry = SeamCarry(
                    width_px=self._width_px, class_names=("mark",), mm_per_px_across=0.2, places=self.places
                )
            for run in watched.runs:
                self.ring.write(run.lines)
                self.places.extend(run.ends)
            found += self._look(self.tiler.due(self.ring.newest_line))
        found += self._look(self.tiler.finish(self.ring.newest_line))
        return [*found, *(self._carry.finish() if self._carry else ())]

    def _look(self, tiles: Sequence[Tile]) -> Iterator[WebDefect]:
        assert self._carry is not None
        for tile in tiles:
            with self.ring.reserve(tile.top_px, tile.bottom_px - tile.top_px) as window:
                self._carry.add(tile, marked(window.lines[:, tile.left_px : tile.right_px]))
                assert window.is_intact
            self.tiler.done(tile)
            yield from self._carry.advance(self.tiler.settled_line)


def web(lines: int, width_px: int, marks: Sequence[tuple[int, int, int, int]]) -> Lines:
    pixels = np.full((lines, width_px), 200, np.uint8)
    for left, top, right, bottom in marks:
        pixels[top:bottom, left:right] = 0
    return pixels


def cut(pixels: Lines, encoder: Counts, edges: Sequence[int]) -> Iterator[LineChunk]:
    bounds = sorted({0, len(pixels), *(edge for edge in edges if 0 < edge < len(pixels))})
    for first, stop in itertools.pairwise(bounds):
        yield LineChunk(pixels[first:stop].copy(), first, encoder[first:stop], NOW)


def in_mm(defects: Sequence[WebDefect]) -> list[tuple[float, ...]]:
    rounded = [
        tuple(round(side, 6) for side in (each.left_mm, each.right_mm, each.from_mm, each.to_mm)) for each in defects
    ]
    return sorted(rounded)


@given(
    marks=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 500), st.integers(1, 300)), max_size=5),
    chunk_edges=st.lists(st.integers(0, 600), max_size=8),
    tile=st.tuples(st.integers(20, 90), st.integers(20, 150)),
    steps=st.lists(st.sampled_from([2, 2, 2, 1, 3]), min_size=600, max_size=600),
)
@settings(max_examples=40, deadline=None)
def test_marks_come_out_in_their_true_millimetres_whatever_chunks_windows_and_speed(
    marks: list[tuple[int, int, int]], chunk_edges: list[int], tile: tuple[int, int], steps: list[int]
) -> None:
    """Marks in columns of their own, on a web whose encoder says that its speed changed all the time."""
    columns = {column: (top, min(600, top + length)) for column, top, length in marks}
    boxes = [(10 + 20 * column, top, 16 + 20 * column, bottom) for column, (top, bottom) in columns.items()]
    encoder = 5000 + np.cumsum(steps)
    rules = WatchRules(counts_per_line=2, repeated_lines=None, speed=SpeedRule(tolerance=0.9))
    chain = Chain(width_px=120, tile_wh_px=tile, rules=rules, ring_lines=800)
    found = chain.run(cut(web(600, 120, boxes), encoder, chunk_edges))
    edges_mm = np.concatenate([[encoder[0] - 2], encoder]) - (encoder[0] - 2)
    assert in_mm(found) == sorted(
        tuple(round(float(side), 6) for side in (left * 0.2, right * 0.2, edges_mm[top] * 0.1, edges_mm[bottom] * 0.1))
        for left, top, right, bottom in boxes
    )
    assert chain.faults == []


@given(chunk_edges=st.lists(st.integers(0, 900), max_size=8), slow=st.integers(0, 700))
@settings(max_examples=25, deadline=None)
def test_resampled_to_the_nominal_pitch_a_mark_keeps_its_length(chunk_edges: list[int], slow: int) -> None:
    """For a while the web runs at half speed, and every second line is one too many."""
    steps = np.full(900, 2)
    steps[slow : slow + 200] = 1
    encoder = np.cumsum(steps)
    pixels = web(900, 60, [(20, 150, 40, 640)])
    rules = WatchRules(counts_per_line=2, repeated_lines=None, speed=SpeedRule(SpeedChange.RESAMPLE))
    chain = Chain(width_px=60, tile_wh_px=(60, 100), rules=rules, ring_lines=1000)
    (found,) = chain.run(cut(pixels, encoder, chunk_edges))
    assert chain.ring.newest_line == encoder[-1] // 2
    assert abs(found.from_mm - (encoder[149] - encoder[0] + 2) * 0.1) <= 0.2
    assert abs(found.to_mm - (encoder[639] - encoder[0] + 2) * 0.1) <= 0.2
    assert chain.faults == []


def test_a_mark_over_lost_lines_is_one_and_the_place_is_named() -> None:
    pixels = web(400, 60, [(20, 50, 40, 350)])
    encoder = 2 * np.arange(1, 401)
    kept = [
        LineChunk(pixels[first:stop].copy(), first, encoder[first:stop], NOW) for first, stop in ((0, 190), (230, 400))
    ]
    chain = Chain(width_px=60, tile_wh_px=(60, 64), rules=RULES, ring_lines=500)
    (found,) = chain.run(iter(kept))
    assert in_mm([found]) == [(4.0, 8.0, 10.0, 70.0)]
    assert chain.faults == [LineFaultKind.DROPPED]


def test_a_web_of_2048_px_and_100000_lines_passes_in_bounded_memory() -> None:
    """205 MB of pixels and a scratch from end to end; counted is what Python holds beside the mapped ring."""
    chunk = web(1000, 2048, [(700, 0, 712, 1000)])

    def stream() -> Iterator[LineChunk]:
        for first in range(0, 100_000, 1000):
            encoder = 2 * np.arange(first + 1, first + 1001)
            yield LineChunk(chunk, first, encoder, NOW)

    chain = Chain(width_px=2048, tile_wh_px=(2048, 1024), rules=RULES, ring_lines=4096)
    tracemalloc.start()
    try:
        (found,) = chain.run(stream())
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert in_mm([found]) == [(140.0, 142.4, 0.0, 20_000.0)]
    assert peak_bytes < 16 << 20  # of which the detector's masks of a window are most


def test_no_reader_takes_overwritten_lines_for_whole() -> None:
    """A writer that never waits, and a reader that is too slow now and then."""
    ring = LineRing(width_px=512, capacity_lines=64)
    whole = torn = 0
    ring.write(np.zeros((64, 512), np.uint8))
    ended = threading.Event()

    def write() -> None:
        for number in range(1, 4001):
            ring.write(np.full((8, 512), number % 251, np.uint8))
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    is_last = False
    while not is_last:
        is_last = ended.is_set()  # once more when nobody writes: that window is whole
        first = ring.oldest_line // 8 * 8 + 8
        try:
            with ring.reserve(first, 16) as window:
                pixels = window.lines.copy()
                is_intact = window.is_intact
        except LookupError:
            continue
        expected = [(first // 8 - 7 + step) % 251 if first // 8 - 7 + step > 0 else 0 for step in (0, 1)]
        if is_intact:
            whole += 1
            assert [set(block.ravel().tolist()) for block in (pixels[:8], pixels[8:])] == [{each} for each in expected]
        else:
            torn += 1
    writer.join()
    assert whole
