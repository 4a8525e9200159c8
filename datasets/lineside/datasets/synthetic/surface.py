"""The copper of a tile as a map that defects are placed on: distances, edges, middle lines, rays."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
"""uint8 (height, width), 1 where there is copper (or where something was changed), else 0."""

Pixel = tuple[int, int]
"""Column, row."""

RAY_ANGLES = 16
RAY_REACH_PX = 80

_LARGEST_HOLE_PX2 = 3000

_ANGLES = np.arange(RAY_ANGLES) * (np.pi / RAY_ANGLES)
_STEPS = np.arange(1, RAY_REACH_PX + 1)
_RAY_X = np.round(np.cos(_ANGLES)[:, None] * _STEPS).astype(np.int64)
_RAY_Y = np.round(np.sin(_ANGLES)[:, None] * _STEPS).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The shortest straight way across a trace or a gap: both ends are the first pixels beyond it."""

    start: Pixel
    end: Pixel

    @property
    def length_px(self) -> float:
        """Distance between the ends."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))


class Surface:
    """Where on a piece of copper which kind of defect can sit.

    Attributes:
        copper: the golden copper; never changed.
    """

    def __init__(self, copper: Mask, *, margin_px: tuple[int, int, int, int]) -> None:
        """Prepare the maps.

        Args:
            copper: golden copper of the tile.
            margin_px: left, top, right, bottom lanes in which no defect is placed.
        """
        self.copper = copper
        self.inside_px: NDArray[np.float32] = _distance_px(copper)
        self.outside_px: NDArray[np.float32] = _distance_px(1 - copper)
        self._allowed = np.zeros(copper.shape, np.bool_)
        left, top, right, bottom = margin_px
        height, width = copper.shape
        self._allowed[top : height - bottom, left : width - right] = True

    @cached_property
    def copper_edges(self) -> NDArray[np.int64]:
        """Pixels of copper at its border, int64 (n, 2) as column, row."""
        return self._pixels((self.inside_px > 0) & (self.inside_px < 1.2))

    @cached_property
    def trace_middles(self) -> NDArray[np.int64]:
        """Pixels on the middle line of copper that is 5 to 60 px wide."""
        return self._pixels(_ridges(self.inside_px, 2.5, 30.0))

    @cached_property
    def gap_middles(self) -> NDArray[np.int64]:
        """Pixels on the middle line of gaps of 5 to 75 px between copper."""
        return self._pixels(_ridges(self.outside_px, 2.5, 37.0))

    @cached_property
    def copper_interior(self) -> NDArray[np.int64]:
        """Pixels at least 5 px inside copper."""
        return self._pixels(self.inside_px >= 5.0)

    @cached_property
    def bare_interior(self) -> NDArray[np.int64]:
        """Pixels at least 8 px away from any copper."""
        return self._pixels(self.outside_px >= 8.0)

    def crossing(self, middle: Pixel) -> Crossing | None:
        """The shortest way across the trace (or gap) of a pixel; None where no way ends in reach."""
        here = self.copper[middle[1], middle[0]]
        forward, back = self._first_change(middle, 1, here), self._first_change(middle, -1, here)
        angle = int((forward + back).argmin())
        if max(forward[angle], back[angle]) >= RAY_REACH_PX:
            return None
        return Crossing(
            (middle[0] - int(_RAY_X[angle, back[angle]]), middle[1] - int(_RAY_Y[angle, back[angle]])),
            (middle[0] + int(_RAY_X[angle, forward[angle]]), middle[1] + int(_RAY_Y[angle, forward[angle]])),
        )

    def _first_change(self, middle: Pixel, sign: int, here: np.uint8) -> NDArray[np.int64]:
        """For each angle the index of the first step at which copper begins or ends; the reach where none does."""
        height, width = self.copper.shape
        xs, ys = middle[0] + sign * _RAY_X, middle[1] + sign * _RAY_Y
        is_inside = (xs >= 0) & (ys >= 0) & (xs < width) & (ys < height)
        differs = self.copper[np.clip(ys, 0, height - 1), np.clip(xs, 0, width - 1)] != here
        reached = differs & is_inside
        return np.where(reached.any(axis=1), reached.argmax(axis=1), RAY_REACH_PX)

    def is_in_hole(self, *pixels: Pixel) -> bool:
        """Whether any of these pixels lies in a drilled hole: bare board enclosed by copper, no larger than a hole."""
        labels, areas = self._bare_pieces
        return any(areas[labels[y, x]] < _LARGEST_HOLE_PX2 for x, y in pixels)

    @cached_property
    def _bare_pieces(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - self.copper, connectivity=4)
        areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
        areas[0] = np.iinfo(np.int64).max  # label 0 is the copper
        return labels.astype(np.int32, copy=False), areas

    def inward(self, edge: Pixel) -> tuple[float, float]:
        """Unit vector from an edge pixel into its copper; (0, 0) where the edge has no side."""
        x, y = edge
        rows = slice(max(y - 3, 0), y + 4)
        columns = slice(max(x - 3, 0), x + 4)
        patch = self.copper[rows, columns]
        ys, xs = np.nonzero(patch)
        towards_x = float((xs + columns.start - x).sum())
        towards_y = float((ys + rows.start - y).sum())
        length = float(np.hypot(towards_x, towards_y))
        return (0.0, 0.0) if length < 4 else (towards_x / length, towards_y / length)

    def depth_px(self, start: Pixel, way: tuple[float, float]) -> int:
        """Steps from a pixel along a unit vector until copper begins or ends, at most the rays' reach."""
        height, width = self.copper.shape
        xs = np.round(start[0] + way[0] * _STEPS).astype(np.int64)
        ys = np.round(start[1] + way[1] * _STEPS).astype(np.int64)
        is_inside = (xs >= 0) & (ys >= 0) & (xs < width) & (ys < height)
        values = self.copper[ys[is_inside], xs[is_inside]]
        changes = np.nonzero(values != values[0])[0] if len(values) else np.zeros(0, np.int64)
        return int(changes[0]) if len(changes) else RAY_REACH_PX

    def _pixels(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        ys, xs = np.nonzero(mask & self._allowed)
        return np.stack([xs, ys], axis=1)


def _distance_px(mask: Mask) -> NDArray[np.float32]:
    return cv2.distanceTransform(mask, cv2.DIST_L2, 3).astype(np.float32, copy=False)


def _ridges(distance_px: NDArray[np.float32], low_px: float, high_px: float) -> NDArray[np.bool_]:
    highest = cv2.dilate(distance_px, np.ones((3, 3), np.uint8))
    is_ridge: NDArray[np.bool_] = (distance_px >= highest - 0.3) & (distance_px >= low_px) & (distance_px <= high_px)
    return is_ridge
