"""Encoded pictures, read as strictly as the line reads them: what a server would refuse teaches no model."""

from dataclasses import dataclass

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.labelled import ImageFile
from lineside.datasets.revisions.records import digest_of
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import Image, MediaType

LIMITS = DecodingLimits(max_pixels=2**28, max_bytes=2**29)
"""A 16k x 16k scan of a whole board, and half a gigabyte: wider than a station's, for pictures at rest."""

_MAGIC = ((b"\xff\xd8\xff", MediaType.JPEG), (b"\x89PNG\r\n\x1a\n", MediaType.PNG), (b"BM", MediaType.BMP))


@dataclass(frozen=True, slots=True, eq=False)
class ReadPicture:
    """A picture that was decoded to the last byte.

    Attributes:
        file: its description.
        pixels: uint8, (height, width) gray or (height, width, 3) BGR, not writeable.
    """

    file: ImageFile
    pixels: Image


def read_picture(data: bytes, *, source: str) -> ReadPicture:
    """Decode a picture; its kind is told by its first bytes, not by its name.

    Args:
        data: the whole file.
        source: what to call it in messages, usually its path.

    Raises:
        SampleUnreadable: it is no JPEG, PNG or BMP, is damaged, or is of a kind that no station may send (palette,
            transparency, CMYK, 16 bits).
    """
    media_type = next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), None)
    if media_type is None:
        raise SampleUnreadable(f"{source} is no JPEG, PNG or BMP: it starts with {data[:8].hex(' ') or 'nothing'}")
    try:
        # The check for damage on the way is the one costly one; without a digest from the sender it is worth it.
        frame = decode(data, media_type, limits=LIMITS)
    except FrameError as error:
        raise SampleUnreadable(f"{source}: {error}") from error
    width_px, height_px = frame.size_wh_px
    file = ImageFile(digest_of(data), len(data), width_px, height_px, media_type)
    return ReadPicture(file, frame.image)
