"""What good parts alone say of a view: a golden image, where good parts differ, and how pictures of them look.

Which defects matter and how large they may be, good parts cannot say; that stays for people.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.alignment import AlignablePicture, Shift, find_shift, overlap, residual
from lineside.inspection.errors import RecipeError
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.image_health import HealthLimits, HealthReport, assess
from lineside.inspection.reference import RegistrationLimits

LEAST_PARTS = 10
"""Fewer parts do not show how good parts differ."""

_SEARCHED_SHARE = 0.1  # of the shorter side: parts that lie further apart were not laid into one fixture
_EDGE_PX = 1  # by which an edge may be off, all around, without counting as a difference
_DIFFERENCE_SHARE = 0.15  # of the contrast, from which a pixel differs
_LEAST_DIFFERENCE = 12.0  # gray levels: above sensor noise
_VARYING_SHARE = 0.1  # of the parts must differ at a place, and two at least: one is a flaw of that part
_JOINED_PX = 9  # characters of one serial number are one zone
_LEAST_ZONE_PX = 40
_ZONE_MARGIN_PX = 4
_ROOM_SPREADS = 6.0  # standard deviations beyond the good parts at which a health limit lies
_SHARPNESS_SHARE = 0.6  # of the least sharp good part
_RESIDUAL_ROOM = (2.0, 0.1)  # times the largest, plus
_SHIFT_ROOM = (2.0, 4)  # times the largest, and at least


@dataclass(frozen=True, slots=True)
class VaryingZone:
    """A place at which good parts differ from each other: a label, a serial number, a date code.

    Attributes:
        box_xyxy_px: around it, in pixels of the golden image.
        parts_share: of the parts that differ from the golden image there, at its most varying pixel.
    """

    box_xyxy_px: tuple[int, int, int, int]
    parts_share: float


@dataclass(frozen=True, slots=True, eq=False)
class LearntView:
    """What good parts say.

    Attributes:
        golden: uint8 (height, width): at each pixel the median of the aligned parts, so that a flaw of one part is
            not in it.
        parts: number of parts.
        largest_shift_px: of a part against the golden image, in x or y.
        largest_residual: of a part against the golden image, see `alignment.residual`.
        registration: limits that all these parts keep, with room.
        health: limits that all these pictures keep, with room.
        zones: where parts differ, the largest first.
    """

    golden: Image
    parts: int
    largest_shift_px: int
    largest_residual: float
    registration: RegistrationLimits
    health: HealthLimits
    zones: tuple[VaryingZone, ...]

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """Of the pictures."""
        height, width = self.golden.shape
        return width, height


def learn_view(images: Mapping[str, Image]) -> LearntView:
    """Learn a view from pictures of good parts.

    Args:
        images: uint8, (height, width) gray or (height, width, 3) BGR, all of one size, by what to call them.

    Raises:
        RecipeError: too few parts, pictures of several sizes, or one that is not of the same product; it is named.
    """
    if len(images) < LEAST_PARTS:
        raise RecipeError(
            f"{len(images)} good parts; expected {LEAST_PARTS} to 30, or it cannot be seen how they differ"
        )
    grays = {name: to_gray(image) for name, image in images.items()}
    _require_one_size(grays)
    pictures = {name: AlignablePicture.of(gray) for name, gray in grays.items()}
    anchor = _middle_part(pictures)
    golden = _median_of_aligned(pictures, AlignablePicture.of(anchor))
    laid_on = AlignablePicture.of(golden)
    shifts = {name: _shift(picture, laid_on) for name, picture in pictures.items()}
    residuals = {name: _residual(picture, laid_on, shifts[name]) for name, picture in pictures.items()}
    default = RegistrationLimits()
    worst = max(residuals, key=lambda name: residuals[name])
    if residuals[worst] > default.max_residual:
        raise RecipeError(
            f"{worst} does not look like the other parts: residual {residuals[worst]:.2f}, expected at most "
            f"{default.max_residual:g}; take it out if it is another product, another side or no good part"
        )
    furthest = max(max(abs(right), abs(down)) for right, down in shifts.values())
    factor, room = _RESIDUAL_ROOM
    return LearntView(
        golden=golden,
        parts=len(images),
        largest_shift_px=furthest,
        largest_residual=residuals[worst],
        registration=RegistrationLimits(
            max_shift_px=min(max(_SHIFT_ROOM[1], math.ceil(_SHIFT_ROOM[0] * furthest)), min(golden.shape) // 4),
            max_residual=round(min(default.max_residual, factor * residuals[worst] + room), 3),
        ),
        health=_health_limits(
            [assess(image, HealthLimits(), previous_digest=None, digest="") for image in images.values()]
        ),
        zones=_varying_zones(pictures, golden, shifts),
    )


def _require_one_size(grays: Mapping[str, Image]) -> None:
    sizes: dict[tuple[int, ...], list[str]] = {}
    for name, gray in grays.items():
        sizes.setdefault(gray.shape, []).append(name)
    if len(sizes) > 1:
        rarest = min(sizes, key=lambda size: len(sizes[size]))
        usual = max(sizes, key=lambda size: len(sizes[size]))
        raise RecipeError(
            f"{sizes[rarest][0]} has {rarest[1]}x{rarest[0]} px and the others {usual[1]}x{usual[0]}; "
            "all pictures of a view have one size"
        )


def _middle_part(pictures: Mapping[str, AlignablePicture]) -> Image:
    """The part that lies nearest to the middle of where the parts lie: all others are then shifted least."""
    first = next(iter(pictures.values()))
    shifts = np.array([_shift(picture, first) for picture in pictures.values()], np.float64)
    distances = np.abs(shifts - np.median(shifts, axis=0)).max(axis=1)
    return list(pictures.values())[int(distances.argmin())].gray


def _shift(picture: AlignablePicture, laid_on: AlignablePicture) -> Shift:
    """How the golden image must be moved to lie on a part."""
    return find_shift(picture, laid_on, max_shift_px=int(min(picture.gray.shape) * _SEARCHED_SHARE))


def _residual(picture: AlignablePicture, golden: AlignablePicture, shift: Shift) -> float:
    in_part, in_golden = overlap(picture.gray.shape, shift)
    return residual(picture.smoothed[in_part], golden.smoothed[in_golden], picture.level_shares, golden.level_shares)


def _moved_back(gray: Image, golden: Image, shift: Shift) -> Image:
    """A part in the golden image's coordinates; where it does not reach, the golden image."""
    in_part, in_golden = overlap(gray.shape, shift)
    moved = golden.copy()
    moved[in_golden] = gray[in_part]
    return moved


