"""A picture with its defects drawn on it."""

from collections.abc import Iterable

import cv2
import numpy as np

from lineside.inspection.frames import Image
from lineside.inspection.verdict import Defect

_RED_BGR = (40, 40, 220)
_LABEL_PX = 14
_THICKNESS_PX = 2


def draw_defects(image: Image, defects: Iterable[Defect]) -> Image:
    """Draw a box and the class with its confidence for each defect.

    Args:
        image: uint8 (height, width) gray or (height, width, 3) BGR; not changed.
        defects: boxes in the image's pixels.

    Returns:
        uint8 (height, width, 3) BGR.
    """
    canvas = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy(), np.uint8)
    scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_SIMPLEX, _LABEL_PX - 4)
    for defect in defects:
        left, top, right, bottom = (round(side) for side in defect.box_xyxy_px)
        cv2.rectangle(canvas, (left, top), (right, bottom), _RED_BGR, _THICKNESS_PX)
        text = f"{defect.class_name} {defect.confidence:.2f}"
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        label_left = max(0, min(left, canvas.shape[1] - width - 4))
        label_top = top - _LABEL_PX if top >= _LABEL_PX else min(bottom, canvas.shape[0] - _LABEL_PX)
        corner = (label_left + width + 4, label_top + _LABEL_PX)
        cv2.rectangle(canvas, (label_left, label_top), corner, _RED_BGR, cv2.FILLED)
        baseline = (label_left + 2, label_top + _LABEL_PX - 4)
        cv2.putText(canvas, text, baseline, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return canvas
