"""Reading and drawing 2D symbols: Data Matrix (ISO/IEC 16022) and QR Code (ISO/IEC 18004), by ZXing-C++.

The library is imported here alone, and only when a symbol is read or drawn.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any, Final

import numpy as np

from lineside.inspection.frames import Image
from lineside.station.part_codes.errors import CodeReaderMissing, CodeUndrawable


class CodeFormat(StrEnum):
    """The symbols that parts bear."""

    DATA_MATRIX = "data_matrix"
    QR_CODE = "qr_code"


ALL_FORMATS: Final = frozenset(CodeFormat)

_ZXING_NAMES: Final = {CodeFormat.DATA_MATRIX: "DataMatrix", CodeFormat.QR_CODE: "QRCode"}

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; the second corner lies outside."""


@dataclass(frozen=True, slots=True)
class Code:
    """One symbol that was read without error.

    Attributes:
        text: what it says.
        format: which symbol it is.
        corners_xy_px: top left, top right, bottom right, bottom left as the symbol stands, in the whole image.
    """

    text: str
    format: CodeFormat
    corners_xy_px: tuple[tuple[int, int], ...]


def read_codes(
    image: Image, *, formats: Collection[CodeFormat] = ALL_FORMATS, region_xyxy_px: Region | None = None
) -> tuple[Code, ...]:
    """Read all symbols in a picture; takes milliseconds, so not on the event loop.

    A symbol whose error correction fails is not there: a code is read right or not at all.

    Args:
        image: uint8 (h, w) or (h, w, 3) BGR.
        formats: the symbols that are looked for, at least one.
        region_xyxy_px: where to look; cut at the image. None: everywhere.

    Returns:
        From top to bottom and from left to right; empty where none can be read, also for a region outside the image.

    Raises:
        CodeReaderMissing: the decoder is not installed.
        ValueError: no format, or a region that is none.
    """
    if not formats:
        raise ValueError(f"no format to look for; expected one or more of {', '.join(CodeFormat)}")
    left, top, right, bottom = (0, 0, image.shape[1], image.shape[0]) if region_xyxy_px is None else region_xyxy_px
    if not (left < right and top < bottom):
        raise ValueError(f"region {region_xyxy_px}: expected x0 < x1 and y0 < y1")
    left, top = max(left, 0), max(top, 0)
    part = image[top : max(bottom, 0), left : max(right, 0)]
    if part.size == 0:
        return ()
    zxing = _zxing()
    found = zxing.read_barcodes(
        np.ascontiguousarray(part),
        formats=zxing.BarcodeFormats([getattr(zxing.BarcodeFormat, _ZXING_NAMES[wanted]) for wanted in formats]),
        text_mode=zxing.TextMode.Plain,
    )
    codes = [_code(symbol, left, top) for symbol in found if symbol.valid]
    return tuple(sorted(codes, key=lambda code: (code.corners_xy_px[0][1], code.corners_xy_px[0][0], code.text)))


def draw_code(text: str, format_: CodeFormat) -> Image:
    """A symbol, one pixel a module, black on white, without its quiet zone: uint8 (modules, modules).

    Raises:
        CodeReaderMissing: the library is not installed.
        CodeUndrawable: the symbol cannot carry this text.
    """
    zxing = _zxing()
    try:
        symbol = zxing.create_barcode(text, getattr(zxing.BarcodeFormat, _ZXING_NAMES[format_]))
    except (ValueError, RuntimeError) as error:
        raise CodeUndrawable(f"a {format_} symbol cannot carry {text[:40]!r}: {error}; shorten the text") from error
    return np.array(symbol.to_image(scale=1, add_quiet_zones=False), np.uint8)


def _code(symbol: Any, left_px: int, top_px: int) -> Code:
    corners = symbol.position
    points = (corners.top_left, corners.top_right, corners.bottom_right, corners.bottom_left)
    is_data_matrix = symbol.symbology == _zxing().BarcodeFormat.DataMatrix
    return Code(
        symbol.text,
        CodeFormat.DATA_MATRIX if is_data_matrix else CodeFormat.QR_CODE,
        tuple((point.x + left_px, point.y + top_px) for point in points),
    )


def _zxing() -> ModuleType:
    try:
        import zxingcpp
    except ModuleNotFoundError as missing:
        raise CodeReaderMissing(f"2D codes need {missing.name}: install lineside[cameras]") from missing
    module: ModuleType = zxingcpp
    return module
