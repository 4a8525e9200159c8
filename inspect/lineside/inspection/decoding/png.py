"""Portable Network Graphics: the chunk walk, after the W3C recommendation, third edition.

Every chunk's CRC is checked, the image data must be one run, and nothing may follow IEND. Palettes, alpha and
animation are refused: a detector would see other pixels than a person who opens the file.
"""

import struct
import zlib
from collections.abc import Iterator

from lineside.inspection.decoding.exif import asks_for_rotation
from lineside.inspection.decoding.headers import EXIF_ORIENTATION_IGNORED, ImageHeader
from lineside.inspection.errors import UndecodableFrame

MAGIC = b"\x89PNG\r\n\x1a\n"
_GRAY, _COLOUR, _PALETTE = 0, 2, 3
_DEPTHS_BITS = {_GRAY: frozenset({1, 2, 4, 8, 16}), _COLOUR: frozenset({8, 16})}
_REFUSED_CHUNKS = {
    b"tRNS": "transparency; send opaque pixels",
    b"acTL": "an animation; send one frame per body",
    b"fcTL": "an animation; send one frame per body",
    b"fdAT": "an animation; send one frame per body",
}

MAX_CHUNKS = 1 << 16
"""Encoders write image data in chunks of 8 kB or more; millions of empty ones are a way to burn time."""


def read_header(body: bytes) -> ImageHeader:
    """Walk all chunks and return what IHDR says.

    Raises:
        UndecodableFrame: damaged, truncated, trailing bytes, or a kind of PNG that is not supported.
    """
    header: ImageHeader | None = None
    previous = b""
    has_data = False
    notes: tuple[str, ...] = ()
    for kind, content in _chunks(body):
        if (kind == b"IHDR") != (header is None):
            raise UndecodableFrame(f"PNG chunk {kind!r} where IHDR must come first and once")
        if kind == b"IHDR":
            header = _parse_ihdr(content)
        elif kind == b"IDAT":
            if has_data and previous != b"IDAT":
                raise UndecodableFrame("the PNG's image data is interrupted by another chunk")
            has_data = True
        elif kind in _REFUSED_CHUNKS:
            raise UndecodableFrame(f"the PNG carries {_REFUSED_CHUNKS[kind]}")
        elif kind == b"eXIf":
            notes = (EXIF_ORIENTATION_IGNORED,) if asks_for_rotation(content) else ()
        elif kind[0] < ord("a") and kind not in {b"PLTE", b"IEND"}:
            raise UndecodableFrame(f"the PNG has a critical chunk {kind!r} that this program does not know")
        previous = kind
    if header is None or not has_data:
        raise UndecodableFrame("the PNG has no image data")
    return ImageHeader(header.width_px, header.height_px, header.channels, header.bits, notes)


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Chunks as (kind, content) up to and with IEND, which must be where the body ends."""
    view = memoryview(body)
    position = len(MAGIC)
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(body):
            raise UndecodableFrame("the PNG ends before its IEND chunk: truncated")
        length, kind = struct.unpack_from(">I4s", body, position)
        end = position + 12 + length
        if not kind.isalpha():
            raise UndecodableFrame(f"PNG chunk at byte {position} has the impossible kind {kind!r}")
        if end > len(body):
            raise UndecodableFrame(
                f"PNG chunk {kind!r} at byte {position} needs {end - len(body)} more bytes: truncated"
            )
        (crc,) = struct.unpack_from(">I", body, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != crc:
            raise UndecodableFrame(f"PNG chunk {kind!r} at byte {position} fails its CRC: damaged on the way")
        # Image data can be megabytes and only its presence matters to the walk.
        yield kind, b"" if kind == b"IDAT" else body[position + 8 : end - 4]
        position = end
        if kind == b"IEND":
            if length or position != len(body):
                raise UndecodableFrame(f"{len(body) - position + length} byte(s) after the end of the PNG")
            return
    raise UndecodableFrame(f"the PNG has more than {MAX_CHUNKS} chunks; send an ordinary picture")


def _parse_ihdr(content: bytes) -> ImageHeader:
    if len(content) != 13:
        raise UndecodableFrame(f"PNG IHDR has {len(content)} bytes, it must have 13")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", content)
    if not (0 < width < 2**31 and 0 < height < 2**31):
        raise UndecodableFrame(f"the PNG header claims {width}x{height} px; each side must be 1 to 2^31 - 1")
    if colour not in _DEPTHS_BITS:
        what = "a colour palette" if colour == _PALETTE else f"colour type {colour} (an alpha channel)"
        raise UndecodableFrame(f"the PNG has {what}; send plain gray or colour")
    if depth not in _DEPTHS_BITS[colour] or compression or filtering or interlace > 1:
        raise UndecodableFrame(
            f"PNG with depth {depth}, colour type {colour}, compression {compression}, filter {filtering}, "
            f"interlace {interlace}: no such combination exists"
        )
    return ImageHeader(width, height, channels=1 if colour == _GRAY else 3, bits=max(depth, 8))
