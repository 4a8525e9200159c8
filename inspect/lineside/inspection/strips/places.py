"""Where lines lie along the web, in millimetres, for as many lines as the ring keeps."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.errors import LinesOverwritten
from lineside.inspection.strips.encoder_scale import EncoderScale
from lineside.inspection.strips.lines import Counts

Places = NDArray[np.float64]


class AlongPlaces(Protocol):
    """Says where edges between lines lie."""

    def at_mm(self, edges: Places) -> Places:
        """Millimetres along the web of edges between lines: line k lies from edge k to edge k + 1.

        Args:
            edges: float64 (n,); a fraction lies within a line.

        Returns:
            float64 (n,), rising with the edges.
        """
        ...


class LinePlaces:
    """The forward count at which each of the last lines ended, and so where every edge between lines lies.

    Args:
        capacity_lines: edges kept; at least the ring's lines.
        scale: counts to millimetres.
        start_count: forward count of the upper edge of line 0: the place 0 mm.
    """

    def __init__(self, *, capacity_lines: int, scale: EncoderScale, start_count: int) -> None:
        self._scale = scale
        self._kept = capacity_lines + 1
        self._counts = np.zeros(self._kept, np.int64)
        self._counts[0] = start_count
        self._start_count = start_count
        self._newest_edge = 0

    @property
    def newest_edge(self) -> int:
        """The last edge that is known: the end of the newest line."""
        return self._newest_edge

    def extend(self, ends: Counts) -> None:
        """Take in the counts at which further lines ended, in order.

        Raises:
            ValueError: a count lies before the one before it.
        """
        if not len(ends):
            return
        last = self._counts[self._newest_edge % self._kept]
        if bool(np.any(np.diff(ends, prepend=last) < 0)):
            raise ValueError("the counts of lines fall; expected those of a web that runs forward (see LineWatch)")
        recent = ends[-self._kept :]
        edges = self._newest_edge + len(ends) - len(recent) + 1 + np.arange(len(recent))
        self._counts[edges % self._kept] = recent
        self._newest_edge += len(ends)

    def count_mm(self, forward_count: int) -> float:
        """Where a forward count lies, e.g. that of a trigger."""
        return self._scale.length_mm(forward_count - self._start_count)

    def at_mm(self, edges: Places) -> Places:
        """Where edges lie.

        Args:
            edges: float64 (n,), each from the oldest to the newest edge kept; a fraction is interpolated.

        Raises:
            LinesOverwritten: an edge lies before those that are kept.
            ValueError: an edge lies beyond the newest, or is not finite.
        """
        if not len(edges):
            return np.zeros(0, np.float64)
        if not (np.isfinite(edges).all() and edges.max() <= self._newest_edge):
            raise ValueError(f"edges up to {edges.max()} were asked for; the newest known is {self._newest_edge}")
        if edges.min() < max(0, self._newest_edge + 1 - self._kept):
            raise LinesOverwritten(f"edge {edges.min()} is no longer known; keep more lines")
        below = np.floor(edges).astype(np.int64)
        above = np.minimum(below + 1, self._newest_edge)
        low = self._counts[below % self._kept]
        high = self._counts[above % self._kept]
        places: Places = (low - self._start_count + (edges - below) * (high - low)) * self._scale.mm_per_count
        return places
