"""DeepPCB's published counting, so that figures can be set beside published ones.

For each true box in file order, the first unmatched detection by falling confidence with IoU > 0.33 is taken whatever
its class, and is right only if the class is equal. One average precision is taken over all detections of all classes,
divided by the number of true boxes; precision, recall and F count every detection from a confidence on.

The published script reads text files with whole pixels; `lineside predict` writes them with six digits of confidence.
Both roundings happen here as well, so that these figures are those of the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.training.evaluation.judged import JudgedImage

MATCH_PERCENT = 33
"""Least IoU in percent; whole pixels make the comparison exact."""

FILE_DIGITS = 6
"""Of a confidence in a file that `lineside predict` writes."""


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolCurve:
    """All detections of a set of images by falling confidence.

    Attributes:
        confidences: float64 (n,), falling.
        is_right: bool (n,).
        image_of: int64 (n,), which image each is in.
        truths_of: int64 (images,), true boxes in each image.
    """

    confidences: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    image_of: NDArray[np.int64]
    truths_of: NDArray[np.int64]

    @property
    def truths(self) -> int:
        """Number of true boxes, at least 1."""
        return int(self.truths_of.sum())

    def average_precision(self, weights: NDArray[np.float64] | None = None) -> float:
        """Mean over true boxes of the precision at the rank of the detection that is right about them.

        Args:
            weights: how often each image counts, (images,); once each if None.

        Returns:
            NaN where the weights leave no true box.
        """
        weights = np.ones(len(self.truths_of)) if weights is None else weights
        weight = weights[self.image_of]
        ranks = np.maximum(np.cumsum(weight), np.spacing(1))
        right = weight * self.is_right
        truths = float(weights @ self.truths_of)
        return float((right * np.cumsum(right) / ranks).sum() / truths) if truths else float("nan")

    def counts_at(self, confidence: float, weights: NDArray[np.float64] | None = None) -> tuple[float, float, float]:
        """Precision, recall and F of the detections from a confidence on; all 0 where none is right."""
        weights = np.ones(len(self.truths_of)) if weights is None else weights
        kept = weights[self.image_of] * (self.confidences >= confidence)
        right = float(kept @ self.is_right)
        if right == 0:
            return 0.0, 0.0, 0.0
        precision, recall = right / float(kept.sum()), right / float(weights @ self.truths_of)
        return precision, recall, 2 * precision * recall / (precision + recall)

    def best_confidence(self, *, slack: float = 0.0) -> float:
        """The confidence at which F is highest; 1 where nothing was detected.

        Args:
            slack: the lowest confidence at which F is at most this much below its highest: where F is flat, a missed
                defect costs more than a false call.
        """
        if not len(self.confidences):
            return 1.0
        right = np.cumsum(self.is_right)
        f_scores = 2 * right / (np.arange(1, len(right) + 1) + self.truths)
        near_best = np.nonzero(f_scores >= f_scores.max() - slack)[0]
        return float(self.confidences[near_best[-1] if slack else near_best[0]])


def protocol_curve(images: Sequence[JudgedImage]) -> ProtocolCurve:
    """Match the detections of each image to its truth and sort them all by confidence.

    One matching serves every threshold: leaving out detections below a confidence changes the partner of no true box
    that had one above it.

    Raises:
        ValueError: no image has a true box, so that no share of them can be told.
    """
    truths = sum(len(image.class_ids) for image in images)
    if truths == 0:
        raise ValueError("none of the images has a true box; expected at least one")
    confidences = np.concatenate([image.found.confidences for image in images]).astype(np.float64).round(FILE_DIGITS)
    is_right = np.concatenate([_right(image) for image in images])
    image_of = np.repeat(np.arange(len(images)), [len(image.found) for image in images])
    order = np.argsort(-confidences, kind="stable")
    truths_of = np.array([len(image.class_ids) for image in images], np.int64)
    return ProtocolCurve(confidences[order], is_right[order], image_of[order], truths_of)


def _right(image: JudgedImage) -> NDArray[np.bool_]:
    found = image.found
    is_right = np.zeros(len(found), np.bool_)
    is_free = np.ones(len(found), np.bool_)
    is_match = _overlaps_enough(image.boxes_xyxy_px, found.boxes_xyxy_px)
    for truth, class_id in enumerate(image.class_ids):
        candidates = np.flatnonzero(is_match[truth] & is_free)
        if len(candidates):
            first = int(candidates[0])
            is_free[first] = False
            is_right[first] = found.class_ids[first] == class_id
    return is_right


def _overlaps_enough(truth_xyxy_px: NDArray[np.float32], found_xyxy_px: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether IoU > 0.33, bool (n, m), in whole pixels and therefore exactly."""
    truth, found = np.rint(truth_xyxy_px).astype(np.int64), np.rint(found_xyxy_px).astype(np.int64)
    top_left = np.maximum(truth[:, None, :2], found[None, :, :2])
    bottom_right = np.minimum(truth[:, None, 2:], found[None, :, 2:])
    shared = np.maximum(bottom_right - top_left, 0).prod(axis=-1)
    truth_area, found_area = (np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=-1) for boxes in (truth, found))
    union = truth_area[:, None] + found_area[None, :] - shared
    is_enough: NDArray[np.bool_] = shared * 100 > MATCH_PERCENT * union
    return is_enough
