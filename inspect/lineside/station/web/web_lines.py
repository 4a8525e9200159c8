"""The lines of the web: from the camera's chunks into the ring, each with its place in millimetres."""

import bisect

import numpy as np

from lineside.inspection.errors import LinesOverwritten
from lineside.inspection.strips import LineChunk, LineFault, LinePlaces, LineRing, LineWatch
from lineside.inspection.strips.places import Places
from lineside.station.web.plan import WebPlan

_PLACES_PER_RING = 8
"""Places are kept for longer than pixels: a region is decided after its lines have left the ring (8 bytes a line)."""


class WebLines:
    """What came from the camera.

    Args:
        plan: sizes and rules.
    """

    def __init__(self, plan: WebPlan) -> None:
        self.ring = LineRing(width_px=plan.width_px, capacity_lines=plan.ring_lines)
        self.lines_read = 0
        self.lines_lost = 0
        self._plan = plan
        self._watch = LineWatch(width_px=plan.width_px, scale=plan.scale, rules=plan.rules)
        self._places: LinePlaces | None = None
        self._next_camera_line = 0

    @property
    def newest_line(self) -> int:
        """One past the newest line of the web."""
        return self.ring.newest_line

    @property
    def camera_mm(self) -> float:
        """The place of the web under the camera; 0 before the first line."""
        return self.place_mm(self.newest_line) if self._places is not None else 0.0

    def accept(self, chunk: LineChunk) -> tuple[LineFault, ...]:
        """Take a chunk in; returns what is wrong with its lines."""
        self.lines_lost += max(0, chunk.first_line - self._next_camera_line)
        self._next_camera_line = max(self._next_camera_line, chunk.first_line + len(chunk))
        self.lines_read += len(chunk)
        watched = self._watch.accept(chunk)
        for run in watched.runs:
            for start in range(0, len(run.lines), self.ring.capacity_lines):
                self.ring.write(run.lines[start : start + self.ring.capacity_lines])
            self._known_places().extend(run.ends)
        return watched.faults

    def place_mm(self, line: int) -> float:
        """Where the upper edge of a line lies along the web.

        Raises:
            LinesOverwritten: its place is forgotten; another line's would make web count as seen that nobody saw.
        """
        return float(self._known_places().at_mm(np.array([line], np.float64))[0])

    @property
    def oldest_known(self) -> int:
        """The oldest line whose place is known."""
        return max(0, self._known_places().newest_edge - self._kept_places)

    def mark_mm(self, encoder: int) -> float:
        """Where a count of the encoder lies along the web; before 0 where it passed before the first line.

        Raises:
            LinesOverwritten: no line has come yet.
        """
        scale, start_count = self._plan.scale, self._watch.start_count
        if start_count is None:
            raise LinesOverwritten("no line of the web has come yet, so no place is known")
        return scale.length_mm(encoder * scale.direction - start_count)

    def line_at(self, place_mm: float) -> int:
        """The first line of known place that lies at or beyond a place; the newest one if the web is not there yet."""
        lines = range(self.oldest_known, self._known_places().newest_edge + 1)
        return lines[0] + min(bisect.bisect_left(lines, place_mm, key=self.place_mm), len(lines) - 1)

    def at_mm(self, edges: Places) -> Places:
        """Where edges between lines lie, as `AlongPlaces` has it."""
        return self._known_places().at_mm(edges)

    @property
    def _kept_places(self) -> int:
        return self._plan.ring_lines * _PLACES_PER_RING

    def _known_places(self) -> LinePlaces:
        if self._places is None:
            start_count = self._watch.start_count
            if start_count is None:
                raise LinesOverwritten("no line of the web has come yet, so no place is known")
            self._places = LinePlaces(capacity_lines=self._kept_places, scale=self._plan.scale, start_count=start_count)
        return self._places
