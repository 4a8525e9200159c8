"""What the noise of a sensor tells of a repeated exposure, and what it does not: the limits that the module names."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.datasets.synthetic import LayoutFamily, Look
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.sensor_noise import NoisePrint
from lineside.station.cameras.virtual_line import LinePlan, VirtualLine

LIMIT = HealthLimits().max_repeat_correlation or 0.0
SIDE_PX = 640


def scene(texture: float = 0.0) -> NDArray[np.float32]:
    """Gray levels of a dark board with bright traces and pads, with the grain of its material."""
    image = np.full((SIDE_PX, SIDE_PX), 40, np.float32)
    for at in range(20, SIDE_PX - 20, 40):
        cv2.line(image, (at, 10), (at, SIDE_PX - 10), 170, 8)
        cv2.circle(image, (at, at), 14, 190, -1)
    grain = cv2.GaussianBlur(np.random.default_rng(7).normal(0, 1, image.shape).astype(np.float32), (0, 0), 1.0)
    return np.asarray(image + grain / grain.std() * texture, np.float32)


def exposed(part: NDArray[np.float32], *, noise: float, seed: int, fixed_pattern: float = 0.01) -> Image:
    """One exposure: a lens, pixels that differ by a share of their signal, and noise."""
    seen = cv2.GaussianBlur(part, (0, 0), 0.8)
    seen = seen * np.random.default_rng(99).normal(1, fixed_pattern, seen.shape)
    return np.clip(seen + np.random.default_rng(seed).normal(0, noise, seen.shape), 0, 255).astype(np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    body = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(body, cv2.IMREAD_GRAYSCALE), np.uint8)


def correlation(first: Image, second: Image) -> float | None:
    return NoisePrint.of(second).correlation(NoisePrint.of(first))


@pytest.mark.parametrize("noise", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("texture", [0.0, 3.0, 6.0])
def test_two_exposures_of_the_very_same_part_do_not_correlate(noise: float, texture: float) -> None:
    """It does not even move: board, its grain and the sensor's fixed pattern are the same to the pixel."""
    part = scene(texture)
    found = correlation(exposed(part, noise=noise, seed=1), exposed(part, noise=noise, seed=2))
    assert found is not None
    assert found < LIMIT / 2


@pytest.mark.parametrize("quality", [85, 95])
def test_nor_do_they_once_they_were_compressed(quality: int) -> None:
    part = scene()
    found = correlation(*(jpeg(exposed(part, noise=4.0, seed=seed), quality) for seed in (1, 2)))
    assert found is not None
    assert found < LIMIT / 2


@pytest.mark.parametrize("noise", [1.0, 2.0, 4.0])
def test_the_same_exposure_in_another_file_correlates_fully(noise: float) -> None:
    image = exposed(scene(3.0), noise=noise, seed=1)
    assert correlation(image, image.copy()) == pytest.approx(1.0)


@pytest.mark.parametrize(("noise", "first", "second"), [(2.0, 95, 95), (4.0, 95, 95), (4.0, 95, 98), (4.0, 85, 98)])
def test_the_same_exposure_encoded_once_more_is_told(noise: float, first: int, second: int) -> None:
    image = jpeg(exposed(scene(), noise=noise, seed=1), first)
    found = correlation(image, jpeg(image, second))
    assert found is not None
    assert found > LIMIT


def test_strong_compression_of_the_repeat_hides_it() -> None:
    image = jpeg(exposed(scene(), noise=4.0, seed=1), 95)
    found = correlation(image, jpeg(image, 90))
    assert found is not None
    assert found < LIMIT


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(scene().astype(np.uint8), scene().astype(np.uint8), id="a renderer's, without noise"),
        pytest.param(jpeg(scene().astype(np.uint8), 90), jpeg(scene().astype(np.uint8), 90), id="the same as JPEG"),
        pytest.param(
            np.where(scene() > 100, 255, 0).astype(np.uint8),
            np.where(scene() > 100, 255, 0).astype(np.uint8),
            id="binarised",
        ),
        pytest.param(np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), id="black"),
        pytest.param(np.zeros((1, 7), np.uint8), np.zeros((1, 7), np.uint8), id="smaller than a block"),
        pytest.param(scene().astype(np.uint8), np.zeros((64, 64), np.uint8), id="of different size"),
        pytest.param(
            exposed(scene(), noise=0.3, seed=1, fixed_pattern=0),
            exposed(scene(), noise=0.3, seed=1, fixed_pattern=0),
            id="hardly any noise",
        ),
    ],
)
def test_nothing_is_said_where_there_is_no_noise_to_tell_by(first: Image, second: Image) -> None:
    assert correlation(first, second) is None


def test_consecutive_parts_of_the_virtual_line_are_never_taken_for_one() -> None:
    """Good ones and ones with defects, as `lineside demo` and the virtual camera draw them, noise and all."""
    plan = LinePlan(family=LayoutFamily.SURFACE_MOUNT, design_seed=11, look=Look.CAMERA, seed=1, defect_share=0.3)
    line = VirtualLine(plan)
    prints = [NoisePrint.of(to_gray(line.picture(number))) for number in range(6)]
    found = [after.correlation(before) for before, after in pairwise(prints)]
    assert all(value is None or value < LIMIT / 2 for value in found)


def test_what_moved_cannot_be_a_repeat_though_the_noise_is_the_same() -> None:
    """A renderer with a fixed grain: equal wherever nothing is, but a part has a defect."""
    image = exposed(scene(), noise=3.0, seed=1)
    other = image.copy()
    other[220:260, 220:260] = 250
    assert correlation(image, image) == pytest.approx(1.0)
    assert correlation(image, other) == 0.0
