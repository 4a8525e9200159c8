"""Detections of many images in one ranking, and what average precision makes of it when images are weighted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.training.evaluation.judged import JudgedImage
from lineside.training.evaluation.matching import COCO_IOUS, coco_right

_RECALL_POINTS = np.linspace(0.0, 1.0, 101)  # COCO interpolates precision at these


@dataclass(frozen=True, slots=True, eq=False)
class RankedClass:
    """All detections of one class by falling confidence.

    Attributes:
        confidences: float64 (n,), falling.
        image_of: int64 (n,), which image each is in.
        is_right: bool (ious, n), as COCO pairs at 0.5, 0.55 .. 0.95.
        truths_of: int64 (images,), true boxes of the class in each image.
    """

    confidences: NDArray[np.float64]
    image_of: NDArray[np.int64]
    is_right: NDArray[np.bool_]
    truths_of: NDArray[np.int64]

    @classmethod
    def of(cls, images: Sequence[JudgedImage], class_id: int) -> "RankedClass":
        """Pair and rank the detections of a class."""
        pairs = [coco_right(image, class_id, COCO_IOUS) for image in images]
        confidences = np.concatenate([np.zeros(0), *(confidences for confidences, _ in pairs)])
        image_of = np.repeat(np.arange(len(images)), [len(confidences) for confidences, _ in pairs])
        is_right = np.concatenate([np.zeros((len(COCO_IOUS), 0), np.bool_), *(right for _, right in pairs)], axis=1)
        truths_of = np.array([int((image.class_ids == class_id).sum()) for image in images], np.int64)
        order = np.argsort(-confidences, kind="stable")
        return cls(confidences[order], image_of[order], is_right[:, order], truths_of)

    def average_precisions(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """COCO's average precision at each overlap: precision, made monotone, at 101 recalls.

        Args:
            weights: how often each image counts, (images,); once each if None.

        Returns:
            float64 (ious,); NaN where no true box counts.
        """
        weights = np.ones(len(self.truths_of)) if weights is None else weights
        truths = float(weights @ self.truths_of)
        if truths == 0:
            return np.full(len(self.is_right), np.nan)
        weight = weights[self.image_of]
        seen = np.maximum(np.cumsum(weight), np.spacing(1))
        right = np.cumsum(self.is_right * weight, axis=1)
        precision = np.maximum.accumulate((right / seen)[:, ::-1], axis=1)[:, ::-1]
        averages = np.zeros(len(self.is_right))
        for row, recall in enumerate(right / truths):
            at = np.searchsorted(recall, _RECALL_POINTS, side="left")
            averages[row] = precision[row, at[at < len(recall)]].sum() / len(_RECALL_POINTS)
        return averages


def mean_average_precisions(
    ranked: Sequence[RankedClass], weights: NDArray[np.float64] | None = None
) -> tuple[float, float]:
    """COCO's mAP50 and mAP50-95 over the classes that occur; NaN where none does."""
    each = np.array([one.average_precisions(weights) for one in ranked]).reshape(-1, len(COCO_IOUS))
    occurring = each[~np.isnan(each[:, 0])]
    if not len(occurring):
        return float("nan"), float("nan")
    return float(occurring[:, 0].mean()), float(occurring.mean())
