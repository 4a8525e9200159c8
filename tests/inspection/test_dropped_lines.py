from collections.abc import Callable

import cv2
import numpy as np
import pytest

from lineside.datasets.synthetic import LayoutFamily, Look
from lineside.inspection.dropped_lines import count_dropped_lines
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.station.cameras.virtual_line import LinePlan, VirtualLine


def board(*, noise: float = 2.0, blur_sigma_px: float = 0.8) -> Image:
    image = np.full((400, 640), 60, np.float32)
    cv2.rectangle(image, (100, 90), (560, 330), 170, -1)
    cv2.circle(image, (300, 200), 60, 20, -1)
    seen = cv2.GaussianBlur(image, (0, 0), blur_sigma_px) if blur_sigma_px else image
    return np.clip(seen + np.random.default_rng(3).normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def repeat_row(image: Image) -> None:
    image[201] = image[200]


def repeat_rows(image: Image) -> None:
    image[201:206] = image[200]


def black_rows(image: Image) -> None:
    image[150:153] = 0


def white_row(image: Image) -> None:
    image[20] = 255


def gray_column(image: Image) -> None:
    image[:, 333] = 128


def repeat_column(image: Image) -> None:
    image[:, 40] = image[:, 39]


@pytest.mark.parametrize("noise", [0.5, 1.0, 4.0])
@pytest.mark.parametrize(
    ("spoil", "count"),
    [
        (repeat_row, 1),
        (repeat_rows, 5),
        (black_rows, 3),
        (white_row, 1),
        (gray_column, 1),
        (repeat_column, 1),
    ],
)
def test_dropped_lines_are_counted(spoil: Callable[[Image], None], count: int, noise: float) -> None:
    image = board(noise=noise)
    assert count_dropped_lines(image) == 0
    spoil(image)
    assert count_dropped_lines(image) == count


def test_rows_and_columns_add_up() -> None:
    image = board()
    black_rows(image)
    repeat_column(image)
    assert count_dropped_lines(image) == 4


def margin(image: Image) -> None:
    image[:40] = 255
    image[:, 600:] = 0


def dark_stripe(image: Image) -> None:
    """A stripe printed on the part: the lens draws its edges soft."""
    stripe = np.zeros(image.shape, np.float32)
    stripe[180:220] = 1
    soft = cv2.GaussianBlur(stripe, (0, 0), 0.8)
    image[:] = np.clip(image * (1 - soft), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(board(noise=0), id="a renderer's"),
        pytest.param(board(noise=0, blur_sigma_px=0), id="a renderer's with hard edges"),
        pytest.param(np.where(board(noise=0) > 100, 255, 0).astype(np.uint8), id="binarised"),
        pytest.param(np.zeros((200, 200), np.uint8), id="black"),
        pytest.param(np.random.default_rng(1).integers(0, 256, (10, 10), dtype=np.uint8), id="tiny"),
        *(
            pytest.param(
                np.asarray(
                    cv2.imdecode(cv2.imencode(".jpg", board(noise=noise), [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)
                ),
                id=f"noise of {noise} as JPEG of quality {quality}",
            )
            for quality in (50, 75, 85, 90, 95)
            for noise in (0.3, 0.5, 2.0)
        ),
    ],
)
def test_equal_lines_of_pictures_without_noise_are_no_fault(image: Image) -> None:
    assert count_dropped_lines(image) == 0


def test_a_trace_amid_what_coding_leaves_of_black_and_white_is_no_fault() -> None:
    """Real binarised boards (DeepPCB 20085092, 20085194) flicker by one level at the ends of the scale, and their
    traces have hard edges."""
    image = np.random.default_rng(2).integers(0, 2, (400, 640), dtype=np.uint8)
    image[:, 294:306] = 255
    assert count_dropped_lines(image) == 0
    assert count_dropped_lines(255 - image) == 0


@pytest.mark.parametrize("change", [margin, dark_stripe])
def test_a_part_and_its_background_may_be_of_one_value(change: Callable[[Image], None]) -> None:
    image = board()
    change(image)
    assert count_dropped_lines(image) == 0


def test_the_virtual_line_drops_none() -> None:
    for look in Look:
        line = VirtualLine(LinePlan(family=LayoutFamily.BUS, look=look, seed=5, defect_share=0.5))
        assert [count_dropped_lines(to_gray(line.picture(number))) for number in range(3)] == [0, 0, 0]