def _median_of_aligned(pictures: Mapping[str, AlignablePicture], anchor: AlignablePicture) -> Image:
    stack = np.stack([_moved_back(picture.gray, anchor.gray, _shift(picture, anchor)) for picture in pictures.values()])
    # The median of uint8 becomes float64: row by row, or a stack of large pictures would need eight times its memory.
    return np.stack([np.median(stack[:, row], axis=0).astype(np.uint8) for row in range(stack.shape[1])])


def _varying_zones(
    pictures: Mapping[str, AlignablePicture], golden: Image, shifts: Mapping[str, Shift]
) -> tuple[VaryingZone, ...]:
    around = np.ones((2 * _EDGE_PX + 1, 2 * _EDGE_PX + 1), np.uint8)
    lightest, darkest = cv2.dilate(golden, around), cv2.erode(golden, around)
    contrast = float(np.quantile(golden, 0.995) - np.quantile(golden, 0.005))
    threshold = max(_LEAST_DIFFERENCE, _DIFFERENCE_SHARE * contrast)
    counts = np.zeros(golden.shape, np.uint16)
    for name, picture in pictures.items():
        moved = _moved_back(picture.gray, golden, shifts[name])
        outside = cv2.max(cv2.subtract(moved, lightest), cv2.subtract(darkest, moved))
        counts += outside > threshold
    varies = (counts >= max(2, math.ceil(_VARYING_SHARE * len(pictures)))).astype(np.uint8)
    joined = cv2.morphologyEx(varies, cv2.MORPH_CLOSE, np.ones((_JOINED_PX, _JOINED_PX), np.uint8))
    found, labels, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    zones = [
        VaryingZone(_with_margin(statistics[label], golden.shape), float(counts[labels == label].max()) / len(pictures))
        for label in range(1, found)
        if statistics[label, cv2.CC_STAT_AREA] >= _LEAST_ZONE_PX
    ]
    return tuple(sorted(zones, key=_area_px2, reverse=True))


def _with_margin(statistics: NDArray[np.int32], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    left, top, width, height = (int(value) for value in statistics[:4])
    return (
        max(0, left - _ZONE_MARGIN_PX),
        max(0, top - _ZONE_MARGIN_PX),
        min(shape[1], left + width + _ZONE_MARGIN_PX),
        min(shape[0], top + height + _ZONE_MARGIN_PX),
    )


def _area_px2(zone: VaryingZone) -> int:
    left, top, right, bottom = zone.box_xyxy_px
    return (right - left) * (bottom - top)


def _health_limits(reports: Sequence[HealthReport]) -> HealthLimits:
    """Limits a good margin beyond what good parts show; never weaker than the defaults."""
    default = HealthLimits()

    def low(values: Sequence[float]) -> float:
        return max(0.0, min(values) - _ROOM_SPREADS * float(np.std(values)))

    def high(values: Sequence[float], *, most: float) -> float:
        return min(most, max(values) + _ROOM_SPREADS * float(np.std(values)))

    sharpness = [report.sharpness for report in reports if report.sharpness is not None]
    return HealthLimits(
        min_std=_rounded_down(max(default.min_std or 0, 0.5 * min(report.std for report in reports)), 1),
        min_brightest=_rounded_down(max(default.min_brightest or 0, 0.7 * min(r.brightest for r in reports)), 0),
        max_darkest=default.max_darkest,
        max_black_share=_rounded_up(high([r.black_share for r in reports], most=0.95) + 0.05, 2),
        max_white_share=_rounded_up(high([r.white_share for r in reports], most=0.95) + 0.05, 2),
        min_mean=_rounded_down(0.9 * low([r.mean for r in reports]), 1),
        max_mean=_rounded_up(min(255.0, 1.1 * high([r.mean for r in reports], most=255.0)), 1),
        # Without enough edges on every part there is nothing to measure it by, and the default stays.
        min_sharpness=max(default.min_sharpness or 0, _rounded_down(_SHARPNESS_SHARE * min(sharpness), 3))
        if len(sharpness) == len(reports)
        else default.min_sharpness,
    )


def _rounded_down(value: float, digits: int) -> float:
    return float(math.floor(value * 10**digits) / 10**digits)


def _rounded_up(value: float, digits: int) -> float:
    return float(math.ceil(value * 10**digits) / 10**digits)
