"""The scale of a camera from one picture of a calibration target: a checkerboard or a grid of dots of known pitch.

A recipe has one scale for a whole view. So beside the scale itself it is measured how far the picture is from having
one: pixels that are not square, a target that is tilted, a lens that distorts. A size in mm is as wrong as that.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.errors import CalibrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray

_LEAST_POINTS_PER_SIDE = 3
_LEAST_PITCH_PX = 8.0
"""Below this the points of a target run into each other, and a tenth of a pixel is more than a percent of the pitch."""


class TargetKind(StrEnum):
    """What is printed on the target."""

    CHECKERBOARD = "checkerboard"
    """The points are the inner corners, where four squares meet."""
    DOTS = "dots"
    """The points are the middles of dots in straight rows and columns."""


@dataclass(frozen=True, slots=True)
class CalibrationTarget:
    """A target as its certificate describes it.

    Attributes:
        kind: what is printed on it.
        columns: points in a row: inner corners, or dots.
        rows: rows of points.
        pitch_mm: from one point to the next, equal in both directions.
    """

    kind: TargetKind
    columns: int
    rows: int
    pitch_mm: float

    def __post_init__(self) -> None:
        """Refuse a target that cannot tell a scale from its own errors."""
        if min(self.columns, self.rows) < _LEAST_POINTS_PER_SIDE:
            raise CalibrationRefused(
                f"a target of {self.columns}x{self.rows} points; expected at least {_LEAST_POINTS_PER_SIDE} each way, "
                "or distortion could not be seen (a checkerboard counts inner corners, not squares)"
            )
        if not (math.isfinite(self.pitch_mm) and self.pitch_mm > 0):
            raise CalibrationRefused(f"a pitch of {self.pitch_mm} mm; expected a number above 0")


@dataclass(frozen=True, slots=True)
class ScaleLimits:
    """How far a picture may be from having one scale.

    Attributes:
        max_anisotropy_share: difference of the scales along rows and along columns.
        max_local_error_share: by how much a length of one pitch may come out wrong anywhere on the target.
    """

    max_anisotropy_share: float = 0.01
    max_local_error_share: float = 0.02


@dataclass(frozen=True, slots=True)
class ScaleMeasurement:
    """What a picture of a target says of the scale.

    Attributes:
        mm_per_px: of the whole target: the square root of the area that a pixel covers.
        uncertainty_mm_per_px: standard uncertainty of it from the scatter of the points alone; the target's own
            tolerance comes on top.
        mm_per_px_along_rows: along the target's rows.
        mm_per_px_along_columns: along its columns.
        distortion_rms_px: what a tilted ideal camera would leave unexplained: lens distortion, scanning errors, noise.
        distortion_max_px: of the worst point.
        tilt_share: how much larger the scale is at one end of the target than at the other; 0 seen squarely.
        local_error_share: by how much the length of one pitch comes out wrong at worst.
        rotation_degrees: of the target's rows against the picture's.
        points: found, columns times rows.
        covered_share: of the picture that lies within the target.
    """

    mm_per_px: float
    uncertainty_mm_per_px: float
    mm_per_px_along_rows: float
    mm_per_px_along_columns: float
    distortion_rms_px: float
    distortion_max_px: float
    tilt_share: float
    local_error_share: float
    rotation_degrees: float
    points: int
    covered_share: float

    @property
    def anisotropy_share(self) -> float:
        """Difference of the two scales, as a share of the mean one."""
        return abs(self.mm_per_px_along_rows - self.mm_per_px_along_columns) / self.mm_per_px

    @property
    def distortion_rms_mm(self) -> float:
        """`distortion_rms_px` on the part."""
        return self.distortion_rms_px * self.mm_per_px


def measure_scale(image: Image, target: CalibrationTarget, *, limits: ScaleLimits | None = None) -> ScaleMeasurement:
    """Measure the scale of a camera from a picture of a target that lies where the parts lie.

    Args:
        image: uint8, (height, width) gray or (height, width, 3) BGR, with the whole target in it.
        target: what is to be seen.
        limits: past which no single scale describes the picture; the default ones if None.

    Raises:
        CalibrationRefused: the target was not found, is too small in the picture, or the picture has no single scale.
    """
    limits = limits or ScaleLimits()
    gray = to_gray(image)
    points_px = _find_points(gray, target)
    measured = _measure(points_px, target, picture_hw_px=(gray.shape[0], gray.shape[1]))
    if target.pitch_mm / measured.mm_per_px < _LEAST_PITCH_PX:
        raise CalibrationRefused(
            f"the target's points are {target.pitch_mm / measured.mm_per_px:.1f} px apart, expected at least "
            f"{_LEAST_PITCH_PX:g}; take a target with a larger pitch"
        )
    if measured.anisotropy_share > limits.max_anisotropy_share:
        raise CalibrationRefused(
            f"{measured.mm_per_px_along_rows:.6g} mm per px along the rows and "
            f"{measured.mm_per_px_along_columns:.6g} along the columns differ by {measured.anisotropy_share:.1%}, "
            f"allowed {limits.max_anisotropy_share:.1%}: set the line rate or encoder so "
            "that pixels are square, or lay the target flat"
        )
    if measured.local_error_share > limits.max_local_error_share:
        raise CalibrationRefused(
            f"a length of one pitch comes out wrong by up to {measured.local_error_share:.1%}, allowed "
            f"{limits.max_local_error_share:.1%} (tilt {measured.tilt_share:.1%}, distortion "
            f"{measured.distortion_max_px:.2f} px at worst): lay the target flat, or correct the lens before "
            "judging sizes"
        )
    return measured


def _find_points(gray: Image, target: CalibrationTarget) -> NDArray[np.float64]:
    """The target's points, float64 (rows, columns, 2) as (x, y) px."""
    size = (target.columns, target.rows)
    if target.kind is TargetKind.CHECKERBOARD:
        flags = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE
        is_found, points = cv2.findChessboardCornersSB(gray, size, flags=flags)
    else:
        is_found, points = cv2.findCirclesGrid(
            gray, size, flags=cv2.CALIB_CB_SYMMETRIC_GRID | cv2.CALIB_CB_CLUSTERING, blobDetector=_dot_detector(gray)
        )
    if not is_found or points is None:
        what = "inner corners" if target.kind is TargetKind.CHECKERBOARD else "dots"
        raise CalibrationRefused(
            f"no {target.kind.value} of {target.columns}x{target.rows} {what} found; the whole target must be in the "
            "picture, sharp and evenly lit, with a bright margin around it"
        )
    found: NDArray[np.float32] = np.asarray(points, np.float32).reshape(target.rows, target.columns, 2)
    if target.kind is TargetKind.CHECKERBOARD:
        found = _refined_corners(gray, found)
    return found.astype(np.float64)


