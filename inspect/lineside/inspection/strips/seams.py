"""Which detections of two overlapping windows are pieces of one defect.

Both windows see what they share. Two detections are pieces of one defect if they agree about it: clipped to what is
shared, they cover the same pixels (as in `tiling.merge_tiles`). A defect that lies askew agrees less, since each
window puts an upright box around the piece it sees. So pieces that are cut at facing edges, one by the end of its
window and the other by the begin of its own, need to meet only as much as those of a straight slanting scratch would.

A model places boxes a little off. What has no partner in a neighbouring window after all this is paired with the
nearest detection there that has none either, if they lie no further apart than `PLACEMENT_PX` sideways and `ENDS_PX` in
the direction in which the windows follow one another. Were boxes exact, all that both windows see would be paired
before, and what is left would lie further apart than the windows overlap: so exact boxes are never paired by nearness.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.boxes import clip, iou_matrix, overlap_of_smaller_matrix
from lineside.inspection.detections import Detections
from lineside.inspection.tiling import AGREEMENT, CUT_MARGIN_PX, Tile

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEFT, TOP, RIGHT, BOTTOM = range(4)

PLACEMENT_PX = 4.0
"""How far aside two boxes of one defect in neighbouring windows may lie."""

ENDS_PX = 16.0
"""How far one may end before the other begins, but at most a quarter of the windows' overlap: a long box ends short."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenWindow:
    """What one window of a web shows.

    Attributes:
        tile: the window, in lines of the web.
        found: boxes in the window's own pixels: float32 cannot tell lines apart beyond 16.7 million.
        cut: bool (n, 4): which sides of each box may be cut by the window's edge, where the web goes on.
    """

    tile: Tile
    found: Detections
    cut: Mask

    @property
    def is_cut(self) -> Mask:
        """Which boxes may go on beyond the window."""
        is_cut: Mask = np.any(self.cut, axis=1)
        return is_cut

    @classmethod
    def of(cls, tile: Tile, found: Detections, *, width_px: int) -> "SeenWindow":
        """Tell cut sides from whole ones; a web goes on past every edge but its own two and its begin."""
        boxes = found.boxes_xyxy_px
        wide, high = tile.right_px - tile.left_px, tile.bottom_px - tile.top_px
        near = CUT_MARGIN_PX
        goes_on = np.array([tile.left_px > 0, tile.top_px > 0, tile.right_px < width_px, True])
        reaches = np.concatenate([boxes[:, :2] < near, boxes[:, 2:] > np.array([wide, high]) - near], axis=1)
        return cls(tile, found, reaches & goes_on)


def same_defects(first: SeenWindow, second: SeenWindow) -> Iterator[tuple[int, int]]:
    """Pairs of detections, one of each window, that are pieces of one defect.

    Args:
        first: one window.
        second: another one; without a shared pixel there is no pair.

    Yields:
        Index in the first, index in the second.
    """
    if not (len(first.found) and len(second.found) and first.tile.overlaps(second.tile)):
        return
    origin = np.array([first.tile.left_px, first.tile.top_px] * 2)
    shared = (
        float(max(first.tile.left_px, second.tile.left_px) - origin[0]),
        float(max(first.tile.top_px, second.tile.top_px) - origin[1]),
        float(min(first.tile.right_px, second.tile.right_px) - origin[0]),
        float(min(first.tile.bottom_px, second.tile.bottom_px) - origin[1]),
    )
    offset = np.array([second.tile.left_px, second.tile.top_px] * 2) - origin
    one, other = first.found.boxes_xyxy_px, second.found.boxes_xyxy_px + offset.astype(np.float32)
    one_shared, other_shared = clip(one, shared), clip(other, shared)
    neither_is_cut = _both(~first.is_cut, ~second.is_cut)
    agreement = np.where(
        neither_is_cut, iou_matrix(one_shared, other_shared), overlap_of_smaller_matrix(one_shared, other_shared)
    )
    same = agreement >= AGREEMENT
    for near, far in ((LEFT, RIGHT), (TOP, BOTTOM)):
        onwards = _both(first.cut[:, far], second.cut[:, near])
        backwards = _both(first.cut[:, near], second.cut[:, far])
        slanting = _slanting(one, other, one_shared, other_shared, axis=near, shared_px=shared[far] - shared[near])
        same |= (onwards | backwards) & slanting
    same_class = first.found.class_ids[:, None] == second.found.class_ids[None, :]
    same &= same_class
    for pair in np.argwhere(same):
        yield int(pair[0]), int(pair[1])
    if (first.tile.left_px, first.tile.right_px) == (second.tile.left_px, second.tile.right_px):
        onwards_axis, overlap_px = 1, shared[BOTTOM] - shared[TOP]
    elif first.tile.top_px == second.tile.top_px:
        onwards_axis, overlap_px = 0, shared[RIGHT] - shared[LEFT]
    else:
        return  # windows at a corner: others lie between them
    is_near = _gap(one, other, onwards_axis) <= min(ENDS_PX, overlap_px / 4)
    is_near &= _gap(one, other, 1 - onwards_axis) <= PLACEMENT_PX
    without = _both(~np.any(same, axis=1), ~np.any(same, axis=0))
    yield from _nearest(one, other, among=is_near & without & same_class)


