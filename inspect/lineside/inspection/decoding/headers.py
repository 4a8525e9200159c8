"""What a picture's own header says, read before a single pixel is allocated."""

from dataclasses import dataclass

EXIF_ORIENTATION_IGNORED = "exif_orientation_ignored"
"""Note on a frame whose EXIF asks for a rotation or mirroring that was not applied."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The geometry that an encoded picture claims.

    Attributes:
        width_px: columns, at least 1.
        height_px: rows, at least 1.
        channels: 1 (gray) or 3 (colour).
        bits: depth of one channel, 8 or 16 (smaller gray depths are expanded to 8).
        notes: what a reader of the decoded frame should know.
    """

    width_px: int
    height_px: int
    channels: int
    bits: int = 8
    notes: tuple[str, ...] = ()

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width_px, self.height_px
