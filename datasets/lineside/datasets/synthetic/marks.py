"""Marks that a part may bear and still be good: dust, ink and scratches of the board's surface.

Under a light from behind, whatever lies on a board or scatters its light takes light away, and does nothing to the
copper: a person who looks at the part lets it pass, a detector that knows copper alone may take the shade for copper.
Sizes and depths are judgement, chosen to lie among those of the defects; no published measurement is behind them.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic.design import BoxPx, MarkKind
from lineside.datasets.synthetic.surface import Surface

Shade = NDArray[np.float32]
"""float32 (height, width), share of the light that is taken away, 0 to 1."""

_EDGE_SIGMA_PX = 0.7  # a mark lies above the plane of focus: its edge is softer than copper's


def draw_marks(
    surface: Surface, count: int, rng: np.random.Generator
) -> tuple[Shade, tuple[tuple[MarkKind, BoxPx], ...]]:
    """Put `count` marks of random kinds on a tile, where it is bare if it is bare anywhere.

    Returns:
        The shade over the tile, and each mark's kind with the bounds of its shade (xyxy, half-open).
    """
    shade = np.zeros(surface.copper.shape, np.float32)
    places = surface.bare_interior
    height, width = shade.shape
    marks: list[tuple[MarkKind, BoxPx]] = []
    for _ in range(count):
        kind = tuple(MarkKind)[int(rng.integers(len(MarkKind)))]
        if len(places):
            x, y = (int(value) for value in places[int(rng.integers(len(places)))])
        else:
            x, y = int(rng.integers(width)), int(rng.integers(height))
        ink = np.zeros(shade.shape, np.uint8)
        depth = _DRAWERS[kind](ink, (x, y), rng)
        left, top, wide, high = cv2.boundingRect(ink)
        shade = np.maximum(shade, ink.astype(np.float32) * np.float32(depth))
        marks.append((kind, (left, top, left + wide, top + high)))
    return cv2.GaussianBlur(shade, (0, 0), _EDGE_SIGMA_PX).astype(np.float32, copy=False), tuple(marks)


def _dust(ink: NDArray[np.uint8], at: tuple[int, int], rng: np.random.Generator) -> float:
    """A fibre, or a grain."""
    if rng.random() < 0.6:
        radius, start = float(rng.uniform(8, 34)), float(rng.uniform(0, 360))
        sweep, thickness = float(rng.uniform(50, 170)), int(rng.integers(2, 5))
        axes = (round(radius * 8), round(radius * rng.uniform(0.6, 1.0) * 8))
        middle = (at[0] * 8, at[1] * 8)
        cv2.ellipse(ink, middle, axes, start, 0, sweep, (1,), thickness, cv2.LINE_8, 3)
    else:
        axes = (round(rng.uniform(2.5, 7) * 8), round(rng.uniform(2.5, 7) * 8))
        cv2.ellipse(ink, (at[0] * 8, at[1] * 8), axes, float(rng.uniform(0, 180)), 0, 360, (1,), -1, cv2.LINE_8, 3)
    ink[at[1], at[0]] = 1  # an arc may bend out of the tile; its middle is a grain that does not
    return float(rng.uniform(0.45, 0.85))


def _ink(ink: NDArray[np.uint8], at: tuple[int, int], rng: np.random.Generator) -> float:
    """A dab of a marking pen: thinner than copper, with a ragged outline."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    radii = rng.uniform(0.6, 1.0, 9) * rng.uniform(6, 15)
    outline = np.stack([at[0] + radii * np.cos(angles), at[1] + radii * np.sin(angles)], axis=1)
    cv2.fillPoly(ink, [np.round(outline).astype(np.int32)], (1,))
    ink[at[1], at[0]] = 1
    return float(rng.uniform(0.3, 0.6))


def _scratch(ink: NDArray[np.uint8], at: tuple[int, int], rng: np.random.Generator) -> float:
    """A straight, thin line in the board's surface that scatters the light."""
    angle, half = float(rng.uniform(0, np.pi)), float(rng.uniform(12, 40))
    reach = np.array([np.cos(angle), np.sin(angle)]) * half
    ends = (np.round((np.array(at) + sign * reach) * 8).astype(int) for sign in (-1, 1))
    start, end = ((int(x), int(y)) for x, y in ends)
    cv2.line(ink, start, end, (1,), int(rng.integers(1, 4)), cv2.LINE_8, 3)
    return float(rng.uniform(0.3, 0.65))


_DRAWERS: dict[MarkKind, Callable[[NDArray[np.uint8], tuple[int, int], np.random.Generator], float]] = {
    MarkKind.DUST: _dust,
    MarkKind.INK: _ink,
    MarkKind.SCRATCH: _scratch,
}
