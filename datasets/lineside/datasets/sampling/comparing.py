"""A frame beside its golden picture, as a release that compares looks at it."""

from datetime import UTC, datetime

from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, compose, register

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
"""Approval is no matter here: the picture is looked at for the queue, not judged."""


def compared(gray: Image, reference: Image) -> Image | None:
    """Frame, registered reference and their difference.

    Args:
        gray: uint8 (h, w).
        reference: uint8, gray or blue-green-red.

    Returns:
        uint8 (h, w, 3); None where the reference does not fit the frame.
    """
    golden = PreparedReference.prepare(Reference("golden", to_gray(reference), "", _ALWAYS))
    try:
        return compose(gray, register(gray, [golden], limits=RegistrationLimits(), now=_ALWAYS))
    except RegistrationRefused:
        return None
