"""Which class was reported for which: the confusion matrix, with "nothing there" as a class of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.training.evaluation.judging import JudgedView
from lineside.training.evaluation.matching import one_to_one, touches
from lineside.training.evaluation.tallying import reported_boxes

BACKGROUND = "background"


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Reported defects against labelled ones, at the thresholds and rules of the evaluation.

    Attributes:
        labels: the classes, and last `BACKGROUND`.
        counts: int64 (n, n): rows are the truth, columns what was reported. The last column holds labelled defects
            without a report of their own, the last row reports over no labelled defect.
        duplicates: reports over a labelled defect that has one already; in no cell.
    """

    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    duplicates: int


def confusion(views: Sequence[JudgedView], classes: Sequence[str]) -> Confusion:
    """Pair every labelled defect with at most one reported one, the right class first."""
    background = len(classes)
    counts = np.zeros((background + 1, background + 1), np.int64)
    duplicates = 0
    for view in views:
        reported = Detections(
            reported_boxes(view),
            np.array([defect.confidence for defect in view.reported], np.float32),
            np.array([classes.index(defect.class_name) for defect in view.reported], np.int64),
        )
        truth = view.judged
        partners = one_to_one(truth.boxes_xyxy_px, reported, truth.class_ids)
        for class_id, partner in zip(truth.class_ids, partners, strict=True):
            counts[class_id, background if partner < 0 else reported.class_ids[partner]] += 1
        is_over_truth = touches(truth.boxes_xyxy_px, reported.boxes_xyxy_px).any(axis=0)
        for class_id in reported.class_ids[~is_over_truth]:
            counts[background, class_id] += 1
        duplicates += int(is_over_truth.sum() - (partners >= 0).sum())
    return Confusion((*classes, BACKGROUND), counts, duplicates)
