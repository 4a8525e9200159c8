"""Placing copper so that nets keep their distance, and routing traces between terminals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic.design import TILE_PX
from lineside.datasets.synthetic.shapes import Point, Shape, Stroke, rasterise

OVERHANG_PX = 48
"""How far a layout reaches past its tile: a board's outer edge cuts through copper as in a real scan."""

_MAP_SCALE = 0.25  # the net map is coarse: a clearance needs no better than 4 px


@dataclass(frozen=True, slots=True)
class Style:
    """The drawing rules that one design keeps everywhere, in px.

    Attributes:
        trace_px: width of signal traces.
        wide_px: width of supply traces.
        clearance_px: smallest gap between nets.
        pad_px: side or diameter of a typical pad.
        hole_px: radius of drilled holes.
        grid_px: parts sit on multiples of this.
    """

    trace_px: int
    wide_px: int
    clearance_px: int
    pad_px: int
    hole_px: int
    grid_px: int


@dataclass(frozen=True, slots=True)
class Terminal:
    """A point of a net where a trace may begin: position, net, and the way out (a unit step, or (0, 0))."""

    at: Point
    net: int
    way_out: tuple[int, int] = (0, 0)


class Layout:
    """The copper of one tile while it is being laid out.

    Attributes:
        rng: the tile's own random stream.
        style: the design's rules.
        shapes: what was placed so far, in tile pixels.
        terminals: where traces may begin.
    """

    def __init__(self, rng: np.random.Generator, style: Style) -> None:
        self.rng = rng
        self.style = style
        self.shapes: list[Shape] = []
        self.terminals: list[Terminal] = []
        side = round((TILE_PX + 2 * OVERHANG_PX) * _MAP_SCALE)
        self._nets: NDArray[np.int16] = np.zeros((side, side), np.int16)
        self._scratch: NDArray[np.uint8] = np.zeros((side, side), np.uint8)
        self._net_count = 0

    def keep_out(self, shapes: Sequence[Shape]) -> None:
        """Reserve an area that no later copper may enter; nothing is drawn."""
        self._mark(shapes, net=-1)

    def place(self, *shapes: Shape, net: int | None = None, clearance_px: float | None = None) -> int | None:
        """Add shapes as one net unless copper of another net is too near.

        Args:
            shapes: copper and its voids.
            net: the net they belong to; None makes a new one.
            clearance_px: distance to other nets; None takes the style's.

        Returns:
            The net, or None where there was no room and nothing was added.
        """
        grow_px = self.style.clearance_px if clearance_px is None else clearance_px
        self._scratch[:] = 0
        self._rasterise([shape for shape in shapes if not shape.is_void], grow_px)
        met = self._nets[self._scratch > 0]
        if net is None:
            if met.any():
                return None
            self._net_count += 1
            net = self._net_count
        elif ((met != 0) & (met != net)).any():
            return None
        self.shapes.extend(shapes)
        self._mark(shapes, net=net)
        return net

    def terminal(self, at: Point, net: int, way_out: tuple[int, int] = (0, 0)) -> None:
        """Remember a point from which a trace may leave."""
        self.terminals.append(Terminal(at, net, way_out))

    def route(self, start: Point, end: Point, *, net: int, width_px: int) -> bool:
        """Join two points of a net by straight and 45-degree pieces, if a free way of that kind is found."""
        ways = octilinear_ways(start, end)
        for index in self.rng.permutation(len(ways)):
            if self.place(Stroke(ways[index], width_px), net=net) is not None:
                return True
        return False

    def free_point(self, margin_px: float = 0.0) -> Point:
        """A point on the design's grid, within the tile and its overhang less a margin."""
        low, high = -OVERHANG_PX + margin_px, TILE_PX + OVERHANG_PX - margin_px
        x, y = self.rng.uniform(low, high, 2)
        grid = self.style.grid_px
        return round(x / grid) * grid, round(y / grid) * grid

    def _mark(self, shapes: Sequence[Shape], *, net: int) -> None:
        self._scratch[:] = 0
        self._rasterise([shape for shape in shapes if not shape.is_void], 0.0)
        self._nets[self._scratch > 0] = net

    def _rasterise(self, shapes: Sequence[Shape], grow_px: float) -> None:
        rasterise(shapes, self._scratch, origin=(-OVERHANG_PX, -OVERHANG_PX), scale=_MAP_SCALE, grow_px=grow_px)


def octilinear_ways(start: Point, end: Point) -> list[tuple[Point, ...]]:
    """The three shortest ways of straight and 45-degree pieces: diagonal first, last, or in the middle."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    diagonal = min(abs(dx), abs(dy))
    step = (np.sign(dx) * diagonal, np.sign(dy) * diagonal)
    rest = (dx - step[0], dy - step[1])
    first = (start[0] + step[0], start[1] + step[1])
    last = (start[0] + rest[0], start[1] + rest[1])
    before = (start[0] + rest[0] / 2, start[1] + rest[1] / 2)
    after = (before[0] + step[0], before[1] + step[1])
    return [(start, first, end), (start, last, end), (start, before, after, end)]


def parallel(points: Sequence[Point], offset_px: float) -> tuple[Point, ...]:
    """A polyline beside another at a constant distance, mitred; positive is to the right of travel."""
    line = np.array(points, np.float64)
    along = np.diff(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1)
    before = np.vstack([normals[:1], normals])
    after = np.vstack([normals, normals[-1:]])
    mitre = (before + after) / (1.0 + np.sum(before * after, axis=1, keepdims=True))
    moved = line + mitre * offset_px
    return tuple((float(x), float(y)) for x, y in moved)
