"""A frame: one image with its metadata, as the inspection core sees it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 pixels: (height, width) for gray, (height, width, 3) for blue-green-red."""


class MediaType(StrEnum):
    """The encodings a station may send."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    BMP = "image/bmp"
    RAW = "application/vnd.lineside.raw"


class PixelFormat(StrEnum):
    """Raw pixel layouts, named as GenICam's PFNC names them, in lower case."""

    MONO8 = "mono8"
    MONO16 = "mono16"
    BGR8 = "bgr8"

    @property
    def bytes_per_pixel(self) -> int:
        """Bytes that one pixel takes in a packed buffer."""
        return {"mono8": 1, "mono16": 2, "bgr8": 3}[self.value]


@dataclass(frozen=True, slots=True)
class RawGeometry:
    """What a raw body is, as its sender declares it.

    Attributes:
        width_px: columns, at least 1.
        height_px: rows, at least 1.
        pixel_format: layout of one pixel; mono16 is little-endian.
    """

    width_px: int
    height_px: int
    pixel_format: PixelFormat

    def __post_init__(self) -> None:
        """Refuse an impossible geometry."""
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"raw geometry {self.width_px}x{self.height_px}: both sides must be at least 1 px")

    @property
    def size_bytes(self) -> int:
        """The exact length of a body of this geometry."""
        return self.width_px * self.height_px * self.pixel_format.bytes_per_pixel


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded image with what is known of its origin.

    Attributes:
        image: uint8, (height, width) gray or (height, width, 3) BGR; read-only by convention.
        digest: lowercase hex SHA-256 of the encoded body as received.
        view: the view of the recipe that this image is, "default" where the recipe has one view.
        captured_at: aware UTC instant of exposure, None if the sender did not say.
        notes: what decoding did that a reader should know, e.g. "exif_orientation_ignored".
    """

    image: Image
    digest: str
    view: str = "default"
    captured_at: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]
