"""The one EXIF tag that matters here: orientation, which is reported and never applied.

A camera bolted over a line does not turn; a rotated picture would put every zone of the recipe elsewhere.
"""

import struct

_ORIENTATION_TAG = 0x0112
_SHORT = 3
_UPRIGHT = 1
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}


def asks_for_rotation(tiff: bytes) -> bool:
    """Whether an EXIF block (from its TIFF header on) has an orientation other than upright.

    A block that cannot be read says nothing: it is metadata, the pixels are judged without it.
    """
    byte_order = _BYTE_ORDERS.get(tiff[:2])
    if byte_order is None or len(tiff) < 8:
        return False
    (directory,) = struct.unpack_from(f"{byte_order}I", tiff, 4)
    if directory + 2 > len(tiff):
        return False
    (count,) = struct.unpack_from(f"{byte_order}H", tiff, directory)
    entries_fit = (len(tiff) - directory - 2) // 12
    for index in range(min(count, entries_fit)):
        tag, kind, _, value = struct.unpack_from(f"{byte_order}HHIH", tiff, directory + 2 + 12 * index)
        if tag == _ORIENTATION_TAG and kind == _SHORT:
            return bool(value != _UPRIGHT)
    return False
