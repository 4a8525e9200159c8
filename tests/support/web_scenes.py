"""Webs with known defects, and a detector that sees exactly what lies in its window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.inspection.strips import SeamCarry, WebDefect
from lineside.inspection.tiling import Tile

Box = tuple[int, int, int, int]
"""Left px, first line, right px, one past the last line."""

CLASS_NAMES = ("hole", "scratch", "stain")
MM_PER_PX = 0.25


@dataclass(frozen=True, slots=True)
class TrueDefect:
    """A defect that is there: its class and its box."""

    class_id: int
    box: Box


@dataclass(frozen=True, slots=True)
class EvenPlaces:
    """Lines that all lie one pitch apart."""

    mm_per_line: float = 0.5

    def at_mm(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        return edges * self.mm_per_line


def seen_exactly(tile: Tile, truth: Iterable[TrueDefect]) -> Detections:
    """The part of each defect that lies in the window, in the window's own pixels."""
    boxes, classes = [], []
    for defect in truth:
        left, top, right, bottom = defect.box
        left, right = max(left, tile.left_px), min(right, tile.right_px)
        top, bottom = max(top, tile.top_px), min(bottom, tile.bottom_px)
        if left < right and top < bottom:
            boxes.append((left - tile.left_px, top - tile.top_px, right - tile.left_px, bottom - tile.top_px))
            classes.append(defect.class_id)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.5, np.float32), np.array(classes, np.int64)
    )


def carried(carry: SeamCarry, rows: Sequence[Sequence[Tile]], truth: Sequence[TrueDefect]) -> list[WebDefect]:
    """Run rows of windows through a carry, settling each row before the next."""
    finished: list[WebDefect] = []
    for row, following in zip(rows, [*rows[1:], ()], strict=True):
        for tile in row:
            carry.add(tile, seen_exactly(tile, truth))
        if following:
            finished += carry.advance(following[0].top_px)
    return [*finished, *carry.finish()]


def placed(defects: Iterable[WebDefect]) -> list[tuple[str, float, float, float, float]]:
    """What defects are and where, without how they were found."""
    return sorted((each.class_name, each.from_mm, each.to_mm, each.left_mm, each.right_mm) for each in defects)


def true_places(truth: Iterable[TrueDefect], mm_per_line: float) -> list[tuple[str, float, float, float, float]]:
    """The same of the truth."""
    return sorted(
        (CLASS_NAMES[each.class_id], top * mm_per_line, bottom * mm_per_line, left * MM_PER_PX, right * MM_PER_PX)
        for each in truth
        for left, top, right, bottom in [each.box]
    )
