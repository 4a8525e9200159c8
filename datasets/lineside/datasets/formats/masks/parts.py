"""The connected parts of a mask, as boxes."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.revisions.pictures import read_picture
from lineside.inspection.frames import Image, MediaType

BoxPx = tuple[float, float, float, float]


def read_mask(path: Path) -> Image:
    """A mask's gray values, uint8 (height, width).

    Raises:
        SampleUnreadable: it is no picture, in colour, or a JPEG, whose loss puts values where nobody drew any.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}") from error
    picture = read_picture(data, source=str(path))
    if picture.file.media_type is MediaType.JPEG:
        raise SampleUnreadable(f"{path} is a JPEG, which blurs a mask's values; expected PNG or BMP")
    if picture.pixels.ndim == 2:
        return picture.pixels
    if (picture.pixels == picture.pixels[:, :, :1]).all():
        return np.ascontiguousarray(picture.pixels[:, :, 0])
    raise SampleUnreadable(f"{path} is in colour; expected gray values, one for each class")


def connected_boxes(is_defect: NDArray[np.bool_]) -> list[BoxPx]:
    """A box around each connected part, from left top to right bottom of where each begins.

    Args:
        is_defect: bool (height, width); pixels that touch at a corner are connected.

    Returns:
        left, top, right, bottom edges in pixels; none for a mask without a defect.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(is_defect.astype(np.uint8), connectivity=8)
    boxes: list[BoxPx] = []
    for part in range(1, count):  # part 0 is the background
        left, top, width, height = (float(value) for value in stats[part, :4])
        boxes.append((left, top, left + width, top + height))
    return boxes
