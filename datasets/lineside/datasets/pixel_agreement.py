"""Whether one picture, laid on another, shows the same shot or only the same kind of part.

Boards of one design are alike almost everywhere and differ where one has a defect, a scratch or a speck; a copy of a
picture differs nowhere, however it was compressed. So the largest local difference decides, not the mean.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image

_WORKING_SIDE_PX = 384
_SMOOTHING_PX = 1.0
"""Standard deviation; takes away what a compressor leaves around edges."""
_SHADING_PX = 65
"""Side of the square whose mean is taken away: shading and brightness do not count."""
_BLOCK_PX = 9
"""Differences are averaged over blocks of this side: pixel noise vanishes, a defect of 4 x 4 px does not."""
_LEAST_CONTRAST = 1.0
"""Gray levels; a picture with less shows nothing by which it could be recognised."""
_SPECK_SHARE = 0.5
"""On a nearly empty picture the contrast is next to nothing: there, half of the largest thing on it is the unit."""
_LEAST_SCALE, _LARGEST_SCALE = 0.2, 5.0
_LEAST_CORRELATION = 0.5
"""Before the correction; a position that is off by a few pixels still leaves more."""
_WELL_PLACED = 0.98
"""Correlation from which a large difference is on the part, and not from its position."""
_SURELY_DIFFERENT = 0.8
_GOOD_ENOUGH = 0.05
_ECC_ITERATIONS = 30
_ECC_STEP = 1e-4
_ECC_SMOOTHING_PX = 5
_LEAST_COMPARED_PX = 400
_LEAST_STEP_PX = 1.2

Affine = NDArray[np.float64]
"""(2, 3): from pixels of the first picture to pixels of the second."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How well two pictures agree where they overlap.

    Attributes:
        overlap: the overlap's area as a share of the smaller picture's, in [0, 1].
        largest_difference: of the gray levels averaged over a block, in units of the first picture's contrast (the
            standard deviation of what is left without shading); 0 for the same pixels, around 1 and above where one
            picture shows a thing that the other does not.
        correlation: of the gray levels without shading, in [-1, 1].
        affine: (2, 3), where the first one's pixels lie in the second, corrected.
    """

    overlap: float
    largest_difference: float
    correlation: float
    affine: Affine


def agreement(first: Image, second: Image, affine: Affine) -> Agreement | None:
    """Lay the second picture on the first, correct the position by what both show, and compare.

    The correction maximises the enhanced correlation coefficient (Evangelidis and Psarakis, IEEE TPAMI 30(10), 2008).

    Args:
        first: uint8 (h, w).
        second: uint8 (h, w), of any other size.
        affine: where the first one's pixels lie in the second, within a few pixels.

    Returns:
        None where there is nothing to compare: no overlap, an absurd scale, or pictures without contrast.
    """
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    if not _LEAST_SCALE < scale < _LARGEST_SCALE:
        return None
    shrunk_by = min(1.0, scale, _WORKING_SIDE_PX / max(first.shape))
    step_px = scale / shrunk_by  # pixels of the second picture in one working pixel
    centre = 0.5 / shrunk_by - 0.5  # the middle of the first working pixel, in pixels of the first picture
    to_first = np.array([[1 / shrunk_by, 0, centre], [0, 1 / shrunk_by, centre], [0, 0, 1]])
    matrix = np.vstack([affine, [0.0, 0.0, 1.0]]) @ to_first
    shape = (max(1, round(first.shape[0] * shrunk_by)), max(1, round(first.shape[1] * shrunk_by)))
    # Both go the same way into the working frame: two ways of shrinking would differ around every speck.
    below, _ = _lay(_without_detail(first, 1 / shrunk_by), to_first, shape)
    above = _without_detail(second, step_px)
    smaller_px = min(float(below.size), second.size / step_px**2)
    laid, covered = _lay(above, matrix, below.shape)
    rough = _agreement(below, laid, covered, smaller_px=smaller_px, affine=affine)
    if rough is None or rough.correlation < _LEAST_CORRELATION:
        return None
    is_other_part = rough.correlation > _WELL_PLACED and rough.largest_difference > _SURELY_DIFFERENT
    if rough.largest_difference <= _GOOD_ENOUGH or is_other_part:
        return rough
    corrected = _corrected(below, laid, covered, matrix)
    if corrected is None:
        return rough
    laid, covered = _lay(above, corrected, below.shape)
    corrected_affine = (corrected @ np.linalg.inv(to_first))[:2]
    fine = _agreement(below, laid, covered, smaller_px=smaller_px, affine=corrected_affine)
    return min((each for each in (rough, fine) if each is not None), key=lambda each: each.largest_difference)


def _agreement(
    below: NDArray[np.float32], laid: NDArray[np.float32], covered: Image, *, smaller_px: float, affine: Affine
) -> Agreement | None:
    """Compare two pictures of one size where the second one reaches."""
    compared = cv2.erode(covered, np.ones((_BLOCK_PX, _BLOCK_PX), np.uint8), borderValue=0) > 0
    if int(compared.sum()) < _LEAST_COMPARED_PX:
        return None
    weights = compared.astype(np.float32)
    first, second = _without_shading(below, weights), _without_shading(laid, weights)
    contrast_first, contrast_second = float(first[compared].std()), float(second[compared].std())
    if min(contrast_first, contrast_second) < _LEAST_CONTRAST:
        return None
    covariance = float((first[compared] * second[compared]).mean())
    residual = np.where(compared, first - covariance / contrast_second**2 * second, np.float32(0))
    block = (_BLOCK_PX, _BLOCK_PX)
    local = np.abs(cv2.boxFilter(residual, -1, block))
    largest_thing = float(np.abs(cv2.boxFilter(first, -1, block))[compared].max())
    return Agreement(
        overlap=min(1.0, int((covered > 0).sum()) / smaller_px),
        largest_difference=float(local[compared].max()) / max(contrast_first, _SPECK_SHARE * largest_thing),
        correlation=covariance / (contrast_first * contrast_second),
        affine=affine,
    )


def _without_shading(picture: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture less its local mean over the compared area."""
    side = (_SHADING_PX, _SHADING_PX)
    mean = cv2.blur(picture * weights, side) / np.maximum(cv2.blur(weights, side), np.float32(1e-6))
    return np.asarray((picture - mean) * weights, np.float32)


