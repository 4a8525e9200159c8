"""Whatever is done to a body: a refusal of our own kind, or a picture of exactly the size its header says."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from lineside.inspection.decoding import DecodingLimits, ShiftRight, decode
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import Frame, Image, MediaType, PixelFormat, RawGeometry

LIMITS = DecodingLimits(max_pixels=2**16)


def _encoded(suffix: str, channels: int, *options: int) -> bytes:
    rng = np.random.default_rng(3)
    shape = (24, 40) if channels == 1 else (24, 40, channels)
    done, body = cv2.imencode(suffix, rng.integers(0, 256, shape, dtype=np.uint8), list(options))
    assert done
    return body.tobytes()


SEEDS = [
    (MediaType.JPEG, _encoded(".jpg", 1)),
    (MediaType.JPEG, _encoded(".jpg", 3)),
    (MediaType.JPEG, _encoded(".jpg", 3, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
    (MediaType.JPEG, _encoded(".jpg", 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)),
    (MediaType.PNG, _encoded(".png", 1)),
    (MediaType.PNG, _encoded(".png", 3)),
    (MediaType.BMP, _encoded(".bmp", 1)),
    (MediaType.BMP, _encoded(".bmp", 3)),
]


def claimed_size_wh(body: bytes, media_type: MediaType) -> tuple[int, int]:
    """The size in the header, read in another way than the decoder does."""
    if media_type is MediaType.PNG:
        return struct.unpack(">II", body[16:24])
    if media_type is MediaType.BMP:
        width, height = struct.unpack("<ii", body[18:26])
        return width, abs(height)
    at = 2
    while body[at + 1] not in {0xC0, 0xC1, 0xC2}:
        at += 1 if body[at + 1] == 0xFF else 2 + struct.unpack(">H", body[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", body[at + 5 : at + 9])
    return width, height


def decoded_or_refused(body: bytes, media_type: MediaType) -> Frame | None:
    try:
        return decode(body, media_type, limits=LIMITS, sixteen_bit=ShiftRight(8))
    except FrameError:
        return None


@st.composite
def mutations(draw: st.DrawFn) -> tuple[MediaType, bytes]:
    media_type, seed = draw(st.sampled_from(SEEDS))
    body = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        match draw(st.sampled_from(["replace", "insert", "remove", "zero", "copy"])):
            case "replace":
                body[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                body[at:at] = draw(st.binary(min_size=1, max_size=12))
            case "remove":
                del body[at : at + draw(st.integers(1, 40))]
            case "zero":
                count = len(body[at : at + draw(st.integers(1, 60))])
                body[at : at + count] = bytes(count)
            case _:
                body[at:at] = body[at : at + draw(st.integers(1, 60))]
    return media_type, bytes(body)


@settings(max_examples=600, deadline=None)
@given(mutations())
def test_a_mutated_body_is_refused_or_has_the_size_of_its_header(mutation: tuple[MediaType, bytes]) -> None:
    media_type, body = mutation
    frame = decoded_or_refused(body, media_type)
    if frame is not None:
        assert frame.size_wh_px == claimed_size_wh(body, media_type)
        assert frame.image.dtype == np.uint8
        assert frame.image.ndim == 2 or frame.image.shape[2] == 3


@pytest.mark.parametrize("media_type", [MediaType.JPEG, MediaType.PNG, MediaType.BMP])
@settings(max_examples=200, deadline=None)
@given(tail=st.binary(max_size=300))
def test_no_bytes_after_a_magic_number_raise_anything_else(media_type: MediaType, tail: bytes) -> None:
    magic = {MediaType.JPEG: b"\xff\xd8\xff", MediaType.PNG: b"\x89PNG\r\n\x1a\n", MediaType.BMP: b"BM"}
    decoded_or_refused(magic[media_type] + tail, media_type)


pictures = numpy_strategies.arrays(
    np.uint8,
    st.one_of(
        st.tuples(st.integers(1, 20), st.integers(1, 20)),
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3)),
    ),
)


@pytest.mark.parametrize(("media_type", "suffix"), [(MediaType.PNG, ".png"), (MediaType.BMP, ".bmp")])
@settings(max_examples=100, deadline=None)
@given(image=pictures)
def test_lossless_round_trips_are_exact(media_type: MediaType, suffix: str, image: Image) -> None:
    done, body = cv2.imencode(suffix, image)
    assert done
    np.testing.assert_array_equal(decode(body.tobytes(), media_type, limits=LIMITS).image, image)


@settings(max_examples=100, deadline=None)
@given(image=pictures)
def test_raw_round_trips_are_exact(image: Image) -> None:
    pixel_format = PixelFormat.MONO8 if image.ndim == 2 else PixelFormat.BGR8
    geometry = RawGeometry(image.shape[1], image.shape[0], pixel_format)
    frame = decode(image.tobytes(), MediaType.RAW, limits=LIMITS, raw=geometry)
    np.testing.assert_array_equal(frame.image, image)


@settings(max_examples=100, deadline=None)
@given(image=pictures, quality=st.integers(1, 100), is_progressive=st.booleans(), restart=st.integers(0, 5))
def test_every_jpeg_that_opencv_writes_is_accepted_with_its_pixels(
    image: Image,
    quality: int,
    is_progressive: bool,  # noqa: FBT001  # drawn by hypothesis
    restart: int,
) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(is_progressive)]
    done, body = cv2.imencode(".jpg", image, [*options, cv2.IMWRITE_JPEG_RST_INTERVAL, restart])
    assert done
    expected = cv2.imdecode(body, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decode(body.tobytes(), MediaType.JPEG, limits=LIMITS).image, expected)
