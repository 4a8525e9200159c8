"""Polygons on a view, and the two questions asked of them: does a box touch one, and does it lie wholly inside one.

The rules that a recipe builds on these fail closed: a defect is ignored only if its **whole** box lies inside
an ignore zone, and it is held to a zone's limits as soon as its box **touches** that zone.

Regions are closed (their border belongs to them); a box is judged by its interior, so a box that only shares
a border with a zone does not touch it, and a box that reaches exactly to a zone's border lies inside.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

PointPx: TypeAlias = tuple[float, float]
"""(x, y) in frame pixels; x grows to the right, y downwards."""

BoxXyxyPx: TypeAlias = tuple[float, float, float, float]
"""(left, top, right, bottom) in frame pixels, half-open."""

MAX_CORNERS = 200
"""Corners of one polygon at most: the check for crossing edges compares all pairs."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A simple polygon: at least three corners, no edge crosses or touches another but its neighbours.

    Attributes:
        corners_px: (x, y) of each corner in order, either way round; the last joins the first.
    """

    corners_px: tuple[PointPx, ...]

    def __post_init__(self) -> None:
        """Refuse what encloses no area or crosses itself."""
        count = len(self.corners_px)
        if not 3 <= count <= MAX_CORNERS:
            raise ValueError(f"a polygon has 3 to {MAX_CORNERS} corners; this one has {count}")
        if not all(math.isfinite(value) for corner in self.corners_px for value in corner):
            raise ValueError("a polygon's corners must be finite numbers")
        edges = list(self.edges())
        for first, second in itertools.combinations(range(count), 2):
            neighbours = second - first == 1 or (first == 0 and second == count - 1)
            if _edges_conflict(edges[first], edges[second], neighbours=neighbours):
                raise ValueError(
                    f"the polygon's edge {first + 1} {edges[first]} crosses or touches its edge {second + 1} "
                    f"{edges[second]}; give the corners in order around the zone, each once"
                )

    def edges(self) -> Iterator[tuple[PointPx, PointPx]]:
        """Each edge as (from, to), the closing one last."""
        return itertools.pairwise((*self.corners_px, self.corners_px[0]))

    def fits(self, size_wh_px: tuple[int, int]) -> bool:
        """Whether every corner lies on a view of that size, its right and lower border included."""
        width_px, height_px = size_wh_px
        return all(0 <= x <= width_px and 0 <= y <= height_px for x, y in self.corners_px)

    def holds(self, point: PointPx) -> bool:
        """Whether a point lies in the polygon or on its border.

        Even-odd rule: W. R. Franklin, PNPOLY; the border is tested apart, since that rule leaves it
        undefined.
        """
        x, y = point
        inside = False
        for (x1, y1), (x2, y2) in self.edges():
            if _on_segment(point, (x1, y1), (x2, y2)):
                return True
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                inside = not inside
        return inside

    def encloses(self, box_xyxy_px: BoxXyxyPx) -> bool:
        """Whether the whole box lies inside.

        No edge runs through the box's interior, so that interior lies on one side; its centre says on which.
        """
        crossed = any(_crosses_interior(edge, box_xyxy_px) for edge in self.edges())
        return not crossed and self.holds(_centre(box_xyxy_px))

    def touches(self, box_xyxy_px: BoxXyxyPx) -> bool:
        """Whether some of the box's interior lies inside."""
        crossed = any(_crosses_interior(edge, box_xyxy_px) for edge in self.edges())
        return crossed or self.holds(_centre(box_xyxy_px))

    def covers(self, other: "Polygon") -> bool:
        """Whether another polygon lies wholly inside this one; a polygon covers itself.

        The border of `other` is cut where it meets this border; each piece then lies on one side, and its
        midpoint says on which. A simple polygon has no hole, so holding the border means holding the area.
        """
        for start, end in other.edges():
            cuts = sorted({0.0, 1.0, *(cut for edge in self.edges() for cut in _cuts(start, end, edge))})
            probes = [0.0, *((first + second) / 2 for first, second in itertools.pairwise(cuts))]
            if not all(self.holds(_along(start, end, share)) for share in probes):
                return False
        return True


