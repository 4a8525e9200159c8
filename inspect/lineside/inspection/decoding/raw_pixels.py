"""Raw bodies: packed pixels whose geometry the sender declares."""

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.decoding.headers import ImageHeader
from lineside.inspection.errors import GeometryMismatch
from lineside.inspection.frames import PixelFormat, RawGeometry


def read_header(body: bytes, geometry: RawGeometry) -> ImageHeader:
    """The declared geometry, once the body has exactly its length.

    Raises:
        GeometryMismatch: another length.
    """
    if len(body) != geometry.size_bytes:
        raise GeometryMismatch(
            f"the raw body has {len(body)} bytes, {geometry.width_px}x{geometry.height_px} px of "
            f"{geometry.pixel_format} are exactly {geometry.size_bytes}; check width, height and pixel format"
        )
    return ImageHeader(
        geometry.width_px,
        geometry.height_px,
        channels=3 if geometry.pixel_format is PixelFormat.BGR8 else 1,
        bits=16 if geometry.pixel_format is PixelFormat.MONO16 else 8,
    )


def read_pixels(body: bytes, header: ImageHeader) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The body as an array, without a copy: (h, w) or (h, w, 3)."""
    shape = (header.height_px, header.width_px, 3)[: 2 if header.channels == 1 else 3]
    if header.bits == 16:
        return np.frombuffer(body, dtype="<u2").reshape(shape)
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)
