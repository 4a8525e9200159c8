import hashlib
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.inspection.decoding import DecodingLimits, ExpectedGeometry, LinearWindow, ShiftRight, decode
from lineside.inspection.errors import FrameError, FrameTooLarge, GeometryMismatch, UndecodableFrame
from lineside.inspection.frames import Image, MediaType, PixelFormat, RawGeometry

LIMITS = DecodingLimits()
GENEROUS = DecodingLimits(max_pixels=2**40)
SUFFIXES = {MediaType.JPEG: ".jpg", MediaType.PNG: ".png", MediaType.BMP: ".bmp"}


def picture(height: int = 48, width: int = 64, channels: int = 1) -> Image:
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (6, 8, channels), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return image.astype(np.uint8).reshape((height, width) if channels == 1 else (height, width, channels))


def encode(image: NDArray[np.uint8] | NDArray[np.uint16], media_type: MediaType, *options: int) -> bytes:
    done, body = cv2.imencode(SUFFIXES[media_type], image, list(options))
    assert done
    return body.tobytes()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_patched_jpeg_size(body: bytes, width: int, height: int) -> bytes:
    at = body.index(b"\xff\xc0") + 5
    return body[:at] + struct.pack(">HH", height, width) + body[at + 4 :]


def with_exif_orientation(body: bytes, orientation: int) -> bytes:
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 0x0112, 3, 1, orientation, 0)
    segment = b"Exif\x00\x00" + tiff
    return body[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + body[2:]


JPEG = encode(picture(), MediaType.JPEG)
PNG = encode(picture(), MediaType.PNG)
BMP = encode(picture(), MediaType.BMP)
BODIES = {MediaType.JPEG: JPEG, MediaType.PNG: PNG, MediaType.BMP: BMP}
WEBP_34_BYTES = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0e\x00\x00\x00\x2f\x7f\xbe\x9f\x0f" + bytes(9)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("media_type", [MediaType.PNG, MediaType.BMP])
def test_lossless_pictures_come_back_exactly(media_type: MediaType, channels: int) -> None:
    image = picture(37, 41, channels)
    frame = decode(encode(image, media_type), media_type, limits=LIMITS)
    np.testing.assert_array_equal(frame.image, image)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="baseline"),
        pytest.param((cv2.IMWRITE_JPEG_PROGRESSIVE, 1), id="progressive"),
        pytest.param((cv2.IMWRITE_JPEG_OPTIMIZE, 1), id="own Huffman tables"),
        pytest.param((cv2.IMWRITE_JPEG_RST_INTERVAL, 3), id="restart markers"),
        pytest.param((cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2), id="progressive restarts"),
        pytest.param((cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444), id="4:4:4"),
        pytest.param((cv2.IMWRITE_JPEG_QUALITY, 5), id="coarse"),
    ],
)
def test_every_ordinary_jpeg_gives_the_pixels_that_opencv_gives(options: tuple[int, ...], channels: int) -> None:
    body = encode(picture(131, 97, channels), MediaType.JPEG, *options)
    expected = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decode(body, MediaType.JPEG, limits=LIMITS).image, expected)


def test_a_uniform_and_a_one_pixel_jpeg_are_accepted() -> None:
    for image in (np.zeros((1, 1), np.uint8), np.full((640, 640), 255, np.uint8)):
        frame = decode(encode(image, MediaType.JPEG), MediaType.JPEG, limits=LIMITS)
        np.testing.assert_array_equal(frame.image, image)


def test_the_frame_carries_digest_view_and_a_picture_nobody_can_change() -> None:
    frame = decode(PNG, MediaType.PNG, limits=LIMITS, view="top")
    assert frame.digest == hashlib.sha256(PNG).hexdigest()
    assert (frame.view, frame.notes, frame.size_wh_px) == ("top", (), (64, 48))
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 1


@pytest.mark.parametrize("media_type", SUFFIXES)
def test_a_body_cut_anywhere_is_refused(media_type: MediaType) -> None:
    body = BODIES[media_type]
    for length in range(len(body)):
        with pytest.raises(UndecodableFrame):
            decode(body[:length], media_type, limits=LIMITS)


