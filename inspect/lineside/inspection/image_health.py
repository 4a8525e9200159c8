"""Is this picture fit to be judged? A blind camera must not pass parts.

Faults are told apart, because different people act on them: a blank picture (no part, a cap on the lens), a frozen one
(the grabber repeats its buffer), too little or too much light or other light than usual, lines that the sensor or the
grabber dropped, and a lens out of focus. A picture of another size than the recipe's never comes here: see `decode`.
The checks see one picture and what is kept of the camera's past; slow drift is for charts over many.
"""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.camera_past import CameraPast
from lineside.inspection.dropped_lines import count_dropped_lines
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.picture_tiles import spread_tiles
from lineside.inspection.sensor_noise import NoisePrint

_BLACK_UP_TO = 2
_WHITE_FROM = 253
_TAIL = 0.0002
"""Darkest and brightest mean the 0.02 % and 99.98 % quantile: fewer pixels are hot or dead ones, while an
almost bare crop of a real binarised board (DeepPCB, group 20085) has as little as 0.03 % of copper."""

_WHOLE_UP_TO_PX = 1 << 20
"""Of larger pictures, gray levels are counted on evenly spread rows."""

_SEAM_PX = 4
"""Where two tiles meet there is an edge of nothing in the picture."""

_EDGE_FLOOR = 0.01
"""Gradient, as a share of contrast per pixel, from which a pixel counts as part of an edge: above sensor
noise of 1.5 % of the contrast after the blur."""
_SOBEL = 8
"""Sobel's weights add up to this for a slope of one level per pixel."""
_LEAST_EDGE_PX = 64
_SHARPEST = 0.995