def _centre(box_xyxy_px: BoxXyxyPx) -> PointPx:
    left, top, right, bottom = box_xyxy_px
    return (left + right) / 2, (top + bottom) / 2


def _along(start: PointPx, end: PointPx, share: float) -> PointPx:
    if share == 0.0:
        return start
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _turn(origin: PointPx, first: PointPx, second: PointPx) -> float:
    """Twice the signed area of a triangle: its sign says on which side of origin-first the second point lies."""
    return (first[0] - origin[0]) * (second[1] - origin[1]) - (first[1] - origin[1]) * (second[0] - origin[0])


def _on_segment(point: PointPx, start: PointPx, end: PointPx) -> bool:
    """Whether a point lies on a segment, within the rounding of coordinates as large as a frame's."""
    length_px = math.hypot(end[0] - start[0], end[1] - start[1])
    if abs(_turn(start, end, point)) > 1e-9 * max(length_px, 1.0) * max(length_px, abs(point[0]), abs(point[1]), 1.0):
        return False
    return (
        min(start[0], end[0]) - 1e-9 <= point[0] <= max(start[0], end[0]) + 1e-9
        and min(start[1], end[1]) - 1e-9 <= point[1] <= max(start[1], end[1]) + 1e-9
    )


def _edges_conflict(first: tuple[PointPx, PointPx], second: tuple[PointPx, PointPx], *, neighbours: bool) -> bool:
    """Whether two edges of one polygon meet where they must not."""
    (a, b), (c, d) = first, second
    if neighbours:
        # They share one corner; beyond it neither may fold back onto the other.
        shared, far_first, far_second = (b, a, d) if b == c else (a, b, c)
        return (
            far_first == shared
            or far_second == shared
            or (_on_segment(far_first, shared, far_second) or _on_segment(far_second, shared, far_first))
        )
    proper = _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0
    return proper or any(
        _on_segment(point, *edge) for point, edge in ((a, second), (b, second), (c, first), (d, first))
    )


def _crosses_interior(edge: tuple[PointPx, PointPx], box_xyxy_px: BoxXyxyPx) -> bool:
    """Whether a segment runs through the open interior of a box.

    The segment is clipped to the box (Liang and Barsky, "A new concept and method for line clipping", ACM
    Transactions on Graphics 3(1), 1984). A box is convex, so what is left lies in its interior unless its
    midpoint lies on the border.
    """
    left, top, right, bottom = box_xyxy_px
    (x1, y1), (x2, y2) = edge
    enter, leave = 0.0, 1.0
    for start, step, low, high in ((x1, x2 - x1, left, right), (y1, y2 - y1, top, bottom)):
        if step == 0:
            if not low < start < high:
                return False
            continue
        near, far = sorted(((low - start) / step, (high - start) / step))
        enter, leave = max(enter, near), min(leave, far)
    if enter >= leave:
        return False
    x, y = _along((x1, y1), (x2, y2), (enter + leave) / 2)
    return left < x < right and top < y < bottom


def _cuts(start: PointPx, end: PointPx, edge: tuple[PointPx, PointPx]) -> Iterator[float]:
    """Shares in (0, 1) of the way from start to end at which another edge crosses it or has a corner on it."""
    (a, b) = edge
    before, after = _turn(a, b, start), _turn(a, b, end)
    if before * after < 0:
        yield before / (before - after)
    length_squared = (end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2
    for corner in edge:
        if _on_segment(corner, start, end):
            share = (
                (corner[0] - start[0]) * (end[0] - start[0]) + (corner[1] - start[1]) * (end[1] - start[1])
            ) / length_squared
            if 0 < share < 1:
                yield share
