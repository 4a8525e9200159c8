"""What a station may send: how much, and of which geometry."""

from dataclasses import dataclass

from lineside.inspection.decoding.headers import ImageHeader
from lineside.inspection.errors import FrameTooLarge, GeometryMismatch


@dataclass(frozen=True, slots=True)
class DecodingLimits:
    """Bounds that hold before anything is allocated.

    The defaults admit an 8k x 8k line-scan strip and the largest body the HTTP API accepts. A deployment
    whose cameras are smaller should lower them: a refused giant costs microseconds, a decoded one hundreds
    of megabytes.

    Attributes:
        max_pixels: largest width x height.
        max_bytes: largest encoded body.
    """

    max_pixels: int = 8192 * 8192
    max_bytes: int = 32 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse limits that would refuse everything."""
        if self.max_pixels < 1 or self.max_bytes < 1:
            raise ValueError(
                f"decoding limits must be at least 1: max_pixels={self.max_pixels}, max_bytes={self.max_bytes}"
            )

    def check_body(self, body: bytes) -> None:
        """Refuse a body with more than `max_bytes`.

        Raises:
            FrameTooLarge: it has more.
        """
        if len(body) > self.max_bytes:
            raise FrameTooLarge(
                f"the body has {len(body)} bytes, the limit is {self.max_bytes}; "
                "send fewer pixels or raise max_bytes for this deployment"
            )

    def check_header(self, header: ImageHeader) -> None:
        """Refuse a header that claims more than `max_pixels`.

        Raises:
            FrameTooLarge: it claims more.
        """
        if header.width_px * header.height_px > self.max_pixels:
            raise FrameTooLarge(
                f"the header claims {header.width_px}x{header.height_px} px, the limit is "
                f"{self.max_pixels} px in all; check the camera's geometry or raise max_pixels"
            )


@dataclass(frozen=True, slots=True)
class ExpectedGeometry:
    """What the enrolled camera of a view delivers.

    Attributes:
        size_wh_px: (width, height) that every frame must have.
        channels: 1 for gray, 3 for colour, None to accept either.
    """

    size_wh_px: tuple[int, int]
    channels: int | None = None

    def __post_init__(self) -> None:
        """Refuse a geometry that no frame can have."""
        if min(self.size_wh_px) < 1 or self.channels not in {None, 1, 3}:
            raise ValueError(
                f"expected geometry {self.size_wh_px} px with {self.channels} channels: "
                "sides must be at least 1 px and channels 1, 3 or None"
            )

    def check(self, header: ImageHeader) -> None:
        """Refuse a header that differs.

        Raises:
            GeometryMismatch: another size or channel count.
        """
        expected_width, expected_height = self.size_wh_px
        if header.size_wh_px != self.size_wh_px:
            raise GeometryMismatch(
                f"the frame is {header.width_px}x{header.height_px} px, expected "
                f"{expected_width}x{expected_height} px of this camera; check its region of interest, or what the "
                "recipe's size_wh_px or the station's expected_geometry says"
            )
        if self.channels is not None and header.channels != self.channels:
            raise GeometryMismatch(
                f"the frame has {header.channels} channel(s), expected {self.channels} of this camera; "
                "check its pixel format, or what the station's expected_geometry says"
            )