def _refined_corners(gray: Image, points_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corners where the gradients around them say (Förstner and Gülch, 1987), within a quarter of the pitch.

    On drawn targets the search alone is off by up to 0.6 px, refined by up to 0.16 px.
    """
    pitch_px = min(float(np.linalg.norm(np.diff(points_px, axis=axis), axis=-1).min()) for axis in (0, 1))
    half_window = max(2, int(pitch_px / 4))
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 0.001)
    refined = cv2.cornerSubPix(gray, points_px.reshape(-1, 1, 2).copy(), (half_window, half_window), (-1, -1), stop)
    return np.asarray(refined, np.float32).reshape(points_px.shape)


def _dot_detector(gray: Image) -> Any:
    """Finds dark dots of any size that a target could have; OpenCV's default refuses large ones."""
    parameters: Any = cv2.SimpleBlobDetector.Params()
    parameters.filterByArea = True
    parameters.minArea = 12.0
    parameters.maxArea = gray.size / 16
    parameters.filterByColor = True
    parameters.blobColor = 0
    parameters.filterByCircularity = True
    parameters.minCircularity = 0.6
    return cv2.SimpleBlobDetector.create(parameters)


def _measure(
    points_px: NDArray[np.float64], target: CalibrationTarget, *, picture_hw_px: tuple[int, int]
) -> ScaleMeasurement:
    columns, rows = np.meshgrid(np.arange(target.columns), np.arange(target.rows))
    on_target_mm = np.stack([columns, rows], axis=-1).reshape(-1, 2) * target.pitch_mm
    found_px = points_px.reshape(-1, 2)
    # Least squares of x and y on (column, row, 1): the affine map that lies nearest to the points.
    design = np.column_stack([on_target_mm, np.ones(len(on_target_mm))])
    solution = np.linalg.lstsq(design, found_px, rcond=None)[0]
    along_rows, along_columns = solution[0], solution[1]  # px per mm
    area_px_per_mm2 = abs(along_rows[0] * along_columns[1] - along_rows[1] * along_columns[0])
    mm_per_px = 1 / math.sqrt(area_px_per_mm2)
    unexplained = found_px - design @ solution
    variance_px2 = float((unexplained**2).sum()) / (2 * len(found_px) - solution.size)
    spread = np.linalg.inv(design.T @ design)
    # ln(area) is, to first order, the sum of the two relative lengths; the scale is area to the power of -1/2.
    relative = [
        math.sqrt(variance_px2 * spread[index, index]) / float(np.linalg.norm(axis))
        for index, axis in enumerate((along_rows, along_columns))
    ]
    homography = np.asarray(cv2.findHomography(on_target_mm, found_px, 0)[0], np.float64)
    ideal_px = cv2.perspectiveTransform(on_target_mm[None], homography)[0]
    off_px = np.linalg.norm(found_px - ideal_px, axis=1)
    local_mm_per_px = _local_scales(homography, on_target_mm)
    hull_px = cv2.convexHull(found_px.astype(np.float32))
    return ScaleMeasurement(
        mm_per_px=mm_per_px,
        uncertainty_mm_per_px=mm_per_px * 0.5 * math.hypot(*relative),
        mm_per_px_along_rows=1 / float(np.linalg.norm(along_rows)),
        mm_per_px_along_columns=1 / float(np.linalg.norm(along_columns)),
        distortion_rms_px=float(np.sqrt((off_px**2).mean())),
        distortion_max_px=float(off_px.max()),
        tilt_share=float(local_mm_per_px.max() / local_mm_per_px.min()) - 1,
        local_error_share=_local_error(points_px, target.pitch_mm / mm_per_px),
        rotation_degrees=math.degrees(math.atan2(along_rows[1], along_rows[0])),
        points=len(found_px),
        covered_share=float(cv2.contourArea(hull_px)) / (picture_hw_px[0] * picture_hw_px[1]),
    )


def _local_scales(homography: NDArray[np.float64], on_target_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Millimetres per pixel at each point: the homography's Jacobian has determinant det(H) / w**3."""
    depth = on_target_mm @ homography[2, :2] + homography[2, 2]
    return np.asarray(1 / np.sqrt(np.abs(np.linalg.det(homography) / depth**3)), np.float64)


def _local_error(points_px: NDArray[np.float64], pitch_px: float) -> float:
    """How wrong the distance of two neighbouring points is at worst, as a share of the pitch."""
    steps = [np.linalg.norm(np.diff(points_px, axis=axis), axis=-1).ravel() for axis in (0, 1)]
    return float(np.abs(np.concatenate(steps) / pitch_px - 1).max())
