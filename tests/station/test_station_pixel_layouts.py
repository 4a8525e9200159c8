import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from lineside.station.cameras import CameraLost, FrameBroken, WrongPixelFormat
from lineside.station.cameras.driver_thread import DriverThread
from lineside.station.cameras.mailbox import Mailbox
from lineside.station.cameras.pixel_layouts import PIXEL_FORMATS, RawPixels

RED_BGR = (0, 0, 200)
GREEN_BGR = (0, 180, 0)


def packed(pixel_format: str, pixel: tuple[int, ...], *, padding: int = 0) -> RawPixels:
    """Four columns and two rows of one colour, each row with garbage behind it."""
    row = np.concatenate([np.tile(np.array(pixel, np.uint8), 4), np.full(padding, 99, np.uint8)])
    return RawPixels(np.tile(row, 2), pixel_format, 4, 2, padding)


def mosaic(pixel_format: str, *, red_at: tuple[int, int]) -> RawPixels:
    """16 x 16 px of pure red behind a Bayer filter whose red pixel lies at (row, column) of each 2 x 2 block."""
    rows = np.zeros((16, 16), np.uint8)
    rows[red_at[0] :: 2, red_at[1] :: 2] = 200
    return RawPixels(rows.ravel(), pixel_format, 16, 16)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(packed("BGR8", RED_BGR), RED_BGR, id="BGR8"),
        pytest.param(packed("RGB8", RED_BGR[::-1]), RED_BGR, id="RGB8"),
        pytest.param(packed("RGB8Packed", GREEN_BGR[::-1], padding=4), GREEN_BGR, id="RGB8Packed, padded rows"),
        pytest.param(packed("RGBa8", (*RED_BGR[::-1], 7)), RED_BGR, id="RGBa8"),
        pytest.param(packed("BGRa8", (*RED_BGR, 7)), RED_BGR, id="BGRa8"),
        pytest.param(mosaic("BayerRG8", red_at=(0, 0)), RED_BGR, id="BayerRG8"),
        pytest.param(mosaic("BayerGR8", red_at=(0, 1)), RED_BGR, id="BayerGR8"),
        pytest.param(mosaic("BayerGB8", red_at=(1, 0)), RED_BGR, id="BayerGB8"),
        pytest.param(mosaic("BayerBG8", red_at=(1, 1)), RED_BGR, id="BayerBG8"),
    ],
)
def test_a_colour_stays_itself_whatever_the_camera_packs_it_into(raw: RawPixels, expected: tuple[int, ...]) -> None:
    image = raw.to_image(camera="top")
    assert image.shape == (raw.height_px, raw.width_px, 3)
    inner = image[2:-2, 2:-2] if raw.height_px > 4 else image
    np.testing.assert_array_equal(inner, np.broadcast_to(np.array(expected, np.uint8), inner.shape))


def test_gray_rows_lose_their_padding_and_own_their_pixels() -> None:
    raw = packed("Mono8", (17,), padding=3)
    image = raw.to_image(camera="top")
    np.testing.assert_array_equal(image, np.full((2, 4), 17, np.uint8))
    image[:] = 0
    assert raw.data[0] == 17


@pytest.mark.parametrize("pixel_format", ["Mono10", "Mono12p", "Mono16", "BayerRG12", "YUV422_8", "Coord3D_ABC32f", ""])
def test_other_pixel_formats_are_refused_by_name(pixel_format: str) -> None:
    with pytest.raises(WrongPixelFormat, match=f"'top' sends {pixel_format}; set its PixelFormat to one of Mono8"):
        RawPixels(np.zeros(4096, np.uint8), pixel_format, 8, 8).to_image(camera="top")


@pytest.mark.parametrize("pixel_format", PIXEL_FORMATS)
def test_a_buffer_that_is_too_short_is_a_broken_frame(pixel_format: str) -> None:
    with pytest.raises(FrameBroken, match="buffer of 63 bytes, but 8x8"):
        RawPixels(np.zeros(63, np.uint8), pixel_format, 8, 8).to_image(camera="top")


def test_the_mailbox_counts_what_fell_out_and_ends_with_the_failure() -> None:
    async def use() -> None:
        box = Mailbox[int](2)
        for number in range(5):
            await asyncio.to_thread(box.put, number)
        box.fail(CameraLost("unplugged"))
        assert [await box.take(), await box.take()] == [(3, 3), (4, 0)]
        with pytest.raises(CameraLost, match="unplugged"):
            await box.take()

    asyncio.run(use())


def test_a_call_that_hangs_is_given_up_and_nothing_more_is_asked() -> None:
    never = threading.Event()

    async def use() -> None:
        thread = DriverThread("test")
        assert await thread.call(threading.get_ident, timeout_s=5) != threading.get_ident()
        with pytest.raises(TimeoutError):
            await thread.call(never.wait, timeout_s=0.01)
        assert thread.is_given_up
        with pytest.raises(TimeoutError):
            await thread.call(threading.get_ident, timeout_s=5)
        never.set()
        thread.end()

    asyncio.run(use())


def test_a_cancelled_caller_leaves_no_call_behind() -> None:
    begun, go_on, made = threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        begun.set()
        go_on.wait(5)
        made.append("first")

    async def use() -> None:
        thread = DriverThread("test")
        running = asyncio.create_task(thread.call(first, timeout_s=5))
        await asyncio.to_thread(begun.wait, 5)
        never_begun: Callable[[], None] = lambda: made.append("second")  # noqa: E731 - one line says it
        waiting = asyncio.create_task(thread.call(never_begun, timeout_s=5))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        await running
        await thread.call(lambda: made.append("third"), timeout_s=5)
        thread.end()

    asyncio.run(use())
    assert made == ["first", "third"]
