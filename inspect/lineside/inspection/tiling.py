"""Frames larger than the model's input: overlapping tiles, and one defect out of its pieces.

Neighbouring tiles both see the strip where they overlap. Two detections of one class from different tiles are
pieces of one defect when they agree about that strip: clipped to it, they cover the same pixels. Suppression by
overlap alone cannot know that: a scratch cut in two gives two boxes that hardly overlap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.boxes import clip, iou_matrix, overlap_of_smaller_matrix
from lineside.inspection.detections import Detections

FloatArray = NDArray[np.float32]

AGREEMENT = 0.5
"""Least agreement of two detections about what both tiles see. Whole defects are compared by intersection over
union, cut ones by the overlap of the smaller, since a tile that sees a sliver of a defect places it badly."""

CONTAINED = 0.7
"""A cut piece that lies this far within a wholly seen defect adds nothing to its box."""

CUT_MARGIN_PX = 2.0
"""A box that ends this near to the edge of its tile, where the frame goes on, may be cut."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A window of the frame, half-open, in frame pixels."""

    left_px: int
    top_px: int
    right_px: int
    bottom_px: int

    @property
    def xyxy_px(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left_px, self.top_px, self.right_px, self.bottom_px

    def overlaps(self, other: "Tile") -> bool:
        """Whether they share at least one pixel."""
        return (
            self.left_px < other.right_px
            and other.left_px < self.right_px
            and self.top_px < other.bottom_px
            and other.top_px < self.bottom_px
        )


def tile_grid(frame_wh_px: tuple[int, int], tile_wh_px: tuple[int, int], *, overlap_px: int) -> tuple[Tile, ...]:
    """Cover a frame with tiles of one size, row by row; the last of a row or column ends with the frame.

    Args:
        frame_wh_px: at least as large as the tile, each way.
        tile_wh_px: the model's input.
        overlap_px: least overlap of neighbours; as large as the largest defect, so that one tile sees it whole.

    Raises:
        ValueError: the frame is smaller than a tile, or the overlap leaves no step.
    """
    lefts = _starts(frame_wh_px[0], tile_wh_px[0], overlap_px)
    tops = _starts(frame_wh_px[1], tile_wh_px[1], overlap_px)
    return tuple(Tile(left, top, left + tile_wh_px[0], top + tile_wh_px[1]) for top in tops for left in lefts)


def merge_tiles(tiles: Sequence[Tile], detections: Sequence[Detections], *, frame_wh_px: tuple[int, int]) -> Detections:
    """Put the detections of all tiles together, a defect on a seam as one.

    Args:
        tiles: windows of the frame that overlap where they meet.
        detections: of each tile, boxes in **frame** pixels, clipped to the tile, without duplicates in a tile.
        frame_wh_px: width and height of the frame.

    Returns:
        In frame pixels, by falling confidence. A merged defect has the largest confidence of its pieces.
    """
    everything = _concatenate(detections)
    counts = [len(found) for found in detections]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    is_cut = np.concatenate(
        [np.zeros(0, np.bool_)]
        + [_cut(found.boxes_xyxy_px, tile, frame_wh_px) for tile, found in zip(tiles, detections, strict=True)]
    )
    group = np.arange(len(everything))
    occupied = [index for index, count in enumerate(counts) if count]
    for first, second in combinations(occupied, 2):
        if not tiles[first].overlaps(tiles[second]):
            continue
        pairs = _same_defects(
            (tiles[first], detections[first], is_cut[starts[first] : starts[first + 1]]),
            (tiles[second], detections[second], is_cut[starts[second] : starts[second + 1]]),
        )
        for one, other in pairs:
            _unite(group, int(starts[first] + one), int(starts[second] + other))
    members: dict[int, list[int]] = {}
    for index in range(len(everything)):
        members.setdefault(_root(group, index), []).append(index)
    merged = [_merge(everything, is_cut, np.array(indices)) for indices in members.values()]
    if not merged:
        return Detections.empty()
    result = _concatenate(merged)
    return result.select(np.argsort(-result.confidences, kind="stable"))


def _starts(frame_px: int, tile_px: int, overlap_px: int) -> tuple[int, ...]:
    step = tile_px - overlap_px
    if frame_px < tile_px or step < 1 or overlap_px < 0:
        raise ValueError(
            f"cannot cover {frame_px} px with tiles of {tile_px} px that overlap by {overlap_px} px: "
            "the frame must not be smaller than a tile, nor the overlap as large"
        )
    last = frame_px - tile_px
    return (*range(0, last, step), last)


def _cut(boxes_xyxy_px: FloatArray, tile: Tile, frame_wh_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Which boxes reach an edge of the tile beyond which the frame goes on."""
    width, height = frame_wh_px
    near = CUT_MARGIN_PX
    return (
        ((boxes_xyxy_px[:, 0] < tile.left_px + near) & (tile.left_px > 0))
        | ((boxes_xyxy_px[:, 1] < tile.top_px + near) & (tile.top_px > 0))
        | ((boxes_xyxy_px[:, 2] > tile.right_px - near) & (tile.right_px < width))
        | ((boxes_xyxy_px[:, 3] > tile.bottom_px - near) & (tile.bottom_px < height))
    )


_View = tuple[Tile, Detections, NDArray[np.bool_]]


def _same_defects(first: _View, second: _View) -> Iterator[tuple[int, int]]:
    """Pairs of detections, one of each tile, that are the same defect."""
    first_tile, first_found, first_is_cut = first
    second_tile, second_found, second_is_cut = second
    shared = (
        max(first_tile.left_px, second_tile.left_px),
        max(first_tile.top_px, second_tile.top_px),
        min(first_tile.right_px, second_tile.right_px),
        min(first_tile.bottom_px, second_tile.bottom_px),
    )
    first_boxes = clip(first_found.boxes_xyxy_px, shared)
    second_boxes = clip(second_found.boxes_xyxy_px, shared)
    either_is_cut = first_is_cut[:, None] | second_is_cut[None, :]
    agreement = np.where(
        either_is_cut,
        overlap_of_smaller_matrix(first_boxes, second_boxes),
        iou_matrix(first_boxes, second_boxes),
    )
    same_class = first_found.class_ids[:, None] == second_found.class_ids[None, :]
    for one, other in np.argwhere((agreement >= AGREEMENT) & same_class):
        yield int(one), int(other)


def _merge(everything: Detections, is_cut: NDArray[np.bool_], indices: NDArray[np.int64]) -> Detections:
    """One detection out of the pieces of one defect."""
    pieces = everything.select(indices)
    boxes = pieces.boxes_xyxy_px
    whole = np.flatnonzero(~is_cut[indices])
    if whole.size:
        best = boxes[whole[np.argmax(pieces.confidences[whole])]][None]
        parts = boxes[is_cut[indices]]
        adds = overlap_of_smaller_matrix(parts, best)[:, 0] < CONTAINED
        boxes = np.concatenate([best, parts[adds]])
    united = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None]
    return Detections(united, pieces.confidences.max(keepdims=True), pieces.class_ids[:1])


def _concatenate(parts: Sequence[Detections]) -> Detections:
    parts = [Detections.empty(), *parts]
    return Detections(
        np.concatenate([part.boxes_xyxy_px for part in parts]),
        np.concatenate([part.confidences for part in parts]),
        np.concatenate([part.class_ids for part in parts]),
    )


def _root(group: NDArray[np.int64], index: int) -> int:
    while group[index] != index:
        group[index] = group[group[index]]
        index = int(group[index])
    return index


def _unite(group: NDArray[np.int64], one: int, other: int) -> None:
    first, second = sorted((_root(group, one), _root(group, other)))
    group[second] = first
