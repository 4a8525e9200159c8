"""Copy-paste: a real defect on a good picture, where the surroundings are the same.

A break belongs on a trace and a short between two. So a defect is pasted only where the good picture looks as the
defect's own place looks on a good part. Its golden image says how; where there is none, the ring around the defect has
to do. A soft edge hides the seam.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.augment.picture import Picture
from lineside.inspection.boxes import iou_matrix
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray

RING_PX = 8
"""How wide the ring is that has to fit, and in which the paste fades out."""

_LARGEST_DIFFERENCE = 30.0  # root mean square, gray levels: ragged edges of the same drawing, but no other one
_LARGEST_RING_DIFFERENCE = 16.0  # the ring alone says less, so it has to fit better
_LEAST_CHANGE = 4.0  # mean over the box, gray levels: less is no visible defect
_PLACES_TRIED = 4


@dataclass(frozen=True, slots=True, eq=False)
class DefectPatch:
    """A defect cut out with its ring.

    Attributes:
        pixels: uint8 (h, w) or (h, w, 3), the box and `RING_PX` around it.
        class_name: of the defect.
        good_pixels: the same window of the golden image, None if there is none.
        lineage: digests of the pictures that it was cut from.
    """

    pixels: Image
    class_name: str
    good_pixels: Image | None = None
    lineage: tuple[str, ...] = ()


def cut_defect(picture: Picture, index: int, *, lineage: tuple[str, ...] = ()) -> DefectPatch | None:
    """A defect of a picture; None where its ring leaves the picture or touches another defect.

    Args:
        picture: its reference lies on its frame.
        index: which of its boxes.
        lineage: of the picture.
    """
    left, top, right, bottom = _whole(picture.boxes_xyxy_px[index])
    window = (left - RING_PX, top - RING_PX, right + RING_PX, bottom + RING_PX)
    width, height = picture.size_wh_px
    if window[0] < 0 or window[1] < 0 or window[2] > width or window[3] > height:
        return None
    others = np.delete(picture.boxes_xyxy_px, index, axis=0)
    if _touches(np.array(window, np.float64), others):
        return None
    part = np.s_[window[1] : window[3], window[0] : window[2]]
    good = None if picture.reference is None else picture.reference[part].copy()
    return DefectPatch(picture.frame[part].copy(), picture.class_names[index], good, lineage)


def paste_defects(
    good: Picture, patches: Sequence[DefectPatch], *, most: int, rng: np.random.Generator
) -> tuple[Picture, tuple[DefectPatch, ...]] | None:
    """A good picture with some of the patches on it.

    Args:
        good: without defects.
        patches: in the order in which they are tried.
        most: patches to paste.
        rng: chooses among the places that fit.

    Returns:
        The picture with the defects that found a place, and which they are; None if none did.
    """
    frame = good.frame.copy()
    boxes: list[NDArray[np.float64]] = []
    pasted: list[DefectPatch] = []
    for patch in patches:
        if len(boxes) == most:
            break
        place = _place_for(patch, frame, np.array(boxes).reshape(-1, 4), rng)
        if place is None:
            continue
        left, top = place
        height, width = patch.pixels.shape[:2]
        target = frame[top : top + height, left : left + width]
        target[...] = _blend(patch.pixels, target)
        box = np.array([left + RING_PX, top + RING_PX, left + width - RING_PX, top + height - RING_PX], np.float64)
        boxes.append(box)
        pasted.append(patch)
    if not boxes:
        return None
    names = tuple(patch.class_name for patch in pasted)
    return Picture(frame, good.reference, np.stack(boxes), names), tuple(pasted)


def _place_for(
    patch: DefectPatch, frame: Image, taken: NDArray[np.float64], rng: np.random.Generator
) -> tuple[int, int] | None:
    """A corner at which the ring fits, the defect shows, and no pasted defect lies."""
    height, width = patch.pixels.shape[:2]
    if patch.pixels.ndim != frame.ndim or height > frame.shape[0] or width > frame.shape[1]:
        return None
    gray, patch_gray = to_gray(frame), to_gray(patch.pixels)
    difference = _misfit(patch, gray)
    for _ in range(_PLACES_TRIED):
        rows, columns = np.nonzero(difference <= 1)
        if not len(rows):
            return None
        chosen = int(rng.integers(len(rows)))
        top, left = int(rows[chosen]), int(columns[chosen])
        window = np.array([left, top, left + width, top + height], np.float64)
        inner = np.s_[top + RING_PX : top + height - RING_PX, left + RING_PX : left + width - RING_PX]
        change = cv2.absdiff(gray[inner], patch_gray[RING_PX:-RING_PX, RING_PX:-RING_PX])
        if float(change.mean()) >= _LEAST_CHANGE and not _touches(window, taken):
            return left, top
        difference[max(0, top - RING_PX) : top + RING_PX, max(0, left - RING_PX) : left + RING_PX] = np.inf
    return None


def _misfit(patch: DefectPatch, gray: Image) -> NDArray[np.float32]:
    """How badly the patch's surroundings fit, by its corner's place; up to 1 they do."""
    if patch.good_pixels is not None:
        squares = cv2.matchTemplate(gray, to_gray(patch.good_pixels), cv2.TM_SQDIFF)
        area, limit = patch.good_pixels.shape[0] * patch.good_pixels.shape[1], _LARGEST_DIFFERENCE
    else:
        ring = np.ones(patch.pixels.shape[:2], np.float32)
        ring[RING_PX:-RING_PX, RING_PX:-RING_PX] = 0
        squares = cv2.matchTemplate(gray, to_gray(patch.pixels), cv2.TM_SQDIFF, mask=ring)
        area, limit = int(ring.sum()), _LARGEST_RING_DIFFERENCE
    return np.asarray(np.sqrt(np.maximum(squares, 0) / area) / limit, np.float32)


def _blend(patch: Image, target: Image) -> Image:
    """The patch over the target, fading out over the ring."""
    height, width = patch.shape[:2]
    rows = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    columns = np.minimum(np.arange(width), np.arange(width)[::-1])[None, :]
    weight = np.clip((np.minimum(rows, columns) + 0.5) / RING_PX, 0, 1)
    if patch.ndim == 3:
        weight = weight[..., None]
    return np.asarray(np.rint(weight * patch + (1 - weight) * target), np.uint8)


def _touches(window: NDArray[np.float64], boxes: NDArray[np.float64]) -> bool:
    if not len(boxes):
        return False
    return bool((iou_matrix(window[None].astype(np.float32), boxes.astype(np.float32)) > 0).any())


def _whole(box: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The pixels that a box covers, in part too."""
    left, top = (int(value) for value in np.floor(box[:2]))
    right, bottom = (int(value) for value in np.ceil(box[2:]))
    return left, top, right, bottom
