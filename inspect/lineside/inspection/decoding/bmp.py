"""Windows bitmaps: uncompressed 8-bit gray and 24-bit colour, read without a library.

Layout after Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER. Rows are padded to 4 bytes and stored
bottom up unless the height is negative.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.decoding.headers import ImageHeader
from lineside.inspection.errors import UndecodableFrame

MAGIC = b"BM"
_FILE_HEADER_BYTES = 14
_INFO_HEADER_BYTES = frozenset({40, 52, 56, 108, 124})
_GRAY_RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def read_header(body: bytes) -> ImageHeader:
    """Check every size in the file against the others.

    Raises:
        UndecodableFrame: truncated, trailing bytes, or a kind of bitmap that is not supported.
    """
    if len(body) < _FILE_HEADER_BYTES + 40:
        raise UndecodableFrame(f"the BMP ends after {len(body)} bytes, inside its header")
    file_bytes, _, pixel_offset, info_bytes, width, height, planes, depth, compression = struct.unpack_from(
        "<IIIIiiHHI", body, 2
    )
    if info_bytes not in _INFO_HEADER_BYTES or planes != 1:
        raise UndecodableFrame(
            f"BMP info header of {info_bytes} bytes and {planes} plane(s); send a BITMAPINFOHEADER (40 bytes, 1 plane)"
        )
    if width < 1 or height == 0:
        raise UndecodableFrame(f"the BMP header claims {width}x{height} px; both sides must be at least 1 px")
    if compression != 0 or depth not in {8, 24}:
        raise UndecodableFrame(
            f"BMP with {depth} bits per pixel and compression {compression}; "
            "send uncompressed 8-bit gray or 24-bit colour (32 bits would carry an alpha channel)"
        )
    rows = abs(height)
    end = pixel_offset + _stride_bytes(width, depth) * rows
    if not file_bytes == end == len(body):
        raise UndecodableFrame(
            f"the BMP has {len(body)} bytes, its header says {file_bytes} and its pixels end at {end}; "
            "the file is truncated or something follows the picture"
        )
    colours_end = _FILE_HEADER_BYTES + info_bytes + (4 * 256 if depth == 8 else 0)
    if pixel_offset < colours_end:
        raise UndecodableFrame(f"the BMP's pixels start at byte {pixel_offset}, inside its header or palette")
    if depth == 8:
        _require_gray_palette(body, _FILE_HEADER_BYTES + info_bytes)
    return ImageHeader(width, rows, channels=1 if depth == 8 else 3)


def read_pixels(body: bytes, header: ImageHeader) -> NDArray[np.uint8]:
    """The pixels of a body whose header was checked: (h, w) or (h, w, 3) BGR."""
    (pixel_offset,) = struct.unpack_from("<I", body, 10)
    (signed_height,) = struct.unpack_from("<i", body, 22)
    stride = _stride_bytes(header.width_px, 8 * header.channels)
    rows = np.frombuffer(body, np.uint8, offset=pixel_offset).reshape(header.height_px, stride)
    upright = rows if signed_height < 0 else rows[::-1]
    pixels = np.ascontiguousarray(upright[:, : header.width_px * header.channels])
    return pixels if header.channels == 1 else pixels.reshape(header.height_px, header.width_px, 3)


def _stride_bytes(width_px: int, depth_bits: int) -> int:
    return (width_px * depth_bits // 8 + 3) // 4 * 4


def _require_gray_palette(body: bytes, offset: int) -> None:
    palette = np.frombuffer(body, np.uint8, count=4 * 256, offset=offset).reshape(256, 4)
    if not np.array_equal(palette[:, :3], _GRAY_RAMP):
        raise UndecodableFrame(
            "the BMP has a colour palette (or a gray one that is not 0..255 in order); "
            "send plain 8-bit gray or 24-bit colour"
        )
