"""The two libraries that turn checked streams into pixels.

JPEG goes through simplejpeg rather than OpenCV: both carry libjpeg-turbo and give the same pixels, but OpenCV
swallows its "corrupt data" warnings, while simplejpeg makes them errors.
"""

import os

# A second line of defence: OpenCV reads this once, when it is first imported. Our own header check comes
# before it and does not depend on it. 2^28 px is a 16384 x 16384 picture.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))

import cv2  # the variable must be set before
import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # ships a .pyi but no py.typed
from numpy.typing import NDArray

from lineside.inspection.decoding.headers import ImageHeader
from lineside.inspection.decoding.jpeg import JpegStructure
from lineside.inspection.errors import UndecodableFrame

_END_OF_IMAGE = b"\xff\xd9"
_STUFFED = b"\xff\x00"


def read_png(body: bytes, header: ImageHeader) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode a PNG whose chunks were checked: (h, w) or (h, w, 3) BGR, 8 or 16 bits."""
    try:
        image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise UndecodableFrame(f"the PNG's image data cannot be decoded ({error.err})") from error
    expected_shape = (header.height_px, header.width_px, 3)[: 2 if header.channels == 1 else 3]
    expected_type = np.uint16 if header.bits == 16 else np.uint8
    if image is None or image.shape != expected_shape or image.dtype != expected_type:
        raise UndecodableFrame("the PNG's image data is damaged or not what its header says")
    return image  # type: ignore[return-value]  # cv2's stubs only say "integer or floating"; checked above


def read_jpeg(body: bytes, structure: JpegStructure, *, is_intact: bool) -> NDArray[np.uint8]:
    """Decode a JPEG whose structure was checked: (h, w) or (h, w, 3) BGR.

    Args:
        body: the stream.
        structure: what the walk found in it.
        is_intact: leave out the second decode that looks for damage on the way.

    Raises:
        UndecodableFrame: the entropy-coded data is damaged as far as libjpeg-turbo can tell, or holds
            more than the picture needs.
    """
    header = structure.header
    try:
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(body, "GRAY" if header.channels == 1 else "BGR", strict=True)
    except ValueError as error:
        raise UndecodableFrame(f"the JPEG's image data is damaged ({error})") from error
    if image.shape != (header.height_px, header.width_px, header.channels):
        raise UndecodableFrame(f"the JPEG decodes to shape {image.shape}, not to what its header says")
    if not is_intact:
        _require_last_byte_needed(body, structure)
    return image[:, :, 0] if header.channels == 1 else image


def _require_last_byte_needed(body: bytes, structure: JpegStructure) -> None:
    """Refuse image data whose last byte the picture does not need.

    Damage usually shifts the code: the decoder then finishes early or late. Late is an error by itself; early
    leaves up to eight bytes that libjpeg has buffered and never mentions. So the picture is decoded again, at
    an eighth of the size, without the last byte: of an intact stream that must fail. Of single bit
    flips on a binarised board that raised the share caught from 31 % to 49 %; the others change some values and
    leave a stream that is valid in every way (benchmarks/damaged_jpegs.py measures all kinds of damage).
    """
    end = structure.last_scan_end
    width = 2 if body[end - 2 : end] == _STUFFED else 1
    shortened = body[: end - width] + _END_OF_IMAGE
    try:
        simplejpeg.decode_jpeg(shortened, "GRAY", min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError:
        return
    raise UndecodableFrame(
        "the JPEG's image data goes on after the last block of the picture: damaged on the way (an encoder "
        "that pads its data with whole bytes would look the same)"
    )
