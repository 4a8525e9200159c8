"""Whether two people who read one picture said the same."""

from lineside.datasets.labelling.regions import Drawn
from lineside.inspection.drawn_boxes import ClassBox, are_same_boxes

SAME_IOU = 0.5
"""Two people draw one defect with this much overlap or more; PASCAL VOC's mark of a hit (Everingham et al. 2010)."""


def difference(one: Drawn, other: Drawn) -> str | None:
    """In words how two readings differ, None if they say the same.

    The same is: one verdict, and boxes that can be paired one to one, each pair of one class with an intersection over
    union of at least `SAME_IOU`.
    """
    if one.is_defective != other.is_defective:
        return f"{_verdict(one)} against {_verdict(other)}"
    if len(one.boxes) != len(other.boxes):
        return f"{len(one.boxes)} against {len(other.boxes)} boxes"
    if are_same_boxes(_boxes(one), _boxes(other), min_iou=SAME_IOU):
        return None
    return "boxes lie elsewhere or have another class"


def _boxes(drawn: Drawn) -> list[ClassBox]:
    return [ClassBox(box.class_name, box.box_xyxy_px) for box in drawn.boxes]


def _verdict(drawn: Drawn) -> str:
    return f"{len(drawn.boxes)} defect(s)" if drawn.is_defective else "no defect"
