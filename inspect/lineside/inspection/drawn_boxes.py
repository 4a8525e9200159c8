"""Boxes that people drew on the tiles of a frame: put together, and held against what a model found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # scipy ships no types

from lineside.inspection.boxes import iou_matrix
from lineside.inspection.detections import Detections
from lineside.inspection.tiling import Tile, merge_tiles

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ClassBox:
    """One box with its class.

    Attributes:
        class_name: of the defect catalogue.
        box_xyxy_px: left, top, right, bottom in the frame's pixels.
    """

    class_name: str
    box_xyxy_px: Corners


@dataclass(frozen=True, slots=True)
class DrawnTile:
    """What a person drew on one tile.

    Attributes:
        tile: the window of the frame.
        boxes: in the **frame's** pixels, within the tile.
    """

    tile: Tile
    boxes: tuple[ClassBox, ...]


def boxes_of_frame(drawn: Sequence[DrawnTile], *, frame_wh_px: tuple[int, int]) -> tuple[ClassBox, ...]:
    """The boxes of all tiles of a frame, a defect that several tiles show as one.

    People see a defect on a seam in each tile that shows a piece of it, and draw each piece: `merge_tiles` joins them
    as it joins a model's. A frame that was shown whole keeps its boxes as they were drawn.

    Args:
        drawn: of each tile.
        frame_wh_px: width and height of the frame.

    Returns:
        Sorted by class and corners, so that the same drawing always gives the same boxes.
    """
    if len(drawn) == 1:
        return tuple(sorted(drawn[0].boxes, key=_order))
    names = sorted({box.class_name for each in drawn for box in each.boxes})
    merged = merge_tiles(
        [each.tile for each in drawn], [_detections(each.boxes, names) for each in drawn], frame_wh_px=frame_wh_px
    )
    boxes = (
        ClassBox(names[class_id], _corners(corners))
        for class_id, corners in zip(merged.class_ids, merged.boxes_xyxy_px, strict=True)
    )
    return tuple(sorted(boxes, key=_order))


def are_same_boxes(one: Sequence[ClassBox], other: Sequence[ClassBox], *, min_iou: float) -> bool:
    """Whether boxes pair off one to one, each with one of its class that it overlaps by `min_iou` at least.

    Two empty sets are the same.
    """
    if len(one) != len(other):
        return False
    if not one:
        return True
    overlaps = iou_matrix(_array(one), _array(other))
    same_class = np.array([[a.class_name == b.class_name for b in other] for a in one])
    is_pair = (overlaps >= min_iou) & same_class
    rows, columns = linear_sum_assignment(is_pair.astype(np.int64), maximize=True)
    return bool(is_pair[rows, columns].all())


def covers_frame(tiles: Sequence[Tile], frame_wh_px: tuple[int, int]) -> bool:
    """Whether every pixel of a frame is in one of the tiles at least."""
    width, height = frame_wh_px
    columns = _edges([edge for tile in tiles for edge in (tile.left_px, tile.right_px)], width)
    rows = _edges([edge for tile in tiles for edge in (tile.top_px, tile.bottom_px)], height)
    seen = np.zeros((len(rows) - 1, len(columns) - 1), np.bool_)
    for tile in tiles:
        seen[
            np.searchsorted(rows, tile.top_px) : np.searchsorted(rows, tile.bottom_px),
            np.searchsorted(columns, tile.left_px) : np.searchsorted(columns, tile.right_px),
        ] = True
    return bool(seen.all())


def _edges(edges: Sequence[int], end: int) -> NDArray[np.int64]:
    inside: NDArray[np.int64] = np.unique(np.clip(np.array([0, *edges, end], np.int64), 0, end))
    return inside


def _order(box: ClassBox) -> tuple[str, Corners]:
    return box.class_name, box.box_xyxy_px


def _detections(boxes: Sequence[ClassBox], names: Sequence[str]) -> Detections:
    class_ids = np.array([names.index(box.class_name) for box in boxes], np.int64)
    return Detections(_array(boxes), np.ones(len(boxes), np.float32), class_ids)


def _array(boxes: Sequence[ClassBox]) -> NDArray[np.float32]:
    return np.array([box.box_xyxy_px for box in boxes], np.float32).reshape(-1, 4)


def _corners(corners: NDArray[np.float32]) -> Corners:
    left, top, right, bottom = (round(float(value), 2) for value in corners)
    return left, top, right, bottom
