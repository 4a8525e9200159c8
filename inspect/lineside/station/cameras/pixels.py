"""Whether a frame has the pixels that the station is set up for."""

from dataclasses import dataclass

from lineside.inspection.frames import Image
from lineside.station.cameras.errors import WrongPixelFormat
from lineside.station.cameras.settings import CameraSettings, PixelFormatName


def pixel_format_of(image: Image) -> PixelFormatName:
    """Name of an image's layout: gray is mono8, three channels are bgr8."""
    return "mono8" if image.ndim == 2 else "bgr8"


@dataclass(frozen=True, slots=True)
class PixelRule:
    """Layout and size that each frame must have; None takes any.

    Attributes:
        pixel_format: the layout.
        width_px: columns.
        height_px: rows.
    """

    pixel_format: PixelFormatName | None = None
    width_px: int | None = None
    height_px: int | None = None

    @classmethod
    def of(cls, settings: CameraSettings) -> "PixelRule":
        """The rule that a camera's settings state."""
        return cls(settings.pixel_format, settings.width_px, settings.height_px)

    def check(self, image: Image, *, camera: str) -> None:
        """Let an image pass.

        Raises:
            WrongPixelFormat: it is of another layout or size.
        """
        found_format = pixel_format_of(image)
        height_px, width_px = image.shape[:2]
        fits = (
            self.pixel_format in (None, found_format)
            and self.width_px in (None, width_px)
            and self.height_px in (None, height_px)
        )
        if not fits:
            expected = f"{self.pixel_format or 'any layout'}, {self.width_px or 'any'} x {self.height_px or 'any'} px"
            raise WrongPixelFormat(
                f"camera {camera!r} gave {found_format}, {width_px} x {height_px} px; expected {expected}: "
                "set the camera up again, or correct pixel_format, width_px and height_px"
            )