@pytest.mark.parametrize("tail", [b"\x00", b"PK\x03\x04", b"\xff\xd9", JPEG], ids=["zero", "zip", "EOI", "picture"])
@pytest.mark.parametrize("media_type", SUFFIXES)
def test_bytes_after_the_picture_are_refused(media_type: MediaType, tail: bytes) -> None:
    with pytest.raises(UndecodableFrame):
        decode(BODIES[media_type] + tail, media_type, limits=LIMITS)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        pytest.param(b"", MediaType.JPEG, id="empty"),
        pytest.param(b"this is no picture", MediaType.JPEG, id="text"),
        pytest.param(PNG, MediaType.JPEG, id="PNG declared as JPEG"),
        pytest.param(JPEG, MediaType.BMP, id="JPEG declared as BMP"),
        pytest.param(WEBP_34_BYTES, MediaType.JPEG, id="34-byte WebP that claims 16000x16000"),
        pytest.param(WEBP_34_BYTES, MediaType.PNG, id="the same declared as PNG"),
        pytest.param(encode(picture(channels=3)[..., [0, 1, 2, 0]], MediaType.PNG), MediaType.PNG, id="alpha"),
        pytest.param(encode(picture(channels=3)[..., [0, 1, 2, 0]], MediaType.BMP), MediaType.BMP, id="BMP alpha"),
        pytest.param(PNG[:-12] + png_chunk(b"tEXt", b"a") + PNG[-11:], MediaType.PNG, id="shifted IEND"),
        pytest.param(PNG[:33] + png_chunk(b"tRNS", b"\x00\x00") + PNG[33:], MediaType.PNG, id="transparency"),
        pytest.param(PNG[:33] + png_chunk(b"acTL", bytes(8)) + PNG[33:], MediaType.PNG, id="animation"),
        pytest.param(PNG[:33] + png_chunk(b"ABCD", b"") + PNG[33:], MediaType.PNG, id="unknown critical chunk"),
        pytest.param(PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], MediaType.PNG, id="PNG with one bit flipped"),
        pytest.param(JPEG[:-2] + JPEG[2:], MediaType.JPEG, id="two JPEGs run together"),
    ],
)
def test_what_is_no_single_complete_picture_is_undecodable(body: bytes, media_type: MediaType) -> None:
    with pytest.raises(UndecodableFrame):
        decode(body, media_type, limits=GENEROUS)


def test_other_chunks_that_png_allows_are_skipped() -> None:
    body = PNG[:33] + png_chunk(b"tEXt", b"Comment\x00line 3") + PNG[33:]
    np.testing.assert_array_equal(decode(body, MediaType.PNG, limits=LIMITS).image, picture())


def test_a_jpeg_patched_to_16k_is_refused_by_the_pixel_limit_before_it_is_decoded() -> None:
    with pytest.raises(FrameTooLarge, match="16000x16000"):
        decode(with_patched_jpeg_size(JPEG, 16000, 16000), MediaType.JPEG, limits=LIMITS)


@pytest.mark.parametrize("side_px", [16000, 96], ids=["far too large to fit", "slightly too large"])
def test_a_jpeg_with_a_patched_size_is_found_truncated_when_limits_are_generous(side_px: int) -> None:
    with pytest.raises(UndecodableFrame):
        decode(with_patched_jpeg_size(JPEG, side_px, side_px), MediaType.JPEG, limits=GENEROUS)


def test_a_jpeg_patched_to_a_smaller_size_has_data_left_over_and_is_refused() -> None:
    with pytest.raises(UndecodableFrame):
        decode(with_patched_jpeg_size(JPEG, 64, 40), MediaType.JPEG, limits=LIMITS)


def test_png_and_bmp_headers_that_claim_too_much_are_refused_before_allocation() -> None:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    png = PNG[:8] + png_chunk(b"IHDR", header) + PNG[33:]
    with pytest.raises(FrameTooLarge):
        decode(png, MediaType.PNG, limits=LIMITS)
    with pytest.raises(UndecodableFrame):
        decode(BMP[:18] + struct.pack("<ii", 60000, 60000) + BMP[26:], MediaType.BMP, limits=LIMITS)


def test_a_body_larger_than_the_limit_is_refused_unread() -> None:
    with pytest.raises(FrameTooLarge, match="100 bytes"):
        decode(bytes(100), MediaType.JPEG, limits=DecodingLimits(max_bytes=99))


