"""Whether an engine finds the same defects as the reference engine, within a stated tolerance."""

from dataclasses import dataclass

import numpy as np

from lineside.inspection.boxes import iou_matrix
from lineside.inspection.detections import Detections


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two engines may differ on one frame and still count as agreeing.

    Attributes:
        iou: least overlap of two boxes that are the same defect.
        confidence: largest difference of their confidences. A detection within this of its threshold may be
            found by one engine only.
    """

    iou: float = 0.8
    confidence: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not (0 < self.iou <= 1 and 0 <= self.confidence < 1):
            raise ValueError(f"tolerance iou {self.iou}, confidence {self.confidence}: both are shares of 1")


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an engine lies from the reference, over some frames.

    Attributes:
        matched: defects that both found.
        unmatched: defects, clear of their threshold, that only one of them found.
        least_iou: of the matched, 1 if there are none.
        largest_confidence_gap: of the matched, 0 if there are none.
    """

    matched: int = 0
    unmatched: int = 0
    least_iou: float = 1.0
    largest_confidence_gap: float = 0.0

    def plus(self, other: "Difference") -> "Difference":
        """Over the frames of both."""
        return Difference(
            self.matched + other.matched,
            self.unmatched + other.unmatched,
            min(self.least_iou, other.least_iou),
            max(self.largest_confidence_gap, other.largest_confidence_gap),
        )

    def is_within(self, tolerance: Tolerance) -> bool:
        """Whether the engine agrees with the reference."""
        return self.unmatched == 0 and self.largest_confidence_gap <= tolerance.confidence


def compare(
    reference: Detections,
    candidate: Detections,
    *,
    thresholds: np.typing.NDArray[np.float32],
    tolerance: Tolerance,
) -> Difference:
    """Match the detections of two engines on one frame, best overlap first, within each class.

    Args:
        reference: what the reference engine found at `thresholds`.
        candidate: what the other engine found at them.
        thresholds: (classes,) confidences.
        tolerance: the overlap from which two boxes match, and how near to its threshold a lone one may be.
    """
    overlaps = iou_matrix(reference.boxes_xyxy_px, candidate.boxes_xyxy_px)
    overlaps[reference.class_ids[:, None] != candidate.class_ids[None, :]] = 0
    in_reference = np.ones(len(reference), np.bool_)
    in_candidate = np.ones(len(candidate), np.bool_)
    least_iou, largest_gap = 1.0, 0.0
    while overlaps.size and float(overlaps.max()) >= tolerance.iou:
        one, other = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        least_iou = min(least_iou, float(overlaps[one, other]))
        gap = abs(float(reference.confidences[one]) - float(candidate.confidences[other]))
        largest_gap = max(largest_gap, gap)
        in_reference[one] = in_candidate[other] = False
        overlaps[one, :] = 0
        overlaps[:, other] = 0
    lone = 0
    for found, is_lone in ((reference, in_reference), (candidate, in_candidate)):
        is_clear = found.confidences > thresholds[found.class_ids] + tolerance.confidence
        lone += int((is_lone & is_clear).sum())
    return Difference(len(reference) - int(in_reference.sum()), lone, least_iou, largest_gap)
