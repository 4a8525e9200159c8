"""Whether two people who read one picture said the same."""

import numpy as np
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # scipy has no types

from lineside.datasets.labelling.regions import Drawn
from lineside.inspection.boxes import iou_matrix

SAME_IOU = 0.5
"""Two people draw one defect with this much overlap or more; PASCAL VOC's mark of a hit (Everingham et al. 2010)."""


def agree(first: Drawn, second: Drawn) -> str | None:
    """None if both say the same, else in words how they differ.

    The same is: one verdict, and boxes that can be paired one to one, each pair of one class with an intersection over
    union of at least `SAME_IOU`.
    """
    if first.is_defective != second.is_defective:
        return f"{_verdict(first)} against {_verdict(second)}"
    if len(first.boxes) != len(second.boxes):
        return f"{len(first.boxes)} against {len(second.boxes)} boxes"
    if not first.boxes:
        return None
    overlaps = iou_matrix(_edges(first), _edges(second))
    same_class = np.array([[one.class_name == other.class_name for other in second.boxes] for one in first.boxes])
    fits = (overlaps >= SAME_IOU) & same_class
    rows, columns = linear_sum_assignment(~fits)
    unmatched = int((~fits[rows, columns]).sum())
    if unmatched == 0:
        return None
    return f"{unmatched} of {len(first.boxes)} boxes lie elsewhere or have another class"


def _edges(drawn: Drawn) -> np.typing.NDArray[np.float32]:
    return np.array([box.box_xyxy_px for box in drawn.boxes], np.float32)


def _verdict(drawn: Drawn) -> str:
    return f"{len(drawn.boxes)} defect(s)" if drawn.is_defective else "no defect"
