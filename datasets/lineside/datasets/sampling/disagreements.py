"""How far two looks at one part differ: a second model or engine, or two tiles that both see a place."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.sampling.records import Disagreement
from lineside.inspection.boxes import clip, overlap_of_smaller_matrix
from lineside.inspection.detections import Detections
from lineside.inspection.tiling import AGREEMENT, CUT_MARGIN_PX, Tile

LEAST_STRENGTH = 0.05
"""Of scores; engines of reduced precision differ by less on parts that are clear."""


def score_disagreement(
    first: Mapping[str, float], second: Mapping[str, float], *, between: str, least: float = LEAST_STRENGTH
) -> Disagreement | None:
    """Two models or engines that give a part other scores.

    Args:
        first: the surest score by class; a class that is missing has 0.
        second: likewise.
        between: who, in words, e.g. "onnxruntime and openvino".
        least: difference below which they agree.

    Returns:
        The largest difference of any class; None where they agree.
    """
    names = {*first, *second}
    largest = max((abs(first.get(name, 0.0) - second.get(name, 0.0)) for name in names), default=0.0)
    return Disagreement(between, largest) if largest >= max(least, np.nextafter(0, 1)) else None


def tile_disagreement(
    tiles: Sequence[Tile], detections: Sequence[Detections], *, least: float = LEAST_STRENGTH
) -> Disagreement | None:
    """Two tiles that see the same place, of which one finds a defect there and the other does not.

    Only what lies in the overlap, off the tiles' edges, counts: of a defect that is cut both say what they see.

    Args:
        tiles: windows of the frame.
        detections: of each tile, in frame pixels, everything at or above the thresholds.
        least: confidence below which a detection is nothing to disagree about.

    Returns:
        The surest such detection's confidence; None where all tiles agree.
    """
    strengths = [0.0]
    for (tile, found), (other, beside) in combinations(zip(tiles, detections, strict=True), 2):
        if tile.overlaps(other):
            strengths += [_unshared(found, beside, tile, other), _unshared(beside, found, tile, other)]
    largest = max(strengths)
    return Disagreement("tiles", largest) if largest >= max(least, np.nextafter(0, 1)) else None


def _unshared(found: Detections, beside: Detections, tile: Tile, other: Tile) -> float:
    """The highest confidence of what lies in the overlap and that the other tile has nothing of its class for."""
    left, top = max(tile.left_px, other.left_px), max(tile.top_px, other.top_px)
    right, bottom = min(tile.right_px, other.right_px), min(tile.bottom_px, other.bottom_px)
    window = (left + CUT_MARGIN_PX, top + CUT_MARGIN_PX, right - CUT_MARGIN_PX, bottom - CUT_MARGIN_PX)
    boxes = found.boxes_xyxy_px
    is_inside = np.isclose(boxes, clip(boxes, window)).all(axis=1)
    is_same: NDArray[np.bool_] = overlap_of_smaller_matrix(boxes, beside.boxes_xyxy_px) >= AGREEMENT
    is_same &= found.class_ids[:, None] == beside.class_ids[None]
    return float(found.confidences[is_inside & ~is_same.any(axis=1)].max(initial=0.0))
