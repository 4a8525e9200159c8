"""Is this picture fit to be judged? A blind camera must not pass parts.

Five faults are told apart, because five different people act on them: a blank picture (no part, a cap on the
lens), a frozen one (the grabber repeats its buffer), too little or too much light, and a lens out of focus.
The checks see one picture and the digest of the one before; slow drift is for charts over many.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray

_BLACK_UP_TO = 2
_WHITE_FROM = 253
_TAIL = 0.0002
"""Darkest and brightest mean the 0.02 % and 99.98 % quantile: fewer pixels are hot or dead ones, while an
almost bare crop of a real binarised board (DeepPCB, group 20085) has as little as 0.03 % of copper."""

_WHOLE_UP_TO_PX = 1 << 20
"""Of larger pictures, gray levels are counted on evenly spread rows."""

_GRID = 4
_TILE_PX = 256
_SEAM_PX = 4
"""Sharpness is measured at full resolution on 4 x 4 tiles, spread evenly: defocus is a property of the whole
field, while thinning out pixels would change it."""

_EDGE_FLOOR = 0.01
"""Gradient, as a share of contrast per pixel, from which a pixel counts as part of an edge: above sensor
noise of 1.5 % of the contrast after the blur."""
_LEAST_EDGE_PX = 64
_SHARPEST = 0.995


class HealthFault(StrEnum):
    """Why a picture may not be judged."""

    BLANK = "blank"
    FROZEN = "frozen"
    UNDER_EXPOSED = "under_exposed"
    OVER_EXPOSED = "over_exposed"
    DEFOCUSED = "defocused"


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """What a picture must satisfy; None switches a check off.

    The defaults refuse only pictures that no detector can use, and hold for binarised frames (all pixels 0 or
    255) as well as for camera frames: a binarised board may be 99 % white and is still well exposed, so by
    default light is judged by the brightest and the darkest part of the picture and not by its mean or its
    clipped share. For a camera whose normal pictures are known, set `max_white_share`, `max_black_share` and
    the means close to them.

    Attributes:
        min_std: blank below this standard deviation of gray levels. 4: sensor noise alone has 1 to 3; one
            thin binarised trace that covers 0.1 % of the picture has 8.
        refuse_repeats: frozen if the body is bit for bit the one before. Two exposures of a real sensor never
            are; switch it off for a source without noise, such as a renderer.
        min_brightest: under-exposed if even the brightest part does not reach this gray level.
        max_darkest: over-exposed if even the darkest part is above this gray level.
        max_black_share: under-exposed if more than this share of pixels is clipped (0 to 2).
        max_white_share: over-exposed if more than this share of pixels is clipped (253 to 255).
        min_mean: under-exposed below this mean gray level.
        max_mean: over-exposed above this mean gray level.
        min_sharpness: defocused below this; see `HealthReport.sharpness`. 0.08 is a step blurred by a sigma
            of about 5 px, which no detector of small defects survives.
    """

    min_std: float | None = 4.0
    refuse_repeats: bool = True
    min_brightest: float | None = 48.0
    max_darkest: float | None = 208.0
    max_black_share: float | None = None
    max_white_share: float | None = None
    min_mean: float | None = None
    max_mean: float | None = None
    min_sharpness: float | None = 0.08

    def __post_init__(self) -> None:
        """Refuse limits outside their scale."""
        levels = (self.min_std, self.min_brightest, self.max_darkest, self.min_mean, self.max_mean)
        shares = (self.max_black_share, self.max_white_share, self.min_sharpness)
        if not all(value is None or 0 <= value <= 255 for value in levels):
            raise ValueError(f"gray levels of health limits must lie in 0..255: {self}")
        if not all(value is None or 0 <= value <= 1 for value in shares):
            raise ValueError(f"shares and sharpness of health limits must lie in 0..1: {self}")


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What was measured, and which limits it breaks.

    Attributes:
        faults: in the order of `HealthFault`; empty for a healthy picture.
        mean: mean gray level.
        std: standard deviation of gray levels.
        darkest: the 0.02 % quantile.
        brightest: the 99.98 % quantile.
        black_share: share of pixels from 0 to 2.
        white_share: share of pixels from 253 to 255.
        sharpness: the 99.5 % quantile of the gradient along edges, in levels per pixel after a Gaussian blur
            of sigma 1 against noise, divided by (brightest - darkest). A perfect step has about 0.33, a step
            blurred by sigma 3 about 0.12, by sigma 6 about 0.06; unlike the Laplacian's variance it keeps
            falling when the sensor is noisy. None where the picture has too few edges to say.
    """

    faults: tuple[HealthFault, ...]
    mean: float
    std: float
    darkest: float
    brightest: float
    black_share: float
    white_share: float
    sharpness: float | None

    @property
    def is_healthy(self) -> bool:
        """Whether the picture may be judged."""
        return not self.faults


