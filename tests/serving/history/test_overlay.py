import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.serving.history import Mark, draw_overlay


def pixels(png: bytes, flag: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), flag), np.uint8)


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3), (1, 1), (2000, 300)])
def test_any_frame_can_be_drawn_on_and_stays_as_it_was(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 128, np.uint8)
    marks = [
        Mark((0, 0, shape[1], shape[0]), "단락 0.99"),
        Mark((0.4, 0.4, 0.6, 0.6), "x" * 200, is_drawn_by_human=True),
    ]
    png = draw_overlay(image, marks)
    assert pixels(png, cv2.IMREAD_COLOR).shape == (*shape[:2], 3)
    assert (image == 128).all()


def test_no_marks_leave_the_picture_alone() -> None:
    image = np.arange(4096, dtype=np.uint8).reshape(64, 64)
    drawn = pixels(draw_overlay(image, []), cv2.IMREAD_GRAYSCALE)
    assert (drawn == image).all()