class HealthFault(StrEnum):
    """Why a picture may not be judged."""

    BLANK = "blank"
    FROZEN = "frozen"
    UNDER_EXPOSED = "under_exposed"
    OVER_EXPOSED = "over_exposed"
    DEFOCUSED = "defocused"
    LINES_DROPPED = "lines_dropped"
    LIGHT_DRIFTED = "light_drifted"


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
        max_repeat_correlation: with `refuse_repeats`, frozen too if the noise correlates with that of the picture
            before by more than this: the same exposure, encoded once more. What it can tell: `sensor_noise`.
        max_dropped_lines: more rows and columns than this were dropped; what can be seen: `dropped_lines`.
        max_mean_drift: other light than usual if the mean differs by more gray levels than this from that of the
            camera's last pictures; see `LightBaseline`. None: parts that differ much in brightness are no fault.
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
    max_repeat_correlation: float | None = 0.9
    max_dropped_lines: int | None = 0
    max_mean_drift: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits outside their scale."""
        levels = (
            self.min_std,
            self.min_brightest,
            self.max_darkest,
            self.min_mean,
            self.max_mean,
            self.max_mean_drift,
        )
        shares = (self.max_black_share, self.max_white_share, self.min_sharpness, self.max_repeat_correlation)
        if not all(value is None or 0 <= value <= 255 for value in levels):
            raise ValueError(f"gray levels of health limits must lie in 0..255: {self}")
        if not all(value is None or 0 <= value <= 1 for value in shares):
            raise ValueError(f"shares, correlation and sharpness of health limits must lie in 0..1: {self}")
        if self.max_dropped_lines is not None and self.max_dropped_lines < 0:
            raise ValueError(f"dropped lines of health limits cannot be fewer than 0: {self}")


@dataclass(frozen=True, slots=True)
class Light:
    """How light and dark a picture is.

    Attributes:
        mean: mean gray level.
        std: standard deviation of gray levels.
        darkest: the 0.02 % quantile.
        brightest: the 99.98 % quantile.
        black_share: share of pixels from 0 to 2.
        white_share: share of pixels from 253 to 255.
    """

    mean: float
    std: float
    darkest: float
    brightest: float
    black_share: float
    white_share: float

    def exposure_faults(self, limits: HealthLimits) -> tuple[HealthFault, ...]:
        """Which limits of exposure it breaks, in the order of `HealthFault`."""
        broken = {
            HealthFault.UNDER_EXPOSED: _below(self.brightest, limits.min_brightest)
            or _above(self.black_share, limits.max_black_share)
            or _below(self.mean, limits.min_mean),
            HealthFault.OVER_EXPOSED: _above(self.darkest, limits.max_darkest)
            or _above(self.white_share, limits.max_white_share)
            or _above(self.mean, limits.max_mean),
        }
        return tuple(fault for fault, is_broken in broken.items() if is_broken)


def measure_light(image: Image) -> Light:
    """Measure the gray levels of a picture, uint8 (h, w) gray or (h, w, 3) BGR."""
    gray = to_gray(image)
    rows = np.ascontiguousarray(gray[:: max(1, gray.size // _WHOLE_UP_TO_PX)])
    histogram = cv2.calcHist([rows], [0], None, [256], [0, 256])[:, 0].astype(np.float64)
    shares = histogram / histogram.sum()
    levels = np.arange(256)
    mean = float(shares @ levels)
    cumulative = np.cumsum(shares)
    return Light(
        mean=mean,
        std=float(np.sqrt(shares @ (levels - mean) ** 2)),
        darkest=float(np.searchsorted(cumulative, _TAIL, side="right")),
        brightest=float(np.searchsorted(cumulative, 1 - _TAIL)),
        black_share=float(shares[: _BLACK_UP_TO + 1].sum()),
        white_share=float(shares[_WHITE_FROM:].sum()),
    )


@dataclass(frozen=True, slots=True)
class HealthReport(Light):
    """What was measured besides light, and which limits all of it breaks.

    Attributes:
        faults: in the order of `HealthFault`; empty for a healthy picture.
        sharpness: the 99.5 % quantile of the gradient along edges, in levels per pixel after a Gaussian blur
            of sigma 1 against noise, divided by (brightest - darkest). A perfect step has about 0.33, a step
            blurred by sigma 3 about 0.12, by sigma 6 about 0.06; unlike the Laplacian's variance it keeps
            falling when the sensor is noisy. None where the picture has too few edges to say.
        repeat_correlation: as `NoisePrint.correlation` with the picture before; None where nothing can be said.
        dropped_lines: as `count_dropped_lines`; None where it was not asked for.
        mean_drift: as `LightBaseline.drift`.
        past: what to hold the camera's next picture against.
    """

    faults: tuple[HealthFault, ...]
    sharpness: float | None
    repeat_correlation: float | None = None
    dropped_lines: int | None = None
    mean_drift: float | None = None
    past: CameraPast = field(default_factory=CameraPast, repr=False, compare=False)

    @property
    def is_healthy(self) -> bool:
        """Whether the picture may be judged."""
        return not self.faults


def assess(
    image: Image,
    limits: HealthLimits,
    *,
    previous_digest: str | None,
    digest: str,
    past: CameraPast | None = None,
) -> HealthReport:
    """Measure one picture and hold it against its limits.

    Args:
        image: uint8, (h, w) gray or (h, w, 3) BGR.
        limits: the recipe's health limits.
        previous_digest: digest of the encoded frame before it from the same station and view, None for a
            first one.
        digest: digest of this encoded frame.
        past: the `past` of that frame's report; None for a first one, or where it says nothing.
    """
    past = past or CameraPast()
    gray = to_gray(image)
    light = measure_light(gray)
    measured = HealthReport(
        **asdict(light),
        faults=(),
        sharpness=_sharpness(gray, light.brightest - light.darkest),
        dropped_lines=None if limits.max_dropped_lines is None else count_dropped_lines(gray),
        mean_drift=past.light.drift(light.mean),
    )
    if limits.refuse_repeats and limits.max_repeat_correlation is not None:
        noise = NoisePrint.of(gray)
        measured = replace(
            measured,
            repeat_correlation=None if past.noise is None else noise.correlation(past.noise),
            past=replace(past, noise=noise),
        )
    else:
        measured = replace(measured, past=replace(past, noise=None))
    faults = _faults(measured, limits, is_repeat=previous_digest == digest)
    baseline = past.light if faults else past.light.with_picture(light.mean)
    return replace(measured, faults=faults, past=replace(measured.past, light=baseline))


def _faults(measured: HealthReport, limits: HealthLimits, *, is_repeat: bool) -> tuple[HealthFault, ...]:
    exposure = measured.exposure_faults(limits)
    is_blank = _below(measured.std, limits.min_std)
    broken = {
        HealthFault.BLANK: is_blank,
        HealthFault.FROZEN: limits.refuse_repeats
        and (is_repeat or _exceeds(measured.repeat_correlation, limits.max_repeat_correlation)),
        HealthFault.UNDER_EXPOSED: HealthFault.UNDER_EXPOSED in exposure,
        HealthFault.OVER_EXPOSED: HealthFault.OVER_EXPOSED in exposure,
        # A blank picture has no edge to measure: one fault, not two.
        HealthFault.DEFOCUSED: not is_blank
        and measured.sharpness is not None
        and _below(measured.sharpness, limits.min_sharpness),
        HealthFault.LINES_DROPPED: _exceeds(measured.dropped_lines, limits.max_dropped_lines),
        HealthFault.LIGHT_DRIFTED: measured.mean_drift is not None
        and _above(abs(measured.mean_drift), limits.max_mean_drift),
    }
    return tuple(fault for fault in HealthFault if broken[fault])


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _exceeds(value: float | None, limit: float | None) -> bool:
    return value is not None and _above(value, limit)


def _sharpness(gray: Image, contrast: float) -> float | None:
    """Steepness of the picture's edges relative to its contrast; None without enough edges."""
    if contrast < 1:
        return None
    tiles = spread_tiles(gray)
    count, height, width = tiles.shape
    # One tall picture instead of a loop: the rows where two tiles meet are dropped afterwards.
    blurred = cv2.GaussianBlur(tiles.reshape(count * height, width), (5, 5), 1.0)
    across, down = cv2.spatialGradient(blurred)
    slopes = cv2.magnitude(across.astype(np.float32), down.astype(np.float32)).reshape(tiles.shape)
    inner = np.asarray(slopes[:, _SEAM_PX:-_SEAM_PX, _SEAM_PX:-_SEAM_PX], np.float32)
    edges = inner[inner > _SOBEL * max(0.5, _EDGE_FLOOR * contrast)]
    if edges.size < _LEAST_EDGE_PX:
        return None
    return _quantile(edges, _SHARPEST) / (_SOBEL * contrast)


def _quantile(values: NDArray[np.float32], share: float) -> float:
    """As `np.quantile`, which partitions at both neighbours at once and takes ten times as long; reorders `values`."""
    place = share * (values.size - 1)
    below = int(place)
    values.partition(below)
    low, high = float(values[below]), float(values[below + 1 :].min())
    return low + (high - low) * (place - below)
