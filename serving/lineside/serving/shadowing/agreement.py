"""Whether two releases say the same of a part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineside.inspection.boxes import iou_matrix
from lineside.serving.inspections.schemas import DefectOut
from lineside.serving.shadowing.schemas import FindingsOut

SAME_DEFECT_IOU = 0.5
"""Least overlap of two boxes of one class and view that are one defect, the usual bar of a hit (PASCAL VOC)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two findings compare.

    Attributes:
        same_verdict: whether they come to one verdict.
        same_defects: whether each defect of one is a defect of the other.
    """

    same_verdict: bool
    same_defects: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing differs."""
        return self.same_verdict and self.same_defects


def agreement_of(one: FindingsOut, other: FindingsOut) -> Agreement:
    """Compare what two releases make of one part."""
    return Agreement(one.verdict is other.verdict, _same_defects(one.defects, other.defects))


def _same_defects(one: Sequence[DefectOut], other: Sequence[DefectOut]) -> bool:
    """Whether the defects pair off one to one, each with the most overlapping of its class and view."""
    if len(one) != len(other):
        return False
    left = list(other)
    for defect in one:
        alike = [each for each in left if (each.class_name, each.view) == (defect.class_name, defect.view)]
        if not alike:
            return False
        overlaps = iou_matrix(
            np.array([defect.box_xyxy_px], np.float32), np.array([each.box_xyxy_px for each in alike], np.float32)
        )[0]
        best = int(overlaps.argmax())
        if overlaps[best] < SAME_DEFECT_IOU:
            return False
        left.remove(alike[best])
    return True