def test_200_zeroed_bytes_inside_a_jpeg_are_noticed_where_opencv_is_silent() -> None:
    body = encode(picture(640, 640), MediaType.JPEG, cv2.IMWRITE_JPEG_QUALITY, 95)
    damaged = body[: len(body) // 2] + bytes(200) + body[len(body) // 2 + 200 :]
    assert cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_UNCHANGED) is not None
    with pytest.raises(UndecodableFrame, match="damaged"):
        decode(damaged, MediaType.JPEG, limits=LIMITS)


@pytest.mark.parametrize(
    ("body", "media_type", "message"),
    [
        pytest.param(JPEG[:2] + b"\xff\xfe\x00\x02" * 100_000 + JPEG[2:], MediaType.JPEG, "segments", id="segments"),
        pytest.param(JPEG[:2] + b"\xff" * 1_000_000 + JPEG[2:], MediaType.JPEG, "marker", id="fill bytes"),
        pytest.param(PNG[:33] + png_chunk(b"tEXt", b"") * 100_000 + PNG[33:], MediaType.PNG, "chunks", id="chunks"),
    ],
)
def test_bodies_that_would_only_burn_time_are_refused(body: bytes, media_type: MediaType, message: str) -> None:
    with pytest.raises(UndecodableFrame, match=message):
        decode(body, media_type, limits=LIMITS)


def test_fill_bytes_before_markers_are_allowed() -> None:
    filled = JPEG[:2] + b"\xff\xff" + JPEG[2:-2] + b"\xff\xff\xff" + JPEG[-2:]
    np.testing.assert_array_equal(
        decode(filled, MediaType.JPEG, limits=LIMITS).image, decode(JPEG, MediaType.JPEG, limits=LIMITS).image
    )


@pytest.mark.parametrize("media_type", SUFFIXES)
def test_an_intact_body_gives_the_same_pixels(media_type: MediaType) -> None:
    checked = decode(BODIES[media_type], media_type, limits=LIMITS)
    np.testing.assert_array_equal(
        decode(BODIES[media_type], media_type, limits=LIMITS, is_intact=True).image, checked.image
    )


