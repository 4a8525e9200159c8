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

_SPANS: Final = 8
_SPAN_PX: Final = 32
"""What of a line is compared, spread evenly: a dropped line is dropped everywhere, and pixels that lie together are
copied several times as fast as single ones. Where less than a third of two noisy lines differs, 256 pixels of them
are all equal by chance once in 10^39."""

_OTHER_UP_TO: Final = 0.005
"""Share of differing pixels up to which two lines are one: transmitted with a bit flipped, still a repeat."""

_LEAST_NOISY: Final = 0.3
_NOISE_UP_TO: Final = 24
"""Two neighbouring lines show noise if at least this share of their pixels differs, but by no more than so many gray
levels. With a noise of 0.5 gray levels half of the pixels differ; a binarised picture's differ by 255 or not at all."""

_NOISY_LINES: Final = 0.8
"""Share of the other lines that must show noise: nearly all do in a frame as the sensor gave it, down to a noise of 0.3
gray levels; where coding equalled lines, it took the noise from most: at most a third of the lines shows it then."""

_BLACK_UP_TO: Final = 2
_WHITE_FROM: Final = 253
_LEAST_SEEN: Final = 0.3
"""A line can only be told to repeat another where at least this share of it is neither black nor white: clipped pixels
are equal anyway, or flicker as coding leaves them, which is no noise either."""

_JUMP: Final = 4.0
"""A line of one value is dropped, and no edge of the part, if the picture jumps there by so many times what it changes
from line to line beside it: lenses do not draw steps."""

_LEAST_LINES: Final = 16


def count_dropped_lines(gray: Image) -> int:
    """How many rows and columns were dropped; none in a picture without noise, or of less than 16 lines.

    Args:
        gray: uint8 (height, width).
    """
    height, width = gray.shape
    rows = np.hstack([gray[:, span] for span in _spans(width)])
    # Transposed span by span, which the processor's cache takes several times as fast as all at once.
    columns = np.hstack([np.asarray(cv2.transpose(gray[span]), np.uint8) for span in _spans(height)])
    return _dropped(rows) + _dropped(columns)


def _spans(length_px: int) -> list[slice]:
    """Where lines of this length are compared; a short one everywhere."""
    if length_px <= _SPANS * _SPAN_PX:
        return [slice(None)]
    begins = [(2 * index + 1) * length_px // (2 * _SPANS) - _SPAN_PX // 2 for index in range(_SPANS)]
    return [slice(begin, begin + _SPAN_PX) for begin in begins]


def _dropped(lines: Image) -> int:
    """How many of these lines were dropped: uint8 (lines, samples)."""
    if len(lines) < _LEAST_LINES:
        return 0
    steps = np.asarray(cv2.absdiff(lines[1:], lines[:-1]), np.uint8)  # steps[n]: from line n to line n + 1
    is_same = _other_share(steps) <= _OTHER_UP_TO
    firsts = np.repeat(lines[:, :1], lines.shape[1], axis=1)
    is_flat = _other_share(np.asarray(cv2.absdiff(lines, firsts), np.uint8)) <= _OTHER_UP_TO
    if not (is_same.any() or is_flat.any()):
        return 0
    seen = _within(lines, _BLACK_UP_TO + 1, _WHITE_FROM - 1)
    is_seen = _row_means(seen) >= _LEAST_SEEN
    is_noisy = _row_means(_within(steps, 1, _NOISE_UP_TO) & seen[1:]) >= _LEAST_NOISY
    others = is_noisy[is_seen[1:] & ~is_same & ~is_flat[1:] & ~is_flat[:-1]]
    if others.size < _LEAST_LINES or others.mean() < _NOISY_LINES:
        return 0
    is_repeat = np.concatenate([[False], is_same & is_seen[1:] & ~is_flat[1:]])
    repeats = sum(end - begin for begin, end in _runs(is_repeat) if _is_amid_noise(is_noisy, begin - 1, end))
    holes = [run for run in _runs(is_flat) if _is_amid_noise(is_noisy, *run) and _is_hole(lines, *run)]
    return repeats + sum(end - begin for begin, end in holes)


def _other_share(differences: Image) -> NDArray[np.float32]:
    """Share of each row's differences that are not 0."""
    return _row_means(np.asarray(cv2.threshold(differences, 0, 255, cv2.THRESH_BINARY)[1], np.uint8))


def _within(values: Image, low: int, high: int) -> Image:
    """255 where a value lies from `low` to `high`, both included; 0 elsewhere."""
    return np.asarray(cv2.inRange(values, np.array(low), np.array(high)), np.uint8)


def _row_means(mask: Image) -> NDArray[np.float32]:
    """Mean of each row of zeros and 255s, 0 to 1 in 256 steps: scaling is five times as fast as a sum along rows."""
    return cv2.resize(mask, (1, len(mask)), interpolation=cv2.INTER_AREA)[:, 0] / np.float32(255)


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
