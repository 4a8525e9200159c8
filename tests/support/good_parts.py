"""Pictures of good parts as a person would take them: a little off each other, each with its own serial number."""

from collections.abc import Iterator

import cv2
import numpy as np

from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.frames import Image

SIZE_WH_PX = (320, 256)
SERIAL_BOX_XYXY_PX = (200, 20, 290, 50)
LARGEST_SHIFT_PX = 4
_ROOM_PX = 8  # of the board beyond the picture, so that a shifted picture shows more of the board


def good_parts(count: int, *, seed: int = 1, board: int = 7, has_serial: bool = True) -> Iterator[Image]:
    """Camera pictures of good parts, uint8 (256, 320).

    Args:
        count: how many.
        seed: of exposure, position and serial number.
        board: which product.
        has_serial: whether a number is printed on each.
    """
    width, height = SIZE_WH_PX
    design = BoardDesign(next(iter(LayoutFamily)), board, (width + 2 * _ROOM_PX, height + 2 * _ROOM_PX))
    product = Board(design)
    rng = np.random.default_rng([seed, board])
    for index in range(count):
        whole = product.sample(look=Look.CAMERA, defects=0, seed=seed * 1000 + index).frame.copy()
        if has_serial:
            left, _, _, bottom = (value + _ROOM_PX for value in SERIAL_BOX_XYXY_PX)
            cv2.putText(whole, f"{rng.integers(10_000):04d}", (left + 4, bottom - 6), 0, 0.9, 120, 2)
        right, down = rng.integers(-LARGEST_SHIFT_PX // 2, LARGEST_SHIFT_PX // 2 + 1, 2)
        top, left = _ROOM_PX + int(down), _ROOM_PX + int(right)
        yield np.ascontiguousarray(whole[top : top + height, left : left + width])