def test_a_lost_restart_marker_is_noticed() -> None:
    body = encode(picture(), MediaType.JPEG, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    with pytest.raises(UndecodableFrame, match="restart markers"):
        decode(body.replace(b"\xff\xd1", b"\xff\xd2", 1), MediaType.JPEG, limits=LIMITS)


def test_a_progressive_jpeg_without_its_last_scan_is_refused() -> None:
    body = encode(picture(131, 97), MediaType.JPEG, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    last_table = body.rindex(b"\xff\xc4")
    with pytest.raises(UndecodableFrame, match="before all of its scans"):
        decode(body[:last_table] + b"\xff\xd9", MediaType.JPEG, limits=LIMITS)


@pytest.mark.parametrize(("orientation", "is_noted"), [(1, False), (6, True), (3, True)])
def test_exif_orientation_is_ignored_and_said_so(orientation: int, is_noted: bool) -> None:  # noqa: FBT001  # a case
    frame = decode(with_exif_orientation(JPEG, orientation), MediaType.JPEG, limits=LIMITS)
    np.testing.assert_array_equal(frame.image, decode(JPEG, MediaType.JPEG, limits=LIMITS).image)
    assert frame.notes == (("exif_orientation_ignored",) if is_noted else ())


def test_sixteen_bits_without_a_rule_are_refused_and_the_message_names_the_rules() -> None:
    body = encode(np.full((4, 4), 4095, np.uint16), MediaType.PNG)
    with pytest.raises(GeometryMismatch, match=r"ShiftRight\(bits\).*LinearWindow"):
        decode(body, MediaType.PNG, limits=LIMITS)


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight_by_the_declared_shift(channels: int) -> None:
    values = ((picture(channels=channels).astype(np.uint16) << 4) | 9).astype(np.uint16)
    frame = decode(encode(values, MediaType.PNG), MediaType.PNG, limits=LIMITS, sixteen_bit=ShiftRight(4))
    np.testing.assert_array_equal(frame.image, picture(channels=channels))


def test_a_pixel_brighter_than_the_declared_depth_is_never_cut_silently() -> None:
    body = np.array([[4095, 4096]], "<u2").tobytes()
    with pytest.raises(GeometryMismatch, match="4096"):
        decode(
            body,
            MediaType.RAW,
            limits=LIMITS,
            raw=RawGeometry(2, 1, PixelFormat.MONO16),
            sixteen_bit=ShiftRight(4),
        )


def test_a_window_maps_its_ends_to_black_and_white_and_saturates_outside() -> None:
    body = np.array([[0, 1000, 1500, 2000, 65535]], "<u2").tobytes()
    geometry = RawGeometry(5, 1, PixelFormat.MONO16)
    frame = decode(body, MediaType.RAW, limits=LIMITS, raw=geometry, sixteen_bit=LinearWindow(1000, 2000))
    assert frame.image.tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("pixel_format", [PixelFormat.MONO8, PixelFormat.BGR8])
def test_raw_pixels_come_back_exactly_and_any_other_length_is_refused(pixel_format: PixelFormat) -> None:
    image = picture(channels=1 if pixel_format is PixelFormat.MONO8 else 3)
    geometry = RawGeometry(64, 48, pixel_format)
    frame = decode(image.tobytes(), MediaType.RAW, limits=LIMITS, raw=geometry)
    np.testing.assert_array_equal(frame.image, image)
    for body in (image.tobytes()[:-1], image.tobytes() + b"\x00"):
        with pytest.raises(GeometryMismatch, match="exactly"):
            decode(body, MediaType.RAW, limits=LIMITS, raw=geometry)


def test_raw_needs_a_geometry_and_other_kinds_must_not_have_one() -> None:
    with pytest.raises(GeometryMismatch):
        decode(b"\x00", MediaType.RAW, limits=LIMITS)
    with pytest.raises(GeometryMismatch):
        decode(PNG, MediaType.PNG, limits=LIMITS, raw=RawGeometry(64, 48, PixelFormat.MONO8))


@pytest.mark.parametrize("media_type", SUFFIXES)
def test_another_geometry_than_the_enrolled_camera_is_refused(media_type: MediaType) -> None:
    body = BODIES[media_type]
    decode(body, media_type, limits=LIMITS, expected=ExpectedGeometry((64, 48), 1))
    with pytest.raises(GeometryMismatch, match="64x48"):
        decode(body, media_type, limits=LIMITS, expected=ExpectedGeometry((48, 64)))
    with pytest.raises(GeometryMismatch, match="channel"):
        decode(body, media_type, limits=LIMITS, expected=ExpectedGeometry((64, 48), 3))


@pytest.mark.parametrize("depth", [pytest.param(bits, id=f"{bits} bit") for bits in (1, 2, 4)])
def test_small_gray_depths_are_expanded_to_the_full_range(depth: int) -> None:
    header = struct.pack(">IIBBBBB", 8, 1, depth, 0, 0, 0, 0)
    row = b"\x00" + b"\xff" * depth
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    body = PNG[:8] + b"".join(png_chunk(*chunk) for chunk in chunks)
    assert decode(body, MediaType.PNG, limits=LIMITS).image.tolist() == [[255] * 8]


def test_png_data_that_is_too_short_is_refused_even_with_correct_checksums() -> None:
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(65 * 10))), (b"IEND", b"")]
    body = PNG[:8] + b"".join(png_chunk(*chunk) for chunk in chunks)
    with pytest.raises(UndecodableFrame):
        decode(body, MediaType.PNG, limits=LIMITS)


def test_impossible_limits_and_rules_cannot_be_made() -> None:
    for make in (
        lambda: DecodingLimits(max_pixels=0),
        lambda: ShiftRight(9),
        lambda: LinearWindow(10, 10),
        lambda: ExpectedGeometry((0, 1)),
    ):
        with pytest.raises(ValueError, match=r"."):
            make()


def test_real_boards_decode_to_the_pixels_that_opencv_gives(deeppcb_root: Path) -> None:
    paths = sorted(deeppcb_root.glob("group00041/00041/*.jpg"))[:40]
    assert len(paths) == 40
    for path in paths:
        body = path.read_bytes()
        expected = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(decode(body, MediaType.JPEG, limits=LIMITS).image, expected)


def test_every_refusal_is_a_frame_error() -> None:
    assert {FrameTooLarge, GeometryMismatch, UndecodableFrame} <= set(FrameError.__subclasses__())
