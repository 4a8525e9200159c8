"""`decode`: the one way from a body to a `Frame`."""

import hashlib
from collections.abc import Callable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.decoding import bmp, jpeg, pixels, png, raw_pixels
from lineside.inspection.decoding.headers import ImageHeader
from lineside.inspection.decoding.limits import DecodingLimits, ExpectedGeometry
from lineside.inspection.decoding.sixteen_bit import SixteenBitRule, to_eight_bit
from lineside.inspection.errors import GeometryMismatch, UndecodableFrame
from lineside.inspection.frames import Frame, MediaType, RawGeometry

_MAGIC = {MediaType.JPEG: jpeg.MAGIC, MediaType.PNG: png.MAGIC, MediaType.BMP: bmp.MAGIC}


def decode(
    body: bytes,
    media_type: MediaType,
    *,
    limits: DecodingLimits,
    raw: RawGeometry | None = None,
    expected: ExpectedGeometry | None = None,
    sixteen_bit: SixteenBitRule | None = None,
    is_intact: bool = False,
    digest: str | None = None,
    view: str = "default",
    captured_at: datetime | None = None,
) -> Frame:
    """Turn an encoded body into a frame, or say why it may not be judged.

    The order is: length, magic number, header, limits and expected geometry, structure, and only then pixels.

    Args:
        body: the encoded picture, complete and alone.
        media_type: what the sender declared; the magic number must say the same.
        limits: bounds checked before anything is allocated.
        raw: the declared geometry; required for `MediaType.RAW`, forbidden for others.
        expected: geometry of the enrolled camera, if it is known.
        sixteen_bit: how 16-bit pixels become 8; without it they are refused.
        is_intact: the body's digest was compared with the sender's. Then damage on the way is out of the
            question, and the one costly check against it (a second, smaller JPEG decode) is left out.
        digest: the body's SHA-256 as lowercase hex, if the caller has computed it already.
        view: the recipe's view that the frame is.
        captured_at: aware UTC instant of exposure, if the sender said.

    Returns:
        A frame whose image is uint8, (h, w) or (h, w, 3) BGR, and not writeable.

    Raises:
        UndecodableFrame: empty, of another kind, truncated, damaged, followed by other bytes, or with a
            palette, transparency or CMYK.
        FrameTooLarge: more bytes or pixels than `limits`.
        GeometryMismatch: another size or channel count than `expected` or `raw`, or 16 bits without a rule
            that fits.
    """
    limits.check_body(body)
    _check_kind(body, media_type, raw)

    def check(header: ImageHeader) -> None:
        limits.check_header(header)
        if expected is not None:
            expected.check(header)

    header, image = _read(body, media_type, raw, check, is_intact=is_intact)
    eight_bit = to_eight_bit(image, sixteen_bit)
    eight_bit.flags.writeable = False
    return Frame(eight_bit, digest or hashlib.sha256(body).hexdigest(), view, captured_at, header.notes)


def _check_kind(body: bytes, media_type: MediaType, raw: RawGeometry | None) -> None:
    """Refuse a body that is not of the declared kind."""
    if not body:
        raise UndecodableFrame("the body is empty; send one picture")
    if (media_type is MediaType.RAW) != (raw is not None):
        raise GeometryMismatch(
            f"media type {media_type} with raw geometry {raw}: width, height and pixel format belong to "
            f"{MediaType.RAW}, and only to it"
        )
    if media_type is not MediaType.RAW and not body.startswith(_MAGIC[media_type]):
        raise UndecodableFrame(
            f"the body starts with {body[:8].hex(' ')}, which is no {media_type}; "
            "send the media type that the picture has"
        )


def _read(
    body: bytes,
    media_type: MediaType,
    raw: RawGeometry | None,
    check: Callable[[ImageHeader], None],
    *,
    is_intact: bool,
) -> tuple[ImageHeader, NDArray[np.uint8] | NDArray[np.uint16]]:
    """The header, passed by `check` before any allocation, and the pixels."""
    if raw is not None:
        header = raw_pixels.read_header(body, raw)
        check(header)
        return header, raw_pixels.read_pixels(body, header)
    if media_type is MediaType.JPEG:
        structure = jpeg.read_structure(body, check)
        return structure.header, pixels.read_jpeg(body, structure, is_intact=is_intact)
    if media_type is MediaType.PNG:
        header = png.read_header(body)
        check(header)
        return header, pixels.read_png(body, header)
    header = bmp.read_header(body)
    check(header)
    return header, bmp.read_pixels(body, header)
