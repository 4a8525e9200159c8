"""Which detection is about which labelled defect: by place alone, or as COCO pairs them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.boxes import iou_matrix
from lineside.inspection.detections import Detections
from lineside.training.evaluation.judged import JudgedImage

TOUCH_IOU = 0.1
"""A person who is shown a box that overlaps by this much looks at the right place."""

COCO_IOUS = tuple(percent / 100 for percent in range(50, 100, 5))
"""0.5, 0.55 .. 0.95."""

COCO_MOST_DETECTIONS = 100
"""Of a class in an image; COCO leaves out the others."""


def touches(truth_xyxy_px: NDArray[np.float32], found_xyxy_px: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which found box shows a person which true one.

    They overlap by more than `TOUCH_IOU`, or the found one's middle lies inside the true one: half of a long scratch
    is a find.

    Args:
        truth_xyxy_px: float32 (n, 4).
        found_xyxy_px: float32 (m, 4).

    Returns:
        bool (n, m).
    """
    middles = (found_xyxy_px[:, :2] + found_xyxy_px[:, 2:]) / 2
    is_inside = ((middles[None] >= truth_xyxy_px[:, None, :2]) & (middles[None] < truth_xyxy_px[:, None, 2:])).all(-1)
    overlaps: NDArray[np.bool_] = iou_matrix(truth_xyxy_px, found_xyxy_px) > TOUCH_IOU
    return overlaps | is_inside


def one_to_one(
    truth_xyxy_px: NDArray[np.float32], found: Detections, class_ids: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pair each true box with at most one found one that touches it: right class first, then the larger overlap.

    Args:
        truth_xyxy_px: float32 (n, 4).
        found: m detections.
        class_ids: int64 (n,), of the true boxes.

    Returns:
        int64 (n,): index into the detections, -1 for a true box without a partner.
    """
    partner = np.full(len(truth_xyxy_px), -1, np.int64)
    overlap = iou_matrix(truth_xyxy_px, found.boxes_xyxy_px)
    is_same_class = class_ids[:, None] == found.class_ids[None, :]
    pairs = np.argwhere(touches(truth_xyxy_px, found.boxes_xyxy_px))
    order = np.lexsort((-overlap[tuple(pairs.T)], ~is_same_class[tuple(pairs.T)])) if len(pairs) else []
    is_taken = np.zeros(len(found), np.bool_)
    for truth, detection in pairs[order]:
        if partner[truth] < 0 and not is_taken[detection]:
            partner[truth] = detection
            is_taken[detection] = True
    return partner


def coco_right(
    image: JudgedImage, class_id: int, ious: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Which detections of a class are right as COCO counts.

    By falling confidence, each takes the free true box that it overlaps most.

    Args:
        image: truth and findings.
        class_id: the class.
        ious: least overlaps to count with.

    Returns:
        Confidences float64 (m,), falling, and whether each is right, bool (len(ious), m); at most
        `COCO_MOST_DETECTIONS`.
    """
    chosen = np.flatnonzero(image.found.class_ids == class_id)[:COCO_MOST_DETECTIONS]
    overlap = iou_matrix(image.found.boxes_xyxy_px[chosen], image.boxes_xyxy_px[image.class_ids == class_id])
    is_right = np.zeros((len(ious), len(chosen)), np.bool_)
    candidates = np.flatnonzero((overlap > 0).any(axis=1)) if overlap.size else np.zeros(0, np.int64)
    for row, least in enumerate(ious):
        free = np.ones(overlap.shape[1], np.bool_)
        for detection in candidates:
            overlaps = np.where(free, overlap[detection], -1.0)
            best = len(overlaps) - 1 - int(np.argmax(overlaps[::-1]))  # of equals COCO takes the last
            if overlaps[best] >= least - 1e-10:
                free[best] = False
                is_right[row, detection] = True
    return image.found.confidences[chosen].astype(np.float64), is_right
