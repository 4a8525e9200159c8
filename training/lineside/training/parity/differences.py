"""Detections of two engines on the same frames, box by box."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.boxes import iou_matrix
from lineside.inspection.detections import Detections

MATCH_IOU = 0.5
"""Least overlap of two boxes of a class that are one defect."""


@dataclass(frozen=True, slots=True)
class BoxDifferences:
    """How far the detections lie apart that count at the thresholds for at least one of two engines.

    Attributes:
        matched: defects that both have, though perhaps one of them just below its threshold.
        crossed: of these, how many count for one of them only.
        unmatched: defects that one has and the other has nowhere near, at any confidence.
        mean_box_difference_px: mean distance of the four sides of matched boxes; 0 if there are none.
        max_box_difference_px: the greatest distance of any side.
        mean_score_difference: mean distance of the confidences of the matched.
        max_score_difference: the greatest.
    """

    matched: int
    crossed: int
    unmatched: int
    mean_box_difference_px: float
    max_box_difference_px: float
    mean_score_difference: float
    max_score_difference: float


def box_differences(
    expected: Sequence[Detections], found: Sequence[Detections], thresholds: NDArray[np.float32]
) -> BoxDifferences:
    """Compare two engines frame by frame.

    Args:
        expected: of the trained network, from a confidence well below the thresholds on.
        found: of the engine, likewise, in the same order.
        thresholds: (classes,), at which detections count.
    """
    sides: list[NDArray[np.float32]] = [np.zeros((0, 4), np.float32)]
    scores: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
    crossed = unmatched = 0
    for one, other in zip(expected, found, strict=True):
        pairs = _pairs(one, other)
        counts_in_one = one.confidences >= thresholds[one.class_ids]
        counts_in_other = other.confidences >= thresholds[other.class_ids]
        first, second = pairs[:, 0], pairs[:, 1]
        is_counted = counts_in_one[first] | counts_in_other[second]
        crossed += int((counts_in_one[first] ^ counts_in_other[second]).sum())
        unmatched += int(counts_in_one.sum() - counts_in_one[first].sum())
        unmatched += int(counts_in_other.sum() - counts_in_other[second].sum())
        first, second = first[is_counted], second[is_counted]
        sides.append(np.abs(one.boxes_xyxy_px[first] - other.boxes_xyxy_px[second]))
        scores.append(np.abs(one.confidences[first] - other.confidences[second]))
    all_sides, all_scores = np.concatenate(sides), np.concatenate(scores)
    if not len(all_scores):
        return BoxDifferences(0, crossed, unmatched, 0.0, 0.0, 0.0, 0.0)
    return BoxDifferences(
        matched=len(all_scores),
        crossed=crossed,
        unmatched=unmatched,
        mean_box_difference_px=float(all_sides.mean()),
        max_box_difference_px=float(all_sides.max()),
        mean_score_difference=float(all_scores.mean()),
        max_score_difference=float(all_scores.max()),
    )


def _pairs(one: Detections, other: Detections) -> NDArray[np.int64]:
    """Indices (n, 2) of detections of one class that overlap, each at most once, the surest of `one` first."""
    overlaps = iou_matrix(one.boxes_xyxy_px, other.boxes_xyxy_px)
    overlaps[one.class_ids[:, None] != other.class_ids[None, :]] = 0
    found: list[tuple[int, int]] = []
    for index in range(len(one)):
        if overlaps.shape[1] and float(overlaps[index].max()) >= MATCH_IOU:
            partner = int(overlaps[index].argmax())
            overlaps[:, partner] = 0
            found.append((index, partner))
    return np.array(found, np.int64).reshape(-1, 2)


def recall(
    truth: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
    found: Sequence[Detections],
    thresholds: NDArray[np.float32],
) -> float | None:
    """Share of the labelled defects that a detection of their class shows at the thresholds; None if there are none.

    Args:
        truth: boxes float32 (n, 4) and class ids int64 (n,) of each frame.
        found: of each frame.
        thresholds: (classes,).
    """
    defects = hits = 0
    for (boxes, class_ids), detections in zip(truth, found, strict=True):
        reported = detections.select(detections.confidences >= thresholds[detections.class_ids])
        overlaps = iou_matrix(boxes, reported.boxes_xyxy_px)
        overlaps[class_ids[:, None] != reported.class_ids[None, :]] = 0
        defects += len(class_ids)
        hits += int((overlaps >= MATCH_IOU).any(axis=1).sum())
    return hits / defects if defects else None
