"""From a camera's buffer to an image: pixel formats by their name in the GenICam PFNC.

Only formats of eight bits per channel are taken. Deeper ones would have to be squeezed by a rule that changes what a
defect looks like, so a camera that sends them is told from one that is set up right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image
from lineside.station.cameras.errors import FrameBroken, WrongPixelFormat


@dataclass(frozen=True, slots=True)
class _Layout:
    """How many bytes a pixel has, and what makes it gray or blue-green-red; None where it is already."""

    channels: int
    conversion: int | None = None


_LAYOUTS: Mapping[str, _Layout] = MappingProxyType(
    {
        "Mono8": _Layout(1),
        "BGR8": _Layout(3),
        "BGR8Packed": _Layout(3),  # the name of GigE Vision 1
        "RGB8": _Layout(3, cv2.COLOR_RGB2BGR),
        "RGB8Packed": _Layout(3, cv2.COLOR_RGB2BGR),
        "RGBa8": _Layout(4, cv2.COLOR_RGBA2BGR),
        "BGRa8": _Layout(4, cv2.COLOR_BGRA2BGR),
        # PFNC names a mosaic by its first row from the left, OpenCV's old names by another corner: spelt out here.
        "BayerRG8": _Layout(1, cv2.COLOR_BayerRGGB2BGR),
        "BayerBG8": _Layout(1, cv2.COLOR_BayerBGGR2BGR),
        "BayerGR8": _Layout(1, cv2.COLOR_BayerGRBG2BGR),
        "BayerGB8": _Layout(1, cv2.COLOR_BayerGBRG2BGR),
    }
)

PIXEL_FORMATS: tuple[str, ...] = tuple(_LAYOUTS)
"""Every format that is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class RawPixels:
    """A buffer as the camera filled it, and what it says is in it.

    Attributes:
        data: uint8, one-dimensional, owned by this record; what follows the last row (chunks) is not looked at.
        pixel_format: PFNC name.
        width_px: columns.
        height_px: rows.
        padding_bytes: after each row.
    """

    data: NDArray[np.uint8]
    pixel_format: str
    width_px: int
    height_px: int
    padding_bytes: int = 0

    def to_image(self, *, camera: str) -> Image:
        """The picture: uint8, (height, width) gray or (height, width, 3) BGR, owned by the caller.

        Raises:
            WrongPixelFormat: it is none of `PIXEL_FORMATS`.
            FrameBroken: the buffer is too short for what it says is in it.
        """
        layout = _LAYOUTS.get(self.pixel_format)
        if layout is None:
            raise WrongPixelFormat(
                f"camera {camera!r} sends {self.pixel_format}; set its PixelFormat to one of {', '.join(PIXEL_FORMATS)}"
            )
        row_bytes = self.width_px * layout.channels + self.padding_bytes
        if self.width_px < 1 or self.height_px < 1 or self.data.size < row_bytes * self.height_px:
            raise FrameBroken(
                f"camera {camera!r}: buffer of {self.data.size} bytes, but {self.width_px}x{self.height_px} px of "
                f"{self.pixel_format} take {row_bytes * self.height_px}"
            )
        rows = self.data[: row_bytes * self.height_px].reshape(self.height_px, row_bytes)
        pixels = rows[:, : self.width_px * layout.channels]
        if layout.channels > 1:
            pixels = pixels.reshape(self.height_px, self.width_px, layout.channels)
        if layout.conversion is not None:
            return cv2.cvtColor(np.ascontiguousarray(pixels), layout.conversion).astype(np.uint8, copy=False)
        return np.array(pixels, order="C")
