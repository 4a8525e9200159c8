"""Threads that judge tiles out of the ring: as many as the engine has streams, bounded by the cores it was given.

Tiles wait in order. One whose stretch of web is decided already, or cannot be decided in time any more, is shed when
its turn comes: what still can be judged in time is judged in time.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np

from lineside.inspection.detections import Detections
from lineside.inspection.errors import EngineError, FrameError, LinesOverwritten
from lineside.inspection.frames import Image
from lineside.inspection.image_health import HealthLimits, measure_light
from lineside.inspection.strips import LineRing
from lineside.inspection.tiling import Tile

Compose = Callable[[Image, Tile], Image]
"""Makes what a detector looks at out of a tile's pixels."""

NO_TIME = "no time was left"
"""Why a shed tile was not judged."""


class TileDetector(Protocol):
    """Finds defects in one window. Several threads may call it at once; `Detector` is one."""

    @property
    def streams(self) -> int:
        """How many calls at once make sense."""
        ...

    def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
        """Boxes in the window's own pixels.

        Raises:
            EngineError, FrameError: it could not look.
        """
        ...


@dataclass(frozen=True, slots=True)
class JudgedTile:
    """What became of one tile.

    Attributes:
        tile: in lines of the web.
        found: what the model says; None if it was not asked.
        why_not: why there is nothing found, for people.
        is_overrun: whether its lines were gone.
        is_shed: whether all that it shows was decided before its turn came.
    """

    tile: Tile
    found: Detections | None
    why_not: str | None = None
    is_overrun: bool = False
    is_shed: bool = False


class TileWorkers:
    """A queue of tiles and the threads that empty it; `close` ends them.

    Args:
        detector: judges.
        ring: holds the lines.
        thresholds: effective ones, by class.
        health: the recipe's limits. Those of light hold for each band of a tile. The others say nothing of a piece of a
            web: plain web is blank and has no edge to be sharp, a print repeats, and `LineWatch` tells of lost lines.
        band_lines: height of a band, at most the overlap of tiles: wherever in a tile the lamp went out, the first
            band that is dark as a whole lies in that tile, or the next one shows all that is dark.
        compose: makes what the detector looks at out of a tile's pixels; None for the pixels themselves.
        monotonic: seconds of a monotonic clock.
        on_judged: called in a worker's thread after each tile.
    """

    def __init__(
        self,
        detector: TileDetector,
        ring: LineRing,
        *,
        thresholds: Mapping[str, float],
        health: HealthLimits,
        band_lines: int,
        compose: Compose | None,
        monotonic: Callable[[], float],
        on_judged: Callable[[JudgedTile], None],
    ) -> None:
        self._detector = detector
        self._ring = ring
        self._thresholds = thresholds
        self._health = health
        self._band_lines = band_lines
        self._compose = compose
        self._monotonic = monotonic
        self._on_judged = on_judged
        self._tile_s = 0.0
        self._waiting: deque[Tile] = deque()
        self._shed_lines: list[tuple[int, int]] = []
        self._state = threading.Condition()
        self._in_flight = 0
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"web-tile-{number}", daemon=True)
            for number in range(detector.streams)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def seconds_per_tile(self) -> float:
        """How long the threads together need for one tile more, as of late; 0 before the first."""
        return self._tile_s / len(self._threads)

    def waiting_before(self, line: int) -> int:
        """Tiles under way, and waiting ones that begin above a line of the web: the work until all above it is seen."""
        with self._state:
            return self._in_flight + sum(tile.top_px < line and not self._is_shed(tile) for tile in self._waiting)

    def offer(self, tile: Tile) -> None:
        """Put a tile at the end of the queue."""
        with self._state:
            self._waiting.append(tile)
            self._state.notify()

    def shed(self, first_line: int, end_line: int) -> None:
        """Judge no more tile that lies wholly within these lines, joined with those shed before."""
        with self._state:
            if self._shed_lines and first_line <= self._shed_lines[-1][1]:
                begin, end = self._shed_lines[-1]
                self._shed_lines[-1] = (min(begin, first_line), max(end, end_line))
            else:
                self._shed_lines.append((first_line, end_line))
            oldest = self._waiting[0].top_px if self._waiting else end_line
            self._shed_lines = [span for span in self._shed_lines if span[1] > oldest or span is self._shed_lines[-1]]

    def close(self) -> None:
        """Forget what waits, and end the threads after what they are at."""
        with self._state:
            self._is_closed = True
            self._waiting.clear()
            self._state.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._state:
                while not self._waiting and not self._is_closed:
                    self._state.wait()
                if self._is_closed:
                    return
                tile = self._waiting.popleft()
                is_shed = self._is_shed(tile)
                self._in_flight += 1
            began_s = self._monotonic()
            judged = JudgedTile(tile, None, NO_TIME, is_shed=True) if is_shed else self._judged(tile)
            taken_s = self._monotonic() - began_s
            with self._state:
                self._in_flight -= 1
                if not is_shed:
                    self._tile_s = taken_s if self._tile_s == 0.0 else 0.9 * self._tile_s + 0.1 * taken_s
            self._on_judged(judged)

    def _is_shed(self, tile: Tile) -> bool:
        return any(first <= tile.top_px and tile.bottom_px <= end for first, end in self._shed_lines)

    def _judged(self, tile: Tile) -> JudgedTile:
        """What became of a tile, whatever happened: one that never came back would hold up the web for ever."""
        try:
            return self._judge(tile)
        except Exception as error:  # noqa: BLE001 - the thread's boundary: nobody looked, which is never OK
            return JudgedTile(tile, None, f"it could not be judged: {type(error).__name__}: {error}")

    def _judge(self, tile: Tile) -> JudgedTile:
        try:
            with self._ring.reserve(tile.top_px, tile.bottom_px - tile.top_px) as window:
                pixels = window.lines[:, tile.left_px : tile.right_px].copy()  # the ring may not wait for the model
                is_intact = window.is_intact
        except LinesOverwritten as error:
            return JudgedTile(tile, None, str(error), is_overrun=True)
        if not is_intact:
            return JudgedTile(tile, None, "the lines were overwritten as they were read", is_overrun=True)
        unfit = self._unfit(pixels)
        if unfit is not None:
            return JudgedTile(tile, None, unfit)
        try:
            image = pixels if self._compose is None else self._compose(pixels, tile)
            return JudgedTile(tile, self._detector.detect(image, thresholds=self._thresholds))
        except (EngineError, FrameError) as error:
            return JudgedTile(tile, None, str(error))

    def _unfit(self, pixels: Image) -> str | None:
        """Why a tile cannot be judged for its light; None if it can."""
        for band in np.array_split(pixels, ceil(len(pixels) / self._band_lines)):
            seen = measure_light(band)
            faults = seen.exposure_faults(self._health)
            if faults:
                return (
                    f"the web is {' and '.join(faults)}: gray levels {seen.darkest:g} to {seen.brightest:g}, mean "
                    f"{seen.mean:.0f}; look at lamp, aperture and exposure, or at the recipe's `health`"
                )
        return None
