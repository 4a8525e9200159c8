"""A frame with what was found drawn on it, as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lineside.inspection.frames import Image
from lineside.inspection.zones import BoxXyxyPx

_DEFECT_BGR = (40, 40, 230)
_DRAWN_BGR = (200, 160, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_REFERENCE_SIDE_PX = 640  # lines and letters drawn for this size are scaled to the frame's


@dataclass(frozen=True, slots=True)
class Mark:
    """One box to draw.

    Attributes:
        box_xyxy_px: left, top, right, bottom in the frame's pixels.
        label: what to write at it; characters outside ASCII become "?", the font has no others.
        is_drawn_by_human: whether a reviewer drew it.
    """

    box_xyxy_px: BoxXyxyPx
    label: str
    is_drawn_by_human: bool = False


def draw_overlay(image: Image, marks: Sequence[Mark]) -> bytes:
    """The frame with boxes and labels.

    Args:
        image: uint8, (h, w) gray or (h, w, 3) BGR; not changed.
        marks: what to draw; none gives the frame as it is, in colour.

    Returns:
        A PNG file's bytes.
    """
    canvas = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    scale = max(1.0, max(canvas.shape[:2]) / _REFERENCE_SIDE_PX)
    thickness = max(1, round(scale))
    for mark in marks:
        left, top, right, bottom = (round(side) for side in mark.box_xyxy_px)
        colour = _DRAWN_BGR if mark.is_drawn_by_human else _DEFECT_BGR
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, thickness)
        text = mark.label.encode("ascii", "replace").decode()
        (width, height), baseline = cv2.getTextSize(text, _FONT, 0.4 * scale, thickness)
        x = max(0, min(left, canvas.shape[1] - width))
        y = (
            top - baseline
            if top - baseline - height >= 0
            else min(canvas.shape[0] - baseline, bottom + height + baseline)
        )
        cv2.putText(canvas, text, (x, y), _FONT, 0.4 * scale, colour, thickness, cv2.LINE_AA)
    is_encoded, png = cv2.imencode(".png", np.asarray(canvas, np.uint8))
    if not is_encoded:
        raise RuntimeError(f"OpenCV could not encode a PNG of shape {canvas.shape}")
    return png.tobytes()