def _corrected(
    below: NDArray[np.float32], laid: NDArray[np.float32], covered: Image, matrix: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The position with the remaining shift, turn and stretch taken out; None where they cannot be estimated."""
    half_wh = (below.shape[1] // 2, below.shape[0] // 2)
    small_below, small_laid, small_covered = (cv2.resize(each, half_wh) for each in (below, laid, covered))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ECC_ITERATIONS, _ECC_STEP)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(
            small_below, small_laid, start, cv2.MOTION_AFFINE, criteria, small_covered, _ECC_SMOOTHING_PX
        )
    except cv2.error:  # it did not converge: the pictures do not fit, or show too little to be fitted
        return None
    # What the half-size pictures say in their pixels, in those of the full ones (centres are at half pixels).
    halving = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
    full = np.linalg.inv(halving) @ np.vstack([found, [0.0, 0.0, 1.0]]) @ halving
    return np.asarray(matrix @ full, np.float64)


def _lay(picture: Image, matrix: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[NDArray[np.float32], Image]:
    """The picture in the working frame, and where it reaches (255) in it."""
    size_wh = (shape[1], shape[0])
    inverse = cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(picture, matrix[:2], size_wh, flags=cv2.INTER_LINEAR | inverse)
    full = np.full(picture.shape, 255, np.uint8)
    covered = cv2.warpAffine(full, matrix[:2], size_wh, flags=cv2.INTER_NEAREST | inverse)
    return _smoothed(laid), np.asarray(covered, np.uint8)


def _without_detail(picture: Image, step_px: float) -> Image:
    """The picture without what would alias when only every `step_px`-th pixel is taken."""
    if step_px <= _LEAST_STEP_PX:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5 * step_px), np.uint8)


def _smoothed(picture: cv2.typing.MatLike) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _SMOOTHING_PX), np.float32)
