"""Finding copies of pictures: re-encoded, brightened, resized, turned or cut out.

In two steps. Candidates come from two kinds of fingerprint: a difference hash of the whole picture, which also
serves pictures without corners, and ORB keypoints, whose matches vote for the pictures that they lie in and tell
how one lies in the other, so that a crop is found wherever it was cut. A candidate counts as a copy only once the two,
laid on each other, agree everywhere (`pixel_agreement`): boards of one design share their keypoints, not their defects.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.picture_grain import grain_correlation
from lineside.datasets.pixel_agreement import Affine, Agreement, agreement
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray

LARGEST_DIFFERENCE = 0.08
"""Of a copy without grain, e.g. of a binarised picture; the same place on two real boards differs by 0.2 at least."""
LARGEST_DIFFERENCE_WITH_GRAIN = 0.5
"""Of a copy whose grain is the original's: then a small difference is compression, or a position off by a little."""
LEAST_GRAIN_CORRELATION = 0.4
"""Two exposures under one camera reach 0.2, which is the camera's fixed pattern; JPEG of quality 30 leaves 0.75."""
LEAST_OVERLAP = 0.8
"""A copy shares at least this much of the smaller picture: crops of one board that merely overlap count apart."""

_FINGERPRINT_SIDE_PX = 640
_KEYPOINTS = 300
_FAST_THRESHOLD = 4
_HASH_SIDE = 16
_LARGEST_HASH_DISTANCE = 40
_HASH_CANDIDATES = 20
_NEIGHBOURS = 4
_LARGEST_DESCRIPTOR_DISTANCE = 64
_CANDIDATES = 5
_LEAST_INLIERS = 6
_MANY_INLIERS = 60
_REPROJECTION_PX = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What a picture is recognised by.

    Attributes:
        size_wh_px: of the picture itself.
        hash_bits: uint8 (32,), the difference hash: whether each of 16 x 16 cells is darker than its right neighbour.
        points_xy_px: float32 (n, 2), keypoints in the picture's pixels; n may be 0.
        descriptors: uint8 (n, 32), ORB's binary descriptors of them.
    """

    size_wh_px: tuple[int, int]
    hash_bits: NDArray[np.uint8]
    points_xy_px: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    @classmethod
    def of(cls, picture: Image) -> "Fingerprint":
        """Take the fingerprint of a uint8 picture, gray or blue-green-red."""
        gray = to_gray(picture)
        height, width = gray.shape
        factor = _FINGERPRINT_SIDE_PX / float(np.sqrt(height * width))
        size_wh = (max(1, round(width * factor)), max(1, round(height * factor)))
        scaled = cv2.resize(gray, size_wh, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        everywhere = np.full((size_wh[1], size_wh[0]), 255, np.uint8)
        orb = cv2.ORB.create(nfeatures=_KEYPOINTS, fastThreshold=_FAST_THRESHOLD)
        keypoints, descriptors = orb.detectAndCompute(cv2.GaussianBlur(scaled, (0, 0), max(1.0, factor)), everywhere)
        points = np.array([point.pt for point in keypoints], np.float32).reshape(-1, 2)
        stretch = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
        return cls(
            size_wh_px=(width, height),
            hash_bits=difference_hash(gray),
            points_xy_px=(points + np.float32(0.5)) * stretch - np.float32(0.5),
            descriptors=np.zeros((0, 32), np.uint8) if len(points) == 0 else np.asarray(descriptors, np.uint8),
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture that shows the same shot.

    Attributes:
        position: which one of the index.
        overlap: see `Agreement`.
        largest_difference: see `Agreement`.
    """

    position: int
    overlap: float
    largest_difference: float


