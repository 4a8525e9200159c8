"""From judged parts to their outcomes: which labelled defect was found, and which report has nothing behind it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.verdict import Defect
from lineside.training.evaluation.judging import JudgedPart, JudgedView
from lineside.training.evaluation.matching import touches
from lineside.training.evaluation.outcomes import DefectOutcome, PartOutcome


def outcome_of(part: JudgedPart, classes: Sequence[str]) -> PartOutcome:
    """What became of a part.

    Args:
        part: judged.
        classes: names by class id of its truth.
    """
    first = part.first
    return PartOutcome(
        part_id=part.part_id,
        group=first.group,
        product=first.product,
        line=first.line,
        is_defective=part.is_defective,
        verdict=part.judgement.verdict,
        defects=tuple(outcome for view in part.views for outcome in defect_outcomes(view, classes)),
        false_calls=sum(len(false_calls(view)) for view in part.views),
        image_digests=tuple(view.labelled.image.sha256 for view in part.views),
    )


def defect_outcomes(view: JudgedView, classes: Sequence[str]) -> tuple[DefectOutcome, ...]:
    """What became of each labelled defect of an image, in the order of its labels."""
    judged = view.judged
    is_reported = touches(judged.boxes_xyxy_px, reported_boxes(view))
    is_detected = touches(judged.boxes_xyxy_px, judged.found.boxes_xyxy_px)
    outcomes = []
    for index, class_id in enumerate(judged.class_ids):
        name = classes[int(class_id)]
        left, top, right, bottom = (float(side) for side in judged.boxes_xyxy_px[index])
        size_px = math.sqrt((right - left) * (bottom - top))
        over_it = [defect for defect, is_over in zip(view.reported, is_reported[index], strict=True) if is_over]
        surest = judged.found.confidences[is_detected[index]].max(initial=0.0)
        outcomes.append(
            DefectOutcome(
                class_name=name,
                box_xyxy_px=(left, top, right, bottom),
                size_px=round(size_px, 2),
                size_mm=None if view.mm_per_px is None else round(size_px * view.mm_per_px, 4),
                is_found=bool(over_it),
                is_right_class=any(defect.class_name == name for defect in over_it),
                confidence=round(float(surest), 6),
                view=view.view,
            )
        )
    return tuple(outcomes)


def false_calls(view: JudgedView) -> tuple[Defect, ...]:
    """Reported defects of an image that overlap no labelled one."""
    is_over_truth = np.atleast_1d(touches(view.judged.boxes_xyxy_px, reported_boxes(view)).any(axis=0))
    return tuple(defect for defect, is_over in zip(view.reported, is_over_truth, strict=True) if not is_over)


def reported_boxes(view: JudgedView) -> NDArray[np.float32]:
    """Boxes of the reported defects, float32 (n, 4)."""
    return np.array([defect.box_xyxy_px for defect in view.reported], np.float32).reshape(-1, 4)
