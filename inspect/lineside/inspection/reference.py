"""Reference recipes: lay the approved golden image on the frame, and show the detector how they differ.

A single picture of a board cannot say that a trace is missing; the difference to a good board can. That only
holds when the two lie on each other, so a frame that does not fit is refused and never judged against the
wrong pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import cv2
import numpy as np

from lineside.inspection.alignment import AlignablePicture, Shift, find_shift, overlap, residual
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray

__all__ = [
    "Motion",
    "PreparedReference",
    "Reference",
    "Registration",
    "RegistrationLimits",
    "compose",
    "register",
    "to_gray",
]


class Motion(StrEnum):
    """How a part may lie differently from its reference."""

    TRANSLATION = "translation"
    """Shifted by whole pixels: for a fixture or a line scanner. A few milliseconds."""
    EUCLIDEAN = "euclidean"
    """Shifted and slightly turned, with sub-pixel accuracy. Tens of milliseconds."""
    AFFINE = "affine"
    """Also slightly stretched and sheared: for a conveyor whose speed is not the camera's. Tens of
    milliseconds."""


_ECC_MOTION = {Motion.EUCLIDEAN: cv2.MOTION_EUCLIDEAN, Motion.AFFINE: cv2.MOTION_AFFINE}
_ECC_ITERATIONS = 40
_ECC_EPSILON = 1e-5
_ECC_BLUR_PX = 5


@dataclass(frozen=True, slots=True)
class RegistrationLimits:
    """How far a frame may be from its reference before it is refused.

    Attributes:
        max_shift_px: largest displacement of any corner in x and y, and how far is searched.
        max_residual: largest `alignment.residual`. Of 689 pairs from three real binarised boards (DeepPCB), a
            picture and its own reference have at most 0.22 (median 0.01); with a neighbouring crop of the same
            board as reference, 99 % have more than 0.4.
        max_uncovered_share: largest share of the frame that the shifted reference does not reach; nothing is
            compared there.
        motion: what may differ apart from the shift.
    """

    max_shift_px: int = 16
    max_residual: float = 0.3
    max_uncovered_share: float = 0.06
    motion: Motion = Motion.TRANSLATION

    def __post_init__(self) -> None:
        """Refuse limits outside their scale."""
        if self.max_shift_px < 0:
            raise ValueError(f"max_shift_px must be 0 or more, not {self.max_shift_px}")
        if not (0 <= self.max_residual <= 1 and 0 <= self.max_uncovered_share <= 1):
            raise ValueError(f"max_residual and max_uncovered_share must lie in 0..1: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A golden image and who answers for it.

    Attributes:
        id: its name in the recipe.
        image: uint8 (h, w) gray, of the size of the frames.
        approved_by: who approved it.
        approved_at: aware UTC instant of approval; it may not be used before.
        expires_at: aware UTC instant from which it may not be used; None: never.
    """

    id: str
    image: Image
    approved_by: str
    approved_at: datetime
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse an image that is not gray and instants without a zone."""
        if self.image.ndim != 2 or self.image.dtype != np.uint8:
            raise ValueError(
                f"reference {self.id}: needs a gray uint8 image, got shape {self.image.shape} of {self.image.dtype}; "
                "convert it with to_gray"
            )
        if any(at is not None and at.tzinfo is None for at in (self.approved_at, self.expires_at)):
            raise ValueError(f"reference {self.id}: approved_at and expires_at need a time zone")

    def is_valid(self, now: datetime) -> bool:
        """Whether it is approved and not expired."""
        return self.approved_at <= now and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedReference:
    """A reference with all that does not depend on the frame, computed once and shared between threads."""

    reference: Reference
    picture: AlignablePicture = field(repr=False)

    @classmethod
    def prepare(cls, reference: Reference) -> "PreparedReference":
        """Compute what every registration needs."""
        return cls(reference, AlignablePicture.of(reference.image))


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A reference laid on a frame.

    Attributes:
        reference_id: the reference that fitted best.
        image: uint8 (h, w): the reference in the frame's coordinates; where it does not reach, the frame's
            own pixels.
        shift_xy_px: how far (right, down) the frame's middle lies from the reference's.
        residual: see `alignment.residual`.
        uncovered_share: share of the frame that the reference does not reach.
        largest_displacement_px: of any corner or the middle, in x or y.
    """

    reference_id: str
    image: Image
    shift_xy_px: tuple[float, float]
    residual: float
    uncovered_share: float
    largest_displacement_px: float


def register(
    frame_gray: Image, references: Sequence[PreparedReference], *, limits: RegistrationLimits, now: datetime
) -> Registration:
    """Lay the best of the valid references on a frame.

    Args:
        frame_gray: uint8 (h, w).
        references: the view's approved references; all valid ones are tried.
        limits: what to refuse.
        now: aware UTC instant that decides which references are valid.

    Returns:
        The registration with the smallest residual.

    Raises:
        RegistrationRefused: no valid reference, another size, or none fits within the limits.
    """
    valid = _valid(references, now)
    frame = AlignablePicture.of(frame_gray)
    best = min((_lay(frame, prepared, limits) for prepared in valid), key=lambda laid: laid.residual)
    _hold_against(best, limits)
    return best