class CopyIndex:
    """Pictures among which copies are looked for."""

    def __init__(self, fingerprints: Sequence[Fingerprint], *, picture: Callable[[int], Image]) -> None:
        """Prepare the search.

        Args:
            fingerprints: of every picture.
            picture: reads the picture at a position; asked only for candidates.
        """
        self._fingerprints = tuple(fingerprints)
        self._picture = picture
        counts = [len(each.descriptors) for each in self._fingerprints]
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._points = np.vstack([np.zeros((0, 2), np.float32), *(each.points_xy_px for each in self._fingerprints)])
        self._descriptors = np.vstack([np.zeros((0, 32), np.uint8), *(each.descriptors for each in self._fingerprints)])
        self._hashes = np.vstack([np.zeros((0, 32), np.uint8), *(each.hash_bits for each in self._fingerprints)])

    def copies_of(self, picture: Image, fingerprint: Fingerprint, *, without: Collection[int] = ()) -> tuple[Copy, ...]:
        """The pictures of the index that show the same shot as this one.

        Args:
            picture: uint8, gray or blue-green-red.
            fingerprint: of it.
            without: positions that need no answer.
        """
        gray = to_gray(picture)
        best: dict[int, Copy] = {}
        for position, affine in (*self._whole_candidates(fingerprint), *self._part_candidates(fingerprint)):
            if position in without or position in best:
                continue
            other = to_gray(self._picture(position))
            found = agreement(gray, other, affine)
            if found is None or found.overlap < LEAST_OVERLAP or not is_one_shot(gray, other, found):
                continue
            best[position] = Copy(position, found.overlap, found.largest_difference)
        return tuple(best[position] for position in sorted(best))

    def _whole_candidates(self, fingerprint: Fingerprint) -> list[tuple[int, Affine]]:
        """The pictures whose hashes are nearest, laid on each other edge to edge."""
        distances = np.bitwise_count(self._hashes ^ fingerprint.hash_bits).sum(axis=1)
        near = [int(at) for at in np.argsort(distances, kind="stable")[:_HASH_CANDIDATES]]
        found: list[tuple[int, Affine]] = []
        for position in near:
            if distances[position] > _LARGEST_HASH_DISTANCE:
                break
            found.append((position, _edge_to_edge(fingerprint.size_wh_px, self._fingerprints[position].size_wh_px)))
        return found

    def _part_candidates(self, fingerprint: Fingerprint) -> list[tuple[int, Affine]]:
        """The pictures with the most matching keypoints that lie in them as in this one."""
        if len(fingerprint.descriptors) < _LEAST_INLIERS or len(self._descriptors) < _NEIGHBOURS:
            return []
        matcher = cv2.BFMatcher.create(cv2.NORM_HAMMING)
        pairs: dict[int, list[tuple[int, int]]] = defaultdict(list)
        votes: Counter[int] = Counter()
        for row in matcher.knnMatch(fingerprint.descriptors, self._descriptors, _NEIGHBOURS):
            close = [match for match in row if match.distance <= _LARGEST_DESCRIPTOR_DISTANCE]
            for match in close:
                pairs[int(self._owners[match.trainIdx])].append((match.queryIdx, match.trainIdx))
            votes.update({int(self._owners[match.trainIdx]) for match in close})
        found: list[tuple[int, Affine]] = []
        for position, _ in votes.most_common(_CANDIDATES):
            ours, theirs = (np.array(side) for side in zip(*pairs[position], strict=True))
            transforms = _common_transforms(fingerprint.points_xy_px[ours], self._points[theirs])
            found += [(position, affine) for affine in transforms]
        return found


def _common_transforms(ours_xy_px: NDArray[np.float32], theirs_xy_px: NDArray[np.float32]) -> list[Affine]:
    """How matching points lie: the shift, turn and scale that most agree on, and, where these are few, the mere shift.

    Keypoints around a single speck tell a shift well and a turn badly, so a picture with little on it needs both.
    """
    if len(ours_xy_px) < _LEAST_INLIERS:
        return []
    found: list[Affine] = []
    affine, inliers = cv2.estimateAffinePartial2D(ours_xy_px, theirs_xy_px, ransacReprojThreshold=_REPROJECTION_PX)
    agreeing = 0 if affine is None else int(inliers.sum())
    if agreeing >= _LEAST_INLIERS:
        found.append(np.asarray(affine, np.float64))
    if agreeing < _MANY_INLIERS:
        shifts = theirs_xy_px - ours_xy_px
        near = np.abs(shifts[:, None] - shifts[None]).max(axis=2) <= _REPROJECTION_PX
        largest = near[int(near.sum(axis=1).argmax())]
        if int(largest.sum()) >= _LEAST_INLIERS:
            shift = np.median(shifts[largest], axis=0)
            found.append(np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64))
    return found


def difference_hash(gray: Image, *, side: int = _HASH_SIDE) -> NDArray[np.uint8]:
    """Krawetz's difference hash: whether each of `side` x `side` cells is darker than its right neighbour, packed."""
    small = cv2.resize(gray, (side + 1, side), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, :-1] < small[:, 1:])


def whole_agreement(first: Image, second: Image) -> Agreement | None:
    """How well two gray pictures agree when the whole of one is laid on the whole of the other."""
    return agreement(first, second, _edge_to_edge(first.shape[::-1], second.shape[::-1]))


def is_one_shot(first: Image, second: Image, found: Agreement) -> bool:
    """Whether less differs than between two parts: by the grain where both have one, else by the outlines.

    Args:
        first: uint8 (h, w).
        second: uint8 (h, w), of any other size.
        found: their agreement.
    """
    if found.largest_difference > LARGEST_DIFFERENCE_WITH_GRAIN:
        return False
    grain = grain_correlation(first, second, found.affine)
    if grain is None:
        return found.largest_difference <= LARGEST_DIFFERENCE
    return grain >= LEAST_GRAIN_CORRELATION


def _edge_to_edge(size_wh: tuple[int, ...], other_wh: tuple[int, ...]) -> Affine:
    """Edges lie on edges, so the middle of the first pixel moves by half the stretch."""
    across, down = other_wh[0] / size_wh[0], other_wh[1] / size_wh[1]
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]], np.float64)