def assess(image: Image, limits: HealthLimits, *, previous_digest: str | None, digest: str) -> HealthReport:
    """Measure one picture and hold it against its limits.

    Args:
        image: uint8, (h, w) gray or (h, w, 3) BGR.
        limits: the recipe's health limits.
        previous_digest: digest of the encoded frame before it from the same station and view, None for a
            first one.
        digest: digest of this encoded frame.
    """
    gray = to_gray(image)
    rows = np.ascontiguousarray(gray[:: max(1, gray.size // _WHOLE_UP_TO_PX)])
    histogram = cv2.calcHist([rows], [0], None, [256], [0, 256])[:, 0].astype(np.float64)
    shares = histogram / histogram.sum()
    levels = np.arange(256)
    mean = float(shares @ levels)
    std = float(np.sqrt(shares @ (levels - mean) ** 2))
    cumulative = np.cumsum(shares)
    darkest = float(np.searchsorted(cumulative, _TAIL, side="right"))
    brightest = float(np.searchsorted(cumulative, 1 - _TAIL))
    measured = HealthReport(
        faults=(),
        mean=mean,
        std=std,
        darkest=darkest,
        brightest=brightest,
        black_share=float(shares[: _BLACK_UP_TO + 1].sum()),
        white_share=float(shares[_WHITE_FROM:].sum()),
        sharpness=_sharpness(gray, brightest - darkest),
    )
    return replace(measured, faults=_faults(measured, limits, is_repeat=previous_digest == digest))


def _faults(measured: HealthReport, limits: HealthLimits, *, is_repeat: bool) -> tuple[HealthFault, ...]:
    is_blank = _below(measured.std, limits.min_std)
    broken = {
        HealthFault.BLANK: is_blank,
        HealthFault.FROZEN: limits.refuse_repeats and is_repeat,
        HealthFault.UNDER_EXPOSED: _below(measured.brightest, limits.min_brightest)
        or _above(measured.black_share, limits.max_black_share)
        or _below(measured.mean, limits.min_mean),
        HealthFault.OVER_EXPOSED: _above(measured.darkest, limits.max_darkest)
        or _above(measured.white_share, limits.max_white_share)
        or _above(measured.mean, limits.max_mean),
        # A blank picture has no edge to measure: one fault, not two.
        HealthFault.DEFOCUSED: not is_blank
        and measured.sharpness is not None
        and _below(measured.sharpness, limits.min_sharpness),
    }
    return tuple(fault for fault in HealthFault if broken[fault])


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _sharpness(gray: Image, contrast: float) -> float | None:
    """Steepness of the picture's edges relative to its contrast; None without enough edges."""
    if contrast < 1:
        return None
    tiles = _tiles(gray)
    count, height, width = tiles.shape
    # One tall picture instead of a loop: the rows where two tiles meet are dropped afterwards.
    blurred = cv2.GaussianBlur(tiles.reshape(count * height, width), (5, 5), 1.0)
    across, down = cv2.spatialGradient(blurred)
    inner = slice(_SEAM_PX, -_SEAM_PX)
    across_inner = across.reshape(tiles.shape)[:, inner, inner].astype(np.float32)
    down_inner = down.reshape(tiles.shape)[:, inner, inner].astype(np.float32)
    # Sobel's weights add up to 8 for a slope of one level per pixel.
    slopes = np.sqrt(across_inner**2 + down_inner**2) / 8
    edges = slopes[slopes > max(0.5, _EDGE_FLOOR * contrast)]
    if edges.size < _LEAST_EDGE_PX:
        return None
    return float(np.quantile(edges, _SHARPEST) / contrast)


def _tiles(gray: Image) -> NDArray[np.uint8]:
    """(n, h, w): 16 evenly spread tiles, each at most an eighth of a side; a small picture whole."""
    height, width = gray.shape
    tile_height, tile_width = min(height // 8, _TILE_PX), min(width // 8, _TILE_PX)
    if min(tile_height, tile_width) < 32:
        return np.ascontiguousarray(gray)[None]
    tops = [(2 * index + 1) * height // (2 * _GRID) - tile_height // 2 for index in range(_GRID)]
    lefts = [(2 * index + 1) * width // (2 * _GRID) - tile_width // 2 for index in range(_GRID)]
    return np.stack([gray[top : top + tile_height, left : left + tile_width] for top in tops for left in lefts])
