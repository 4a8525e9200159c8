"""Axis-aligned boxes in pixels: overlap, suppression, clipping.

Boxes are float32 (n, 4) arrays `boxes_xyxy_px`: left, top, right, bottom, half-open, origin at the top left.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def area_px2(boxes_xyxy_px: FloatArray) -> FloatArray:
    """Area of each box; a box that is turned inside out has area 0.

    Returns:
        float32 (n,) in square pixels.
    """
    width = np.maximum(boxes_xyxy_px[:, 2] - boxes_xyxy_px[:, 0], 0)
    height = np.maximum(boxes_xyxy_px[:, 3] - boxes_xyxy_px[:, 1], 0)
    area: FloatArray = width * height
    return area


def intersection_px2(first_xyxy_px: FloatArray, second_xyxy_px: FloatArray) -> FloatArray:
    """Shared area of every box of one set with every box of another.

    Returns:
        float32 (n, m) in square pixels; (0, m) or (n, 0) where a set is empty.
    """
    top_left = np.maximum(first_xyxy_px[:, None, :2], second_xyxy_px[None, :, :2])
    bottom_right = np.minimum(first_xyxy_px[:, None, 2:], second_xyxy_px[None, :, 2:])
    size = np.maximum(bottom_right - top_left, 0)
    shared: FloatArray = size[..., 0] * size[..., 1]
    return shared


def iou_matrix(first_xyxy_px: FloatArray, second_xyxy_px: FloatArray) -> FloatArray:
    """Intersection over union of every box of one set with every box of another.

    Returns:
        float32 (n, m), each in [0, 1]; a pair without any area has 0.
    """
    shared = intersection_px2(first_xyxy_px, second_xyxy_px)
    union = area_px2(first_xyxy_px)[:, None] + area_px2(second_xyxy_px)[None, :] - shared
    return _ratio(shared, union)


def overlap_of_smaller_matrix(first_xyxy_px: FloatArray, second_xyxy_px: FloatArray) -> FloatArray:
    """Shared area over the area of the smaller box, for every pair.

    Unlike `iou_matrix` it is 1 where one box lies within the other, however small it is.

    Returns:
        float32 (n, m), each in [0, 1]; a pair with an empty box has 0.
    """
    shared = intersection_px2(first_xyxy_px, second_xyxy_px)
    smaller = np.minimum(area_px2(first_xyxy_px)[:, None], area_px2(second_xyxy_px)[None, :])
    return _ratio(shared, smaller)


def clip(boxes_xyxy_px: FloatArray, window_xyxy_px: tuple[float, float, float, float]) -> FloatArray:
    """The part of each box that lies inside a window; a box wholly outside becomes one without area."""
    left, top, right, bottom = window_xyxy_px
    low = np.array([left, top, left, top], np.float32)
    high = np.array([right, bottom, right, bottom], np.float32)
    return np.clip(boxes_xyxy_px, low, high)


def suppress(
    boxes_xyxy_px: FloatArray,
    confidences: FloatArray,
    class_ids: NDArray[np.int64],
    *,
    iou_threshold: float,
    limit: int,
) -> NDArray[np.int64]:
    """Non-maximum suppression within each class: the most confident of boxes that overlap stays.

    Greedy, as in Felzenszwalb et al. 2010, "Object Detection with Discriminatively Trained Part-Based
    Models", section 5.2; equal confidences keep their order in the input, so the result is reproducible.

    Args:
        boxes_xyxy_px: (n, 4).
        confidences: (n,). Filter by confidence first: the time grows with n.
        class_ids: (n,).
        iou_threshold: in (0, 1]; a box is dropped whose overlap with a kept one of its class is larger.
        limit: stop after so many kept boxes.

    Returns:
        int64 (k,) indices into the input, by falling confidence; empty for empty input.
    """
    order = np.argsort(-confidences, kind="stable")
    boxes = boxes_xyxy_px[order]
    classes = class_ids[order]
    areas = area_px2(boxes)
    kept: list[int] = []
    remaining = np.arange(len(order))
    while remaining.size and len(kept) < limit:
        current = remaining[0]
        kept.append(int(order[current]))
        others = remaining[1:]
        box = boxes[current]
        candidates = boxes[others]
        width = np.minimum(candidates[:, 2], box[2]) - np.maximum(candidates[:, 0], box[0])
        height = np.minimum(candidates[:, 3], box[3]) - np.maximum(candidates[:, 1], box[1])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        union = areas[others] + areas[current] - shared
        # shared > threshold * union is iou > threshold without dividing by an empty union
        is_duplicate = (shared > np.float32(iou_threshold) * union) & (classes[others] == classes[current])
        remaining = others[~is_duplicate]
    return np.array(kept, np.int64)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return np.clip(ratio, 0, 1)
