"""Candidates that show what another shows: a frame that came twice, or one part photographed twice.

Three steps, each of which only sees what the one before let through:

1. the 64-bit difference hash, Hamming distance 4 at most, of pictures from one station within a time window;
2. a thumbnail, unless it is one part: two exposures of two parts differ in noise, light and place;
3. the pixels: one shot (`near_duplicates.is_one_shot`), or one part with nothing on it that changed.

The hash alone must not decide. Under a fixed camera all parts of a product have it in common: on generated boards it
called 100 % of the pairs of a good and a defective board near-duplicates (surface mount and bus, camera and binarised
look; 64-bit distances 0 to 3), for a defect is smaller than a cell. Root mean square of the thumbnails' difference, on
the same boards: one shot as JPEG of quality 60, with noise, brighter by 15 % or at half the size .004 to .019; another
board under the camera .039 to .38, binarised .008 to .39.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.near_duplicates import difference_hash, is_one_shot, whole_agreement
from lineside.datasets.sampling.records import Candidate, DroppedCopy
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray

LARGEST_HASH_DISTANCE = 4
"""Of 64 bits."""
WINDOW = timedelta(minutes=10)
"""A camera that hangs, a retry and a retest come within minutes; the window bounds the comparisons."""
LARGEST_THUMBNAIL_DIFFERENCE = 0.03
"""Root mean square, in units of the thumbnail's contrast; see above."""
LARGEST_DIFFERENCE_OF_ONE_PART = 0.25
"""Of two exposures of one part: good boards of one design under the camera differ by .23 at most from each other
(`Agreement.largest_difference`), a defect by .9 in the middle."""

_HASH_SIDE = 8
_THUMBNAIL_SIDE = 48
_LEAST_CONTRAST = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """What the first two steps need of a picture.

    Attributes:
        hash_bits: uint8 (8,), the difference hash.
        thumbnail: float32 (48, 48), with mean 0 and deviation 1.
    """

    hash_bits: NDArray[np.uint8]
    thumbnail: NDArray[np.float32]

    @classmethod
    def of(cls, picture: Image) -> "Glance":
        """Of a uint8 picture, gray or blue-green-red."""
        gray = to_gray(picture)
        small = cv2.resize(gray, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        contrast = max(float(small.std()), _LEAST_CONTRAST)
        return cls(difference_hash(gray, side=_HASH_SIDE), (small - small.mean()) / np.float32(contrast))


def find_copies(
    candidates: Iterable[Candidate],
    glances: Mapping[tuple[str, str], Glance],
    *,
    picture: Callable[[str, str], Image],
    window: timedelta = WINDOW,
) -> tuple[DroppedCopy, ...]:
    """Find the candidates that show what another of their station shows, in every view.

    Audit draws and reports are read anyway, so others are copies of them, they of none; among the others the first
    one stays.

    Args:
        candidates: what may be picked.
        glances: by inspection id and view; a candidate without one for each of its views is no copy of anything.
        picture: reads a picture by inspection id and view; asked only for pairs that look alike.
        window: within which two verdicts may be of one thing.

    Returns:
        In the order of the ids.
    """
    lines: dict[tuple[str, tuple[str, ...]], list[Candidate]] = {}
    for candidate in candidates:
        views = tuple(sorted(view.view for view in candidate.views))
        if all((candidate.inspection_id, view) in glances for view in views):
            lines.setdefault((candidate.station, views), []).append(candidate)
    found = [
        copy
        for (_, views), parts in lines.items()
        for copy in _Line(parts, views, glances, picture=picture, window=window).copies()
    ]
    return tuple(sorted(found, key=lambda copy: copy.inspection_id))


class _Line:
    """The candidates of one station with the same views, in the order of their verdicts."""

    def __init__(
        self,
        parts: Sequence[Candidate],
        views: Sequence[str],
        glances: Mapping[tuple[str, str], Glance],
        *,
        picture: Callable[[str, str], Image],
        window: timedelta,
    ) -> None:
        self._parts = sorted(parts, key=lambda each: (each.judged_at, each.inspection_id))
        self._views = views
        self._picture = picture
        self._window = window
        looks = [[glances[part.inspection_id, view] for view in views] for part in self._parts]
        self._hashes = np.stack([[look.hash_bits for look in views_of_part] for views_of_part in looks])
        self._thumbnails = np.stack([[look.thumbnail for look in views_of_part] for views_of_part in looks])

    def copies(self) -> Iterator[DroppedCopy]:
        """Each copy with the first candidate that it is one of."""
        instants = [part.judged_at for part in self._parts]
        stays = np.array([_is_read_anyway(part) for part in self._parts])
        for position, part in enumerate(self._parts):
            if stays[position]:
                continue
            first = bisect_left(instants, part.judged_at - self._window)
            last = bisect_right(instants, part.judged_at + self._window)
            near = first + np.flatnonzero(stays[first:last])
            original = next((other for other in self._alike(position, near) if self._is_copy(position, other)), None)
            if original is None:
                stays[position] = True
                continue
            other = self._parts[original]
            what = "another exposure of the same part" if other.part_id == part.part_id else "the same shot"
            yield DroppedCopy(part.inspection_id, other.inspection_id, f"{what} as {other.inspection_id}")

    def _alike(self, position: int, others: NDArray[np.intp]) -> Iterator[int]:
        """Those whose hashes are near, and whose thumbnails are, or which are the same part."""
        differing = np.bitwise_count(self._hashes[others] ^ self._hashes[position]).sum(axis=2)
        near = others[(differing <= LARGEST_HASH_DISTANCE).all(axis=1)]
        squares = (self._thumbnails[near] - self._thumbnails[position]) ** 2
        is_alike = (np.sqrt(squares.mean(axis=(2, 3))) <= LARGEST_THUMBNAIL_DIFFERENCE).all(axis=1)
        for other, alike in zip(near, is_alike, strict=True):
            if alike or self._parts[other].part_id == self._parts[position].part_id:
                yield int(other)

    def _is_copy(self, position: int, other: int) -> bool:
        """Whether nothing on the pixels tells them apart, in any view."""
        ours, theirs = self._parts[position], self._parts[other]
        limit = LARGEST_DIFFERENCE_OF_ONE_PART if ours.part_id == theirs.part_id else 0.0
        for view in self._views:
            first = to_gray(self._picture(ours.inspection_id, view))
            second = to_gray(self._picture(theirs.inspection_id, view))
            found = whole_agreement(first, second)
            if found is None or not (found.largest_difference <= limit or is_one_shot(first, second, found)):
                return False
        return True


def _is_read_anyway(candidate: Candidate) -> bool:
    return candidate.is_reported or candidate.audit_probability is not None
