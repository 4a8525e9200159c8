"""The copy of a picture that Label Studio shows: the very pixels that were judged, as a PNG that says nothing else.

Our decoding reports an EXIF orientation and never applies it, since a camera over a line does not turn; browsers apply
it. A copy without EXIF shows everybody the same pixels, so that a box drawn there is where the model saw it. The stored
bytes stay as they came: their digest is evidence.
"""

import cv2
import numpy as np

from lineside.datasets.labelling.errors import LabelTaskRefused
from lineside.inspection.decoding import DecodingLimits, SixteenBitRule, decode
from lineside.inspection.frames import Image, MediaType, RawGeometry
from lineside.inspection.tiling import Tile

_PNG_LEVEL = 3
"""Of 0..9; a board of 1600 px takes about a tenth of level 9's time at 5 % more bytes."""


def judged_pixels(
    body: bytes,
    media_type: MediaType,
    *,
    raw: RawGeometry | None = None,
    sixteen_bit: SixteenBitRule | None = None,
    limits: DecodingLimits | None = None,
) -> Image:
    """A stored frame as the detector saw it: 8 bits, no orientation applied.

    Args:
        body: the stored bytes.
        media_type: their encoding.
        raw: the geometry of raw pixels.
        sixteen_bit: the recipe's rule for 16-bit pixels.
        limits: bounds of what is decoded; the station API's defaults if None.

    Raises:
        FrameError: the bytes are no picture of that kind, or have 16 bits and no rule.
    """
    return decode(
        body, media_type, limits=limits or DecodingLimits(), raw=raw, sixteen_bit=sixteen_bit, is_intact=True
    ).image


def label_png(image: Image, tile: Tile | None = None) -> bytes:
    """A picture, or one tile of it, as PNG without metadata.

    Raises:
        LabelTaskRefused: the tile reaches outside the picture.
    """
    height, width = image.shape[:2]
    window = tile or Tile(0, 0, width, height)
    left, top, right, bottom = window.xyxy_px
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise LabelTaskRefused(
            f"tile {window.xyxy_px} of a {width}x{height} px picture; is it the frame that the tile was planned for?"
        )
    pixels = np.ascontiguousarray(image[top:bottom, left:right])
    _, encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    return encoded.tobytes()
