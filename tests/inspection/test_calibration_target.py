"""The scale from a picture of a target, against targets drawn with a known scale, tilt, blur and noise."""

import cv2
import numpy as np
import pytest

from lineside.inspection.calibration_target import CalibrationTarget, ScaleLimits, TargetKind, measure_scale
from lineside.inspection.errors import CalibrationRefused
from lineside.inspection.frames import Image

CHECKERBOARD = CalibrationTarget(TargetKind.CHECKERBOARD, 11, 8, 2.0)
DOTS = CalibrationTarget(TargetKind.DOTS, 12, 9, 1.5)
BOTH = pytest.mark.parametrize("target", [CHECKERBOARD, DOTS], ids=["checkerboard", "dots"])
OVERSAMPLING = 3


def picture_of(
    target: CalibrationTarget,
    *,
    px_per_mm: float = 20.0,
    stretch: float = 1.0,
    degrees: float = 0.0,
    tilt: float = 0.0,
    barrel: float = 0.0,
    blur_px: float = 0.7,
    noise: float = 2.0,
) -> Image:
    """A target in the middle of a 640 x 480 picture.

    Args:
        target: what is printed.
        px_per_mm: true scale in the picture's middle.
        stretch: of the picture's vertical direction.
        degrees: rotation.
        tilt: perspective term per px, across.
        barrel: radial distortion, share at 400 px from the middle.
        blur_px: of the lens.
        noise: standard deviation in gray levels.
    """
    width, height = 640 * OVERSAMPLING, 480 * OVERSAMPLING
    x, y = np.meshgrid((np.arange(width) + 0.5) / OVERSAMPLING - 320, (np.arange(height) + 0.5) / OVERSAMPLING - 240)
    distance2 = (x**2 + y**2) / 400**2
    x, y = x * (1 + barrel * distance2), y * (1 + barrel * distance2)
    depth = 1 + tilt * x
    x, y = x / depth, y / stretch / depth
    turn = np.deg2rad(degrees)
    along, across = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y
    column = along / px_per_mm / target.pitch_mm + (target.columns - 1) / 2
    row = across / px_per_mm / target.pitch_mm + (target.rows - 1) / 2
    if target.kind is TargetKind.CHECKERBOARD:
        is_inside = (column > -1) & (column < target.columns) & (row > -1) & (row < target.rows)
        is_dark = is_inside & ((np.floor(column).astype(int) + np.floor(row).astype(int)) % 2 == 0)
    else:
        is_inside = (column > -0.5) & (column < target.columns - 0.5) & (row > -0.5) & (row < target.rows - 0.5)
        is_dark = is_inside & (np.hypot(column - np.round(column), row - np.round(row)) < 0.28)
    ideal = np.where(is_dark, 40.0, 210.0).astype(np.float32)
    small = cv2.resize(ideal, (640, 480), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), blur_px)
    noisy = blurred + np.random.default_rng(1).normal(0, noise, blurred.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


@BOTH
@pytest.mark.parametrize(("px_per_mm", "degrees"), [(20.0, 0.0), (12.3, 4.0), (17.77, -9.0)])
def test_the_scale_is_the_true_one(target: CalibrationTarget, px_per_mm: float, degrees: float) -> None:
    measured = measure_scale(picture_of(target, px_per_mm=px_per_mm, degrees=degrees), target)

    assert measured.mm_per_px == pytest.approx(1 / px_per_mm, rel=5e-4)
    assert abs(measured.mm_per_px - 1 / px_per_mm) < 6 * measured.uncertainty_mm_per_px + 2e-4 / px_per_mm
    assert measured.distortion_rms_px < 0.15
    assert measured.tilt_share < 0.004
    assert abs((measured.rotation_degrees - degrees + 90) % 180 - 90) < 0.2
    assert measured.points == target.columns * target.rows


@BOTH
def test_blur_and_noise_cost_little(target: CalibrationTarget) -> None:
    measured = measure_scale(picture_of(target, blur_px=1.6, noise=8.0), target)

    assert measured.mm_per_px == pytest.approx(1 / 20, rel=1e-3)


@BOTH
def test_pixels_that_are_not_square_are_refused_and_told_apart(target: CalibrationTarget) -> None:
    picture = picture_of(target, stretch=1.04)

    with pytest.raises(CalibrationRefused, match="along the rows"):
        measure_scale(picture, target)
    measured = measure_scale(picture, target, limits=ScaleLimits(0.1, 0.1))
    assert measured.anisotropy_share == pytest.approx(0.04, abs=0.004)


@BOTH
def test_a_tilted_target_is_refused_and_its_tilt_measured(target: CalibrationTarget) -> None:
    picture = picture_of(target, tilt=2e-4)

    with pytest.raises(CalibrationRefused, match="tilt"):
        measure_scale(picture, target)
    measured = measure_scale(picture, target, limits=ScaleLimits(0.2, 0.5))
    assert measured.tilt_share > 0.1
    assert measured.distortion_rms_px < 0.2, "a tilt is explained without distortion"


@BOTH
def test_a_lens_that_distorts_is_told_from_a_tilt(target: CalibrationTarget) -> None:
    measured = measure_scale(picture_of(target, barrel=0.06), target, limits=ScaleLimits(0.2, 0.5))

    assert measured.distortion_max_px > 1.0
    assert measured.tilt_share < 0.01
    assert measured.distortion_rms_mm == pytest.approx(measured.distortion_rms_px * measured.mm_per_px)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (np.full((480, 640), 128, np.uint8), "no checkerboard of 11x8 inner corners found"),
        (picture_of(DOTS), "no checkerboard of 11x8 inner corners found"),
        (picture_of(CHECKERBOARD)[:, :330], "no checkerboard of 11x8 inner corners found"),
    ],
    ids=["nothing", "another target", "half a target"],
)
def test_without_the_whole_target_there_is_no_scale(image: Image, why: str) -> None:
    with pytest.raises(CalibrationRefused, match=why):
        measure_scale(np.ascontiguousarray(image), CHECKERBOARD)


def test_points_too_near_to_each_other_are_refused() -> None:
    target = CalibrationTarget(TargetKind.CHECKERBOARD, 11, 8, 0.3)

    with pytest.raises(CalibrationRefused, match=r"points are \d.\d px apart|found"):
        measure_scale(picture_of(target, blur_px=0.4, noise=0.5), target)


@pytest.mark.parametrize(("columns", "rows", "pitch_mm"), [(2, 8, 1.0), (9, 1, 1.0), (9, 8, 0.0), (9, 8, float("nan"))])
def test_a_target_that_tells_nothing_is_refused(columns: int, rows: int, pitch_mm: float) -> None:
    with pytest.raises(CalibrationRefused, match="expected"):
        CalibrationTarget(TargetKind.DOTS, columns, rows, pitch_mm)