def compose(frame_gray: Image, registration: Registration) -> Image:
    """What a reference model looks at: uint8 (h, w, 3) with frame, reference and absolute difference."""
    difference = cv2.absdiff(frame_gray, registration.image)
    return cv2.merge([frame_gray, registration.image, difference]).astype(np.uint8, copy=False)


def _valid(references: Sequence[PreparedReference], now: datetime) -> list[PreparedReference]:
    valid = [prepared for prepared in references if prepared.reference.is_valid(now)]
    if not valid:
        known = ", ".join(
            f"{prepared.reference.id} (approved {prepared.reference.approved_at:%Y-%m-%d}, expires "
            f"{prepared.reference.expires_at:%Y-%m-%d})"
            if prepared.reference.expires_at
            else f"{prepared.reference.id} (approved {prepared.reference.approved_at:%Y-%m-%d})"
            for prepared in references
        )
        raise RegistrationRefused(
            f"no reference is valid at {now:%Y-%m-%d %H:%M} UTC; the view has: {known or 'none'}. "
            "Approve a reference image for this view"
        )
    return valid


def _lay(frame: AlignablePicture, prepared: PreparedReference, limits: RegistrationLimits) -> Registration:
    """Lay one reference on the frame, whatever the residual."""
    reference = prepared.picture
    height, width = frame.gray.shape
    if reference.gray.shape != frame.gray.shape:
        raise RegistrationRefused(
            f"the frame is {width}x{height} px, reference {prepared.reference.id} is "
            f"{reference.gray.shape[1]}x{reference.gray.shape[0]} px; approve a reference of the frame's size"
        )
    if 4 * limits.max_shift_px > min(height, width):
        raise RegistrationRefused(
            f"max_shift_px {limits.max_shift_px} is more than a quarter of a {width}x{height} px frame; lower it"
        )
    shift = find_shift(frame, reference, max_shift_px=limits.max_shift_px)
    if limits.motion is Motion.TRANSLATION:
        return _shifted(frame, prepared, shift)
    return _warped(frame, prepared, shift, limits.motion)


def _shifted(frame: AlignablePicture, prepared: PreparedReference, shift: Shift) -> Registration:
    reference = prepared.picture
    in_frame, in_reference = overlap(frame.gray.shape, shift)
    laid = frame.gray.copy()
    laid[in_frame] = reference.gray[in_reference]
    return Registration(
        prepared.reference.id,
        laid,
        (float(shift[0]), float(shift[1])),
        residual(
            frame.smoothed[in_frame],
            reference.smoothed[in_reference],
            frame.level_shares,
            reference.level_shares,
        ),
        1.0 - laid[in_frame].size / laid.size,
        float(max(abs(shift[0]), abs(shift[1]))),
    )


def _warped(frame: AlignablePicture, prepared: PreparedReference, shift: Shift, motion: Motion) -> Registration:
    """Refine a shift by the enhanced correlation coefficient (Evangelidis and Psarakis, 2008)."""
    reference = prepared.picture
    height, width = frame.gray.shape
    everywhere = np.full((height, width), 255, np.uint8)
    start = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ECC_ITERATIONS, _ECC_EPSILON)
    try:
        _, to_reference = cv2.findTransformECC(
            frame.gray, reference.gray, start, _ECC_MOTION[motion], criteria, everywhere, _ECC_BLUR_PX
        )
    except cv2.error as error:
        raise RegistrationRefused(
            f"the frame cannot be aligned with reference {prepared.reference.id} ({motion}): {error.err}"
        ) from error
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(reference.gray, to_reference, (width, height), flags=flags).astype(np.uint8, copy=False)
    covered = cv2.warpAffine(everywhere, to_reference, (width, height), flags=flags) == 255
    laid = np.where(covered, warped, frame.gray)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height], [width / 2, height / 2]])
    moved = corners - (corners @ to_reference[:, :2].T + to_reference[:, 2])
    return Registration(
        prepared.reference.id,
        laid,
        (float(moved[-1, 0]), float(moved[-1, 1])),
        residual(frame.smoothed, AlignablePicture.of(laid).smoothed, frame.level_shares, reference.level_shares),
        1.0 - float(covered.mean()),
        float(np.abs(moved).max()),
    )


def _hold_against(laid: Registration, limits: RegistrationLimits) -> None:
    """Refuse a registration outside the limits."""
    where = f"reference {laid.reference_id}, shift ({laid.shift_xy_px[0]:g}, {laid.shift_xy_px[1]:g}) px"
    if laid.residual > limits.max_residual:
        raise RegistrationRefused(
            f"the frame does not fit its reference within {limits.max_shift_px} px: residual "
            f"{laid.residual:.3f}, limit {limits.max_residual:g} ({where}); it is another "
            "product or side, or the part lies further off than max_shift_px"
        )
    if laid.largest_displacement_px > limits.max_shift_px:
        raise RegistrationRefused(
            f"the frame lies {laid.largest_displacement_px:.1f} px from its reference, limit {limits.max_shift_px} "
            f"({where}); check the fixture or the trigger"
        )
    if laid.uncovered_share > limits.max_uncovered_share:
        raise RegistrationRefused(
            f"the reference leaves {laid.uncovered_share:.1%} of the frame uncovered, limit "
            f"{limits.max_uncovered_share:.1%} ({where}); check the fixture or approve a closer reference"
        )
