"""Whether two pictures that lie on each other share their grain: the noise of one exposure.

Two good parts of one design, in one fixture under one camera, differ by less than compression changes a picture. What
they cannot share is the noise of the sensor and the grain of the surface. Where the drawing is plain, both are all that
is left, and in a copy they are the same, also after JPEG: its coarse scales survive the quantisation.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image

_WINDOW_PX = 512
_FINE_PX, _COARSE_PX = 3.0, 7.5
"""Standard deviations; grain is what lies between these scales: coarser than JPEG's losses, finer than shading."""
_EDGE_SMOOTHING_PX = 2.0
_LEAST_EDGE_PER_PX = 2.0
"""Gray levels per px from which something is drawn; noise of 10 gray levels stays below half of it once smoothed."""
_KEPT_OFF_PX = 19
_LEAST_PLAIN_PX = 2000
_LEAST_GRAIN = 0.2
"""Gray levels, standard deviation; a binarised picture has none, and rounding to whole levels makes less."""


def grain_correlation(first: Image, second: Image, affine: NDArray[np.float64]) -> float | None:
    """The correlation of the grain in the plain areas around the middle of what both pictures show.

    Args:
        first: uint8 (h, w).
        second: uint8 (h, w), of any other size.
        affine: (2, 3), where the first one's pixels lie in the second, right within about a pixel.

    Returns:
        In [-1, 1]; None where there is no grain to compare: nothing plain, or pictures without noise.
    """
    step = max(1.0, 1.0 / float(np.sqrt(abs(np.linalg.det(affine[:, :2])))))  # the coarser picture sets the scale
    left, top, width, height = _window(first, second, affine, step)
    if width * height < _LEAST_PLAIN_PX:
        return None
    to_first = np.array([[step, 0, left], [0, step, top], [0, 0, 1]])
    to_second = np.vstack([affine, [0, 0, 1]]) @ to_first
    laid = [_lay(first, to_first, (width, height)), _lay(second, to_second, (width, height))]
    is_plain = _plain(cv2.addWeighted(laid[0], 0.5, laid[1], 0.5, 0))
    if int(is_plain.sum()) < _LEAST_PLAIN_PX:
        return None
    first_grain, second_grain = (_grain(picture, is_plain) for picture in laid)
    if min(float(first_grain.std()), float(second_grain.std())) < _LEAST_GRAIN:
        return None
    return float(np.corrcoef(first_grain, second_grain)[0, 1])


def _window(first: Image, second: Image, affine: NDArray[np.float64], step: float) -> tuple[float, float, int, int]:
    """Left, top in pixels of the first picture, width and height in steps: the middle of the overlap's bounds."""
    height, width = second.shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    in_first = cv2.transform(corners, cv2.invertAffineTransform(affine))[0]
    low = np.maximum(in_first.min(axis=0), 0)
    high = np.minimum(in_first.max(axis=0), (first.shape[1], first.shape[0]))
    sides = np.clip((high - low) / step, 0, _WINDOW_PX)
    start = (low + high - sides * step) / 2
    return float(start[0]), float(start[1]), int(sides[0]), int(sides[1])


def _lay(picture: Image, matrix: NDArray[np.float64], size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """The picture in the window; its edge is continued where it does not reach, which is plain and without grain."""
    step = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    softened = cv2.GaussianBlur(picture, (0, 0), 0.5 * step) if step > 1.2 else picture
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(softened, matrix[:2], size_wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(laid, np.float32)


def _plain(picture: cv2.typing.MatLike) -> NDArray[np.bool_]:
    """Where nothing is drawn, and not near to it."""
    smooth = cv2.GaussianBlur(picture, (0, 0), _EDGE_SMOOTHING_PX)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8
    drawn = (slope > _LEAST_EDGE_PER_PX).astype(np.uint8)
    return np.asarray(cv2.dilate(drawn, np.ones((_KEPT_OFF_PX, _KEPT_OFF_PX), np.uint8)) == 0)


def _grain(picture: NDArray[np.float32], is_plain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """What lies between the two scales, float32 (n,), of the plain pixels alone."""
    weights = is_plain.astype(np.float32)

    def mean(sigma_px: float) -> NDArray[np.float32]:
        total = np.maximum(cv2.GaussianBlur(weights, (0, 0), sigma_px), np.float32(1e-3))
        return np.asarray(cv2.GaussianBlur(picture * weights, (0, 0), sigma_px) / total, np.float32)

    return (mean(_FINE_PX) - mean(_COARSE_PX))[is_plain]
