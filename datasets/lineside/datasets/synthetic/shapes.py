"""The vector shapes that copper is made of, and how they become pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
"""x, y in tile pixels."""

_FIXED_POINT_BITS = 4
_FIXED_POINT = 1 << _FIXED_POINT_BITS


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line of constant width with round ends through two or more points."""

    points: tuple[Point, ...]
    width_px: float
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled simple polygon."""

    points: tuple[Point, ...]
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class Ellipse:
    """A filled ellipse with axes along x and y."""

    center: Point
    radii_px: Point
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class Lettering:
    """Characters etched in copper, upright or turned by a quarter; `origin` is the upper left corner."""

    text: str
    origin: Point
    height_px: float
    stroke_px: int
    is_upright: bool = True
    is_void: bool = False


Shape = Stroke | Polygon | Ellipse | Lettering


def rectangle(center: Point, size_wh_px: Point, *, chamfer_px: float = 0.0, is_void: bool = False) -> Polygon:
    """An upright rectangle, its corners cut at 45 degrees where `chamfer_px` is positive."""
    x, y = center
    half_w, half_h = size_wh_px[0] / 2, size_wh_px[1] / 2
    cut = min(chamfer_px, half_w, half_h)
    if cut <= 0:
        corners: tuple[Point, ...] = (
            (-half_w, -half_h),
            (half_w, -half_h),
            (half_w, half_h),
            (-half_w, half_h),
        )
    else:
        corners = (
            (-half_w + cut, -half_h), (half_w - cut, -half_h),
            (half_w, -half_h + cut), (half_w, half_h - cut),
            (half_w - cut, half_h), (-half_w + cut, half_h),
            (-half_w, half_h - cut), (-half_w, -half_h + cut),
        )  # fmt: skip
    return Polygon(tuple((x + dx, y + dy) for dx, dy in corners), is_void)


def rasterise(
    shapes: Iterable[Shape],
    canvas: NDArray[np.uint8],
    *,
    origin: Point = (0.0, 0.0),
    scale: float = 1.0,
    grow_px: float = 0.0,
) -> None:
    """Draw shapes as 1 onto a canvas, all copper first and then the voids as 0, so that holes stay open.

    Args:
        shapes: what to draw, in tile pixels.
        canvas: uint8 (height, width), changed in place.
        origin: tile position of the canvas' upper left corner.
        scale: canvas pixels per tile pixel.
        grow_px: copper is drawn larger by this many tile pixels on every side, to keep clearances.
    """
    held = list(shapes)
    for shape in held:
        if not shape.is_void:
            _draw(shape, canvas, origin, scale, grow_px)
    for shape in held:
        if shape.is_void:
            _draw(shape, canvas, origin, scale, 0.0)


def _draw(shape: Shape, canvas: NDArray[np.uint8], origin: Point, scale: float, grow_px: float) -> None:
    color = (0,) if shape.is_void else (1,)
    match shape:
        case Stroke(points, width_px):
            thickness = max(1, round((width_px + 2 * grow_px) * scale))
            line = [_fixed(points, origin, scale)]
            cv2.polylines(canvas, line, isClosed=False, color=color, thickness=thickness, shift=_FIXED_POINT_BITS)
        case Polygon(points):
            corners = _fixed(points, origin, scale)
            cv2.fillPoly(canvas, [corners], color, 8, _FIXED_POINT_BITS)
            if grow_px > 0:
                thickness = max(1, round(2 * grow_px * scale))
                cv2.polylines(
                    canvas,
                    [corners],
                    isClosed=True,
                    color=color,
                    thickness=thickness,
                    shift=_FIXED_POINT_BITS,
                )
        case Ellipse(center, radii_px):
            middle = _fixed((center,), origin, scale)[0]
            axes = tuple(max(1, round((radius + grow_px) * scale * _FIXED_POINT)) for radius in radii_px)
            cv2.ellipse(canvas, (int(middle[0]), int(middle[1])), axes, 0, 0, 360, color, -1, 8, _FIXED_POINT_BITS)
        case Lettering():
            _letter(shape, canvas, origin, scale, grow_px)


def _letter(shape: Lettering, canvas: NDArray[np.uint8], origin: Point, scale: float, grow_px: float) -> None:
    font_scale = shape.height_px * scale / 22.0  # the capitals of Hershey simplex are 22 px high at scale 1
    thickness = max(1, round((shape.stroke_px + 2 * grow_px) * scale))
    (width, height), below = cv2.getTextSize(shape.text, cv2.FONT_HERSHEY_SIMPLEX, font_scale, thickness)
    patch: NDArray[np.uint8] = np.zeros((height + below + 2 * thickness, width + 2 * thickness), np.uint8)
    cv2.putText(
        patch,
        shape.text,
        (thickness, height + thickness),
        cv2.FONT_HERSHEY_SIMPLEX,
        font_scale,
        (1,),
        thickness,
    )
    if not shape.is_upright:
        patch = np.rot90(patch).copy()
    left = round((shape.origin[0] - origin[0]) * scale)
    top = round((shape.origin[1] - origin[1]) * scale)
    rows = slice(max(top, 0), min(top + patch.shape[0], canvas.shape[0]))
    columns = slice(max(left, 0), min(left + patch.shape[1], canvas.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        np.maximum(canvas[rows, columns], part, out=canvas[rows, columns])


def _fixed(points: Iterable[Point], origin: Point, scale: float) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point coordinates: int32 (n, 2)."""
    moved = (np.array(list(points), np.float64) - origin) * (scale * _FIXED_POINT)
    return np.round(moved).astype(np.int32)
