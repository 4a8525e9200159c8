"""How one gray picture lies on another: the shift between them, and how much still differs after it.

Arrays in, figures out; what follows from the figures is decided in `reference`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image

Shift = tuple[int, int]
"""(right, down) in whole pixels: the second picture moved by it lies on the first."""

_COARSEST_SIDE_PX = 96
_CANDIDATES = 3
_APART = 2
_COMPARED_PX = 1 << 17
_FLAT_STD = 1.0
_LEVELS_PER_PX = 0.01
"""What a shift by one pixel must gain in mean absolute difference: along parallel traces every shift fits equally
well, and the part most probably lies where the fixture puts it."""
_BLOCKS_PER_SIDE = 10
_TRIMMED_BLOCKS = 10
_DIFFERENCE_SHARE = 0.35
_LEAST_EXPECTED_SHARE = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class AlignablePicture:
    """A gray picture with what every comparison needs, computed once; safe to share between threads.

    Attributes:
        levels: its `pyramid`.
        smoothed: a 3 x 3 mean: pixel noise and edges off by one pixel then count less than true differences.
        level_shares: float64 (256,), shares of the gray levels of `smoothed`.
    """

    levels: tuple[Image, ...]
    smoothed: Image
    level_shares: NDArray[np.float64]

    @classmethod
    def of(cls, gray: Image) -> "AlignablePicture":
        """Prepare a uint8 (h, w) picture."""
        smoothed = cv2.blur(gray, (3, 3)).astype(np.uint8, copy=False)
        counts = cv2.calcHist([smoothed], [0], None, [256], [0, 256])[:, 0].astype(np.float64)
        return cls(pyramid(gray), smoothed, counts / counts.sum())

    @property
    def gray(self) -> Image:
        """The picture itself."""
        return self.levels[0]


def pyramid(gray: Image) -> tuple[Image, ...]:
    """The picture and its halvings (area averages), until the longest side has at most 96 px."""
    levels = [gray]
    while max(levels[-1].shape) > _COARSEST_SIDE_PX and min(levels[-1].shape) >= 2:
        height, width = levels[-1].shape
        even = levels[-1][: height // 2 * 2, : width // 2 * 2]
        half = cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(half.astype(np.uint8, copy=False))
    return tuple(levels)


def find_shift(frame: AlignablePicture, reference: AlignablePicture, *, max_shift_px: int) -> Shift:
    """The shift within the limit that leaves the smallest mean absolute difference.

    Normalised cross-correlation proposes shifts on the coarsest level (it does not care for brightness); each
    is then followed down to full resolution. Several are followed because boards repeat themselves: the best
    one on a coarse level may be one pad too far.

    Args:
        frame: the picture to lie on.
        reference: the picture to shift, of the same size.
        max_shift_px: largest shift in each direction; at most a quarter of the shorter side.

    Returns:
        (0, 0) for a reference without structure, which fits anywhere.
    """
    top = len(reference.levels) - 1
    reach = -(-max_shift_px // (1 << top))
    candidates = [(0, 0), *_coarse_shifts(frame.levels[top], reference.levels[top], reach)]
    best: tuple[float, Shift] | None = None
    for candidate in candidates:
        shift, error = candidate, 0.0
        for level in range(top, -1, -1):
            if level < top:
                shift = (2 * shift[0], 2 * shift[1])
            reach = -(-max_shift_px // (1 << level))
            shift, error = _descend(frame.levels[level], reference.levels[level], shift, reach, 1 << level)
        if best is None or error < best[0]:
            best = (error, shift)
    return (0, 0) if best is None else best[1]


def overlap(shape: tuple[int, ...], shift: Shift) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """(rows, columns) of the frame that a shifted reference covers, and of the reference that lies there."""
    (right, down), (height, width) = shift, shape[:2]
    in_frame = (slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right)))
    in_reference = (slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right)))
    return in_frame, in_reference


def residual(
    frame_part: Image,
    reference_part: Image,
    frame_shares: NDArray[np.float64],
    reference_shares: NDArray[np.float64],
) -> float:
    """How unlike two aligned pictures are: about 0 for the same board, about 1 for two unrelated ones.

    A pixel differs when it is off by more than 35 % of the contrast. The share of such pixels is taken per
    block of a 10 x 10 grid; the ten worst blocks are dropped, so that real defects, which are local, do not
    make their own inspection impossible. The rest is divided by the share that two unrelated pictures with
    these gray levels would have (as Cohen's kappa corrects for chance): otherwise any two almost empty boards
    would look alike.

    Args:
        frame_part: smoothed frame, where the reference covers it.
        reference_part: smoothed reference, aligned, of the same shape.
        frame_shares: gray level shares of the whole frame.
        reference_shares: gray level shares of the whole reference.
    """
    levels = np.arange(256)
    contrast = max(_spread(frame_shares), _spread(reference_shares))
    threshold = max(8, round(_DIFFERENCE_SHARE * contrast))
    differs = np.abs(levels[:, None] - levels[None, :]) > threshold
    expected = float(frame_shares @ differs @ reference_shares)
    _, mask = cv2.threshold(cv2.absdiff(frame_part, reference_part), threshold, 1, cv2.THRESH_BINARY)
    sums = cv2.integral(mask)
    rows = np.linspace(0, mask.shape[0], _BLOCKS_PER_SIDE + 1).astype(np.intp)
    columns = np.linspace(0, mask.shape[1], _BLOCKS_PER_SIDE + 1).astype(np.intp)
    corners = sums[np.ix_(rows, columns)].astype(np.float64)
    counts = corners[1:, 1:] - corners[:-1, 1:] - corners[1:, :-1] + corners[:-1, :-1]
    areas = np.maximum(np.diff(rows)[:, None] * np.diff(columns)[None, :], 1)
    kept = np.sort((counts / areas).ravel())[:-_TRIMMED_BLOCKS]
    return float(kept.mean() / max(expected, _LEAST_EXPECTED_SHARE))


def _spread(shares: NDArray[np.float64]) -> float:
    """Gray levels between the 0.5 % and the 99.5 % quantile."""
    cumulative = np.cumsum(shares)
    return float(np.searchsorted(cumulative, 0.995) - np.searchsorted(cumulative, 0.005))


def _coarse_shifts(frame: Image, reference: Image, reach: int) -> list[Shift]:
    """The best few shifts by normalised cross-correlation of the reference's middle with the frame."""
    margin = min(reach + 1, (min(reference.shape) - 1) // 3)
    middle = np.ascontiguousarray(reference[margin : reference.shape[0] - margin, margin : reference.shape[1] - margin])
    if float(middle.std()) < _FLAT_STD:
        return []
    scores = cv2.matchTemplate(frame, middle, cv2.TM_CCOEFF_NORMED)
    # A part of the frame without any structure has no correlation; OpenCV reports infinities there.
    scores = np.where(np.isfinite(scores) & (np.abs(scores) <= 1.001), scores, -1.0)
    found: list[Shift] = []
    for _ in range(_CANDIDATES):
        row, column = divmod(int(np.argmax(scores)), scores.shape[1])
        if scores[row, column] <= -1.0:
            break
        found.append((column - margin, row - margin))
        scores[max(0, row - _APART) : row + _APART + 1, max(0, column - _APART) : column + _APART + 1] = -1.0
    return found


def _descend(frame: Image, reference: Image, start: Shift, reach: int, pixel_size: int) -> tuple[Shift, float]:
    """Walk from a shift to the neighbouring minimum of the mean absolute difference, within `reach`."""
    step = max(1, frame.size // _COMPARED_PX)
    seen: dict[Shift, float] = {}

    def error(shift: Shift) -> float:
        if shift not in seen:
            in_frame, in_reference = overlap(frame.shape, shift)
            part = frame[in_frame][::step]
            distance = max(abs(shift[0]), abs(shift[1])) * pixel_size
            difference = cv2.norm(part, reference[in_reference][::step], cv2.NORM_L1) / part.size
            seen[shift] = difference + _LEVELS_PER_PX * distance
        return seen[shift]

    best = (_clamp(start[0], reach), _clamp(start[1], reach))
    while True:
        neighbours = [
            (best[0] + right, best[1] + down)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if abs(best[0] + right) <= reach and abs(best[1] + down) <= reach
        ]
        nearest = min(neighbours, key=error)
        if error(nearest) >= error(best):
            return best, error(best)
        best = nearest


def _clamp(value: int, bound: int) -> int:
    return max(-bound, min(bound, value))
