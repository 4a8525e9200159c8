"""Pictures of labelled images: whole ones and close-ups, with their boxes."""

from collections.abc import Sequence

import cv2
import numpy as np

from lineside.datasets.labelled import LabelledBox
from lineside.inspection.frames import Image

PALETTE_BGR = (
    (40, 40, 230),
    (30, 150, 20),
    (220, 110, 20),
    (200, 30, 180),
    (20, 140, 240),
    (170, 150, 0),
    (90, 50, 140),
    (60, 110, 140),
)
"""By position of the class in the revision; told apart by people who confuse red and green through the names beside."""

_CLOSE_UP_MARGIN = 1.2
_LEAST_CLOSE_UP_PX = 48
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.42
_LARGEST_ZOOM = 6.0


def colour_of(class_name: str, classes: Sequence[str]) -> tuple[int, int, int]:
    """The colour of a class, blue-green-red."""
    return PALETTE_BGR[classes.index(class_name) % len(PALETTE_BGR) if class_name in classes else 0]


def draw(
    picture: Image,
    boxes: Sequence[LabelledBox],
    classes: Sequence[str],
    *,
    window_px: tuple[int, int, int, int],
    side_px: int,
) -> Image:
    """Draw a window of a picture with boxes and class names.

    Args:
        picture: uint8, gray or BGR.
        boxes: in the picture's pixels; each name stands beside its box.
        classes: for the colours.
        window_px: left, top, right, bottom of what is shown.
        side_px: the longer side of the result.

    Returns:
        uint8 (h, w, 3) BGR.
    """
    left, top, right, bottom = window_px
    part = picture[top:bottom, left:right]
    colour = part if part.ndim == 3 else cv2.cvtColor(part, cv2.COLOR_GRAY2BGR)
    zoom = min(side_px / max(right - left, bottom - top), _LARGEST_ZOOM)
    size_wh = (max(1, round((right - left) * zoom)), max(1, round((bottom - top) * zoom)))
    shown = cv2.resize(colour, size_wh, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_NEAREST)
    for box in boxes:
        x1, y1, x2, y2 = box.box_xyxy_px
        first = (round((x1 - left) * zoom) - 1, round((y1 - top) * zoom) - 1)
        second = (round((x2 - left) * zoom), round((y2 - top) * zoom))
        cv2.rectangle(shown, first, second, colour_of(box.class_name, classes), 2)
    for box in boxes:  # names last: no box may cross one
        _write_name(shown, box, colour_of(box.class_name, classes), corner=(left, top), zoom=zoom)
    return np.asarray(shown, np.uint8)


def whole(picture: Image) -> tuple[int, int, int, int]:
    """The window that shows all of a picture."""
    return 0, 0, picture.shape[1], picture.shape[0]


def close_up(picture: Image, boxes: Sequence[LabelledBox]) -> tuple[int, int, int, int]:
    """A square window around boxes, with some of what surrounds them, inside the picture; all of it without boxes."""
    if not boxes:
        return whole(picture)
    height, width = picture.shape[:2]
    left = min(box.box_xyxy_px[0] for box in boxes)
    top = min(box.box_xyxy_px[1] for box in boxes)
    right = max(box.box_xyxy_px[2] for box in boxes)
    bottom = max(box.box_xyxy_px[3] for box in boxes)
    half = max(_LEAST_CLOSE_UP_PX, (1 + _CLOSE_UP_MARGIN) * max(right - left, bottom - top)) / 2
    across, down = (left + right) / 2, (top + bottom) / 2
    return (
        max(0, round(across - half)),
        max(0, round(down - half)),
        max(1, min(width, round(across + half))),
        max(1, min(height, round(down + half))),
    )


def encode(picture: Image) -> tuple[str, bytes]:
    """Media type and bytes of a picture for a page, as PNG or, where that is smaller, JPEG."""
    png = cv2.imencode(".png", picture)[1].tobytes()
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    return ("image/png", png) if len(png) <= len(jpeg) else ("image/jpeg", jpeg)


def _write_name(
    shown: cv2.typing.MatLike, box: LabelledBox, colour: tuple[int, int, int], *, corner: tuple[int, int], zoom: float
) -> None:
    """The class beside the box, above it or, at the upper edge, below it; always inside the picture."""
    text = box.class_name.encode("ascii", "replace").decode()  # OpenCV's fonts have no other letters
    (width, height), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    x = round((box.box_xyxy_px[0] - corner[0]) * zoom)
    above, below = round((box.box_xyxy_px[1] - corner[1]) * zoom) - 4, round((box.box_xyxy_px[3] - corner[1]) * zoom)
    y = above if above >= height + 2 else below + height + 5
    x = max(1, min(x, shown.shape[1] - width - 2))
    y = max(height + 1, min(y, shown.shape[0] - 3))
    cv2.rectangle(shown, (x - 1, y - height - 2), (x + width + 1, y + 3), (255, 255, 255), -1)
    cv2.putText(shown, text, (x, y), _FONT, _FONT_SCALE, colour, 1, cv2.LINE_AA)