def _nearest(one: FloatArray, other: FloatArray, *, among: Mask) -> Iterator[tuple[int, int]]:
    """Pair boxes, the nearest first, each with one other."""
    if not bool(np.any(among)):
        return
    gap_px = np.maximum(np.maximum(_gap(one, other, 0), _gap(one, other, 1)), 0)
    centres = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (one, other)]
    aside_px = np.abs(centres[0][:, None] - centres[1][None, :]).min(axis=2)
    rank = np.where(among, gap_px + aside_px, np.inf)
    for _ in range(min(rank.shape)):
        at, to = np.unravel_index(np.argmin(rank), rank.shape)
        if not np.isfinite(rank[at, to]):
            return
        yield int(at), int(to)
        rank[at, :] = rank[:, to] = np.inf


def _gap(one: FloatArray, other: FloatArray, axis: int) -> FloatArray:
    """How far the boxes of each pair lie apart along an axis; below 0 where they overlap."""
    low = np.maximum(one[:, None, axis], other[None, :, axis])
    high = np.minimum(one[:, None, axis + 2], other[None, :, axis + 2])
    gap: FloatArray = low - high
    return gap


def _both(one: Mask, other: Mask) -> Mask:
    """(n, m) of (n,) and (m,)."""
    both: Mask = np.logical_and.outer(one, other)
    return both


def _slanting(
    one: FloatArray, other: FloatArray, one_shared: FloatArray, other_shared: FloatArray, *, axis: int, shared_px: float
) -> Mask:
    """Pairs that meet as two pieces of one slanting scratch do, which runs on along an axis (0 across, 1 along).

    They must cover the same stretch of what is shared along that axis. The other way, a straight scratch of height h
    in one window and width w shows a width of w * shared / h in what is shared: half of that must be common.
    """
    meet = _common(one_shared, other_shared, axis) / np.maximum(_least(one_shared, other_shared, axis), 1e-6)
    expected = AGREEMENT * np.minimum(shared_px / np.maximum(_least(one, other, axis), 1e-6), 1.0)
    crosswise = _common(one_shared, other_shared, 1 - axis)
    is_wide_enough = crosswise >= expected * _least(one, other, 1 - axis)
    slanting: Mask = (meet >= AGREEMENT) & is_wide_enough & (crosswise > 0)
    return slanting


def _common(one: FloatArray, other: FloatArray, axis: int) -> FloatArray:
    """How much of an axis both boxes of each pair cover."""
    common: FloatArray = np.maximum(-_gap(one, other, axis), 0)
    return common


def _least(one: FloatArray, other: FloatArray, axis: int) -> FloatArray:
    """The lesser extent of each pair along an axis."""
    extents = [boxes[:, axis + 2] - boxes[:, axis] for boxes in (one, other)]
    least: FloatArray = np.minimum(extents[0][:, None], extents[1][None, :])
    return least
