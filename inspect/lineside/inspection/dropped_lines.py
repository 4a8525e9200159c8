"""Rows and columns that the sensor did not see: a line repeated, or one of a single value, inside a noisy picture.

No two neighbouring lines of a real sensor are equal in every pixel, and none is of one value in every pixel. A
rendering's or a binarised picture's are, so nothing is said of a picture without noise; nor can JPEG be looked through,
which smears a line over the eight of its block: the check is for raw, PNG and BMP frames.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image

_SAMPLES: Final = 512
"""Pixels of a line that are compared, spread evenly: a dropped line is dropped everywhere."""

_SAME_SHARE: Final = 0.995
"""Share of equal pixels from which two lines are one: transmitted with a few bits flipped, still a repeat."""

_LEAST_NOISY: Final = 0.3
_NOISE_UP_TO: Final = 24
"""Two neighbouring lines show noise if at least this share of their pixels differs, but by no more than so many gray
levels. With a noise of 0.5 gray levels half of the pixels differ; a binarised picture's differ by 255 or not at all."""

_BLACK_UP_TO: Final = 2
_WHITE_FROM: Final = 253
_LEAST_SEEN: Final = 0.3
"""A line can only be told to repeat another where at least this share of it is neither black nor white: clipped pixels
are equal anyway."""

_JUMP: Final = 4.0
"""A line of one value is dropped, and no edge of the part, if the picture jumps there by so many times what it changes
from line to line beside it: lenses do not draw steps."""

_LEAST_LINES: Final = 16


def count_dropped_lines(gray: Image) -> int:
    """How many rows and columns were dropped; none in a picture without noise, or of less than 16 lines.

    Args:
        gray: uint8 (height, width).
    """
    return _dropped_rows(gray) + _dropped_rows(gray.T)


def _dropped_rows(gray: Image) -> int:
    if len(gray) < _LEAST_LINES:
        return 0
    rows = np.ascontiguousarray(gray[:, :: max(1, gray.shape[1] // _SAMPLES)])
    steps = cv2.absdiff(rows[1:], rows[:-1])  # steps[n]: from row n to row n + 1
    is_noisy = np.mean((steps > 0) & (steps <= _NOISE_UP_TO), axis=1) >= _LEAST_NOISY
    is_flat = np.mean(rows == rows[:, :1], axis=1) >= _SAME_SHARE
    is_seen = np.mean((rows > _BLACK_UP_TO) & (rows < _WHITE_FROM), axis=1) >= _LEAST_SEEN
    is_same = (np.mean(steps == 0, axis=1) >= _SAME_SHARE) & is_seen[1:] & ~is_flat[1:]
    is_repeat = np.concatenate([[False], is_same])
    repeats = sum(end - begin for begin, end in _runs(is_repeat) if _is_amid_noise(is_noisy, begin - 1, end))
    holes = [run for run in _runs(is_flat) if _is_amid_noise(is_noisy, *run) and _is_hole(rows, *run)]
    return repeats + sum(end - begin for begin, end in holes)


def _runs(is_dropped: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(begin, end) of each run of such lines, end exclusive."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], is_dropped, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in steps.reshape(-1, 2)]


def _is_amid_noise(is_noisy: NDArray[np.bool_], begin: int, end: int) -> bool:
    """Whether the two rows before `begin` differ as noisy ones do, and the two from `end` on; none need be there."""
    return bool((begin < 2 or is_noisy[begin - 2]) and (end >= len(is_noisy) or is_noisy[end]))


def _is_hole(rows: Image, begin: int, end: int) -> bool:
    """Whether the picture goes on behind the run as it stopped before it: a hole, and not a dark or bright place."""
    if begin < 2 or end > len(rows) - 2:
        return False  # a margin of the picture may well be of one value
    above, below = (rows[begin - 2 : begin].astype(np.int16), rows[end : end + 2].astype(np.int16))
    changes = max(_change(above[0], above[1]), _change(below[0], below[1]), 0.5)
    inside = rows[begin].astype(np.int16)
    return min(_change(above[1], inside), _change(inside, below[0])) > _JUMP * changes


def _change(first: NDArray[np.int16], second: NDArray[np.int16]) -> float:
    return float(np.mean(np.abs(first - second)))
