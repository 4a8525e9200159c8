"""DeepPCB's published counting, so that figures can be set beside published ones.

For each true box in file order, the first unmatched detection by falling confidence with IoU > 0.33 is taken whatever
its class, and is right only if the class is equal. One average precision is taken over all detections of all classes,
divided by the number of true boxes; precision, recall and F count every detection from a confidence on. Coordinates
are integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.boxes import iou_matrix
from lineside.training.evaluation.boards import JudgedBoard

MATCH_IOU = 0.33


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolCurve:
    """All detections of a set of boards by falling confidence.

    Attributes:
        confidences: float64 (n,).
        is_right: bool (n,).
        truths: number of true boxes, at least 1.
    """

    confidences: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    truths: int

    @property
    def average_precision(self) -> float:
        """Mean over true boxes of the precision at the rank of the detection that is right about them."""
        ranks = np.nonzero(self.is_right)[0] + 1
        return float((np.arange(1, len(ranks) + 1) / ranks).sum() / self.truths)

    def counts_at(self, confidence: float) -> tuple[float, float, float]:
        """Precision, recall and F of the detections from a confidence on; all 0 where there is none."""
        kept = self.confidences >= confidence
        right = int(self.is_right[kept].sum())
        if right == 0:
            return 0.0, 0.0, 0.0
        precision, recall = right / int(kept.sum()), right / self.truths
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


def protocol_curve(boards: Sequence[JudgedBoard]) -> ProtocolCurve:
    """Match the detections of each board to its truth and sort them all by confidence.

    One matching serves every threshold: leaving out detections below a confidence changes the partner of no true box
    that had one above it.

    Raises:
        ValueError: no board has a true box, so that no share of them can be told.
    """
    truths = sum(len(board.class_ids) for board in boards)
    if truths == 0:
        raise ValueError("none of the boards has a true box; expected at least one")
    confidences = np.concatenate([board.found.confidences for board in boards]).astype(np.float64)
    is_right = np.concatenate([_right(board) for board in boards])
    order = np.argsort(-confidences, kind="stable")
    return ProtocolCurve(confidences[order], is_right[order], truths)


def _right(board: JudgedBoard) -> NDArray[np.bool_]:
    found = board.found
    is_right = np.zeros(len(found), np.bool_)
    is_free = np.ones(len(found), np.bool_)
    overlaps = iou_matrix(np.trunc(board.boxes_xyxy_px), np.trunc(found.boxes_xyxy_px))
    for truth, class_id in enumerate(board.class_ids):
        candidates = np.nonzero((overlaps[truth] > MATCH_IOU) & is_free)[0]
        if len(candidates):
            first = int(candidates[0])
            is_free[first] = False
            is_right[first] = found.class_ids[first] == class_id
    return is_right
