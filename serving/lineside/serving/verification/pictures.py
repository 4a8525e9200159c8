"""What a reader looks at: the frame as the detector saw it, its reference laid on it, and how the two differ."""

from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from sqlalchemy import Row

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Frame, Image, MediaType, PixelFormat, RawGeometry
from lineside.inspection.recipe import View
from lineside.inspection.reference import register, to_gray
from lineside.serving.errors import ImageGone
from lineside.serving.images import ImageStore
from lineside.serving.recipes import StoredRecipe

_FASTEST = (cv2.IMWRITE_PNG_COMPRESSION, 1)  # a reader waits for it; the next desk is near


_GAIN = 3.0  # of differences: a third of the range is as clear as can be, and eyes see no faint gray on black


class Layer(StrEnum):
    """One of the pictures of a view; differences are shown three times as strong as they are."""

    IMAGE = "image"
    REFERENCE = "reference"
    DIFFERENCE = "difference"


def frame_of(row: Row[Any], images: ImageStore, *, view: View | None, limits: DecodingLimits) -> Frame:
    """A kept frame, decoded as it was for the verdict: boxes lie on these pixels, whatever EXIF says of the file.

    Args:
        row: of the table of frames.
        images: where its bytes are.
        view: of the recipe that it was judged by; None if there is none.
        limits: of decoding.

    Raises:
        ImageMissing, ImageCorrupt: its bytes are gone or damaged.
        FrameError: they cannot be decoded.
    """
    raw = None
    if row.raw_geometry is not None:
        geometry = row.raw_geometry
        raw = RawGeometry(geometry["width_px"], geometry["height_px"], PixelFormat(geometry["pixel_format"]))
    return decode(
        images.read(row.digest),
        MediaType(row.media_type),
        limits=limits,
        raw=raw,
        sixteen_bit=None if view is None else view.sixteen_bit,
        view=row.view,
    )


def layer_png(
    inspection: Row[Any],
    row: Row[Any],
    layer: Layer,
    *,
    images: ImageStore,
    recipe: StoredRecipe | None,
    limits: DecodingLimits,
) -> bytes:
    """One layer of a view as PNG, of the frame's size; takes tens of milliseconds, so call it off the event loop.

    Args:
        inspection: its row: the reference is the one that was valid when it was opened.
        row: of the frame.
        layer: which.
        images: where the bytes are.
        recipe: that it was judged by.
        limits: of decoding.

    Raises:
        ImageGone: the view has no reference, or none that fits the frame.
        ImageMissing, ImageCorrupt, FrameError: as `frame_of`.
    """
    view = None if recipe is None else recipe.recipe.views.get(row.view)
    frame = frame_of(row, images, view=view, limits=limits)
    return _png(frame.image if layer is Layer.IMAGE else _compared(inspection, frame, layer, view, recipe))


def _compared(
    inspection: Row[Any], frame: Frame, layer: Layer, view: View | None, recipe: StoredRecipe | None
) -> Image:
    if view is None or recipe is None or not view.references:
        raise ImageGone(
            f"view {frame.view!r} of inspection {inspection.id} has no reference image: its recipe names none"
        )
    gray = to_gray(frame.image)
    try:
        laid = register(gray, recipe.references[view.name], limits=view.registration, now=inspection.opened_at)
    except RegistrationRefused as error:
        raise ImageGone(f"no reference fits view {frame.view!r} of inspection {inspection.id}: {error}") from error
    if layer is Layer.REFERENCE:
        return laid.image
    return cv2.convertScaleAbs(cv2.absdiff(gray, laid.image), alpha=_GAIN).astype(np.uint8, copy=False)


def _png(image: Image) -> bytes:
    is_encoded, png = cv2.imencode(".png", image, _FASTEST)
    if not is_encoded:
        raise RuntimeError(f"OpenCV could not encode a PNG of shape {image.shape}")
    return png.tobytes()
