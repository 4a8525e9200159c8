"""A piece of a frame with boxes on it, as a panel of a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lineside.inspection.frames import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]
Window = tuple[int, int, int, int]

_LARGEST_PX = 640  # of a panel: what a reader sees on a page
_LEAST_SIDE_PX = 160
_ROOM = 0.35  # around the boxes, of their common extent


@dataclass(frozen=True, slots=True)
class BoxStyle:
    """How boxes of one kind are drawn.

    Attributes:
        boxes: in pixels of the frame.
        colour: of their edges.
        line: matplotlib's name of the line, such as "-" or "--".
    """

    boxes: Sequence[Box]
    colour: str
    line: str


def window_around(boxes: Sequence[Box], size_wh_px: tuple[int, int]) -> Window:
    """What is shown: all boxes with room around them; the whole frame where there is none.

    Args:
        boxes: in pixels of the frame.
        size_wh_px: of the frame.

    Returns:
        Left, top, right, bottom in whole pixels, inside the frame.
    """
    width, height = size_wh_px
    if not boxes:
        return 0, 0, width, height
    edges = np.array(boxes, float)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    side = max(_LEAST_SIDE_PX, (1 + 2 * _ROOM) * float((high - low).max()))
    centre = (low + high) / 2
    left, top = (max(0, round(float(middle) - side / 2)) for middle in centre)
    right, bottom = min(width, round(left + side)), min(height, round(top + side))
    return max(0, round(right - side)), max(0, round(bottom - side)), right, bottom


def draw_frame(axis: "Axes", pixels: Image, window: Window, styles: Sequence[BoxStyle]) -> None:
    """Draw a window of a frame and boxes on it.

    Args:
        axis: gets it.
        pixels: uint8, gray or BGR.
        window: left, top, right, bottom of what is shown.
        styles: the boxes, drawn in this order.
    """
    from matplotlib.patches import Rectangle

    left, top, right, bottom = window
    shown = pixels[top:bottom, left:right]
    scale = min(1.0, _LARGEST_PX / max(shown.shape[:2]))
    if scale < 1:
        shown = np.asarray(cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    shown = shown if shown.ndim == 2 else np.asarray(cv2.cvtColor(shown, cv2.COLOR_BGR2RGB), np.uint8)
    axis.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=(left, right, bottom, top), interpolation="nearest")
    for style in styles:
        for x1, y1, x2, y2 in style.boxes:
            axis.add_patch(
                Rectangle(
                    (x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=style.colour, linestyle=style.line, linewidth=1.4
                )
            )
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    axis.set_axis_off()
