"""GigE Vision cameras without a vendor's software: Aravis' simulated camera as its own process, and viva's in this one.

All tests that use GVCP stand here: its port is the same for every camera of a machine, so one test at a time has it.
"""

import asyncio
import random
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from viva_genicam.testing import FakeGigeCamera

from camera_peers import aravis_camera, camera, grab_until_it_fails, gvcp_port
from lineside.client.backoff import Backoff
from lineside.client.clock import SystemClock
from lineside.station.cameras import (
    CAMERA_KINDS,
    Camera,
    CameraLost,
    CameraMisconfigured,
    CameraTimeout,
    HasFeatures,
    NotSupported,
    WrongPixelFormat,
)
from lineside.station.cameras.reconnecting import ReconnectingCamera

pytestmark = pytest.mark.system


@pytest.fixture(autouse=True, scope="module")
def _port() -> Iterator[None]:
    with gvcp_port():
        yield


def gige(**settings: Any) -> Camera:
    return camera("gige", **{"interface": "127.0.0.1", "discovery_s": 0.1, **settings})


async def connected(source: Camera) -> Camera:
    """Enter a camera whose process was started a moment ago."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await source.__aenter__()
            except CameraLost:
                continue


def test_aravis_camera_is_found_set_up_and_read() -> None:
    async def look() -> None:
        source = await connected(gige(features={"Width": 320, "Height": 200, "AcquisitionFrameRate": 50.0}))
        try:
            frames = [await source.grab(timeout_s=5) for _ in range(3)]
            assert {frame.image.shape for frame in frames} == {(200, 320)}
            assert (frames[0].image != frames[1].image).any(), "its test picture moves"
            assert frames[0].image.flags.writeable
            assert isinstance(source, HasFeatures)
            assert await source.feature("DeviceID") == "GV01"
            await source.set_feature("ExposureTimeAbs", 5000)
            assert await source.feature("ExposureTimeAbs") == 5000.0
            assert (source.health.state, source.health.lost_packets) == ("connected", 0)
            with pytest.raises(NotSupported, match="trigger off"):
                await source.trigger()
            lines = await asyncio.to_thread(CAMERA_KINDS["gige"].devices)
            assert any("127.0.0.1" in line and "Aravis" in line for line in lines)
        finally:
            await source.__aexit__(None, None, None)
        assert source.health.state == "closed"

    with aravis_camera():
        asyncio.run(look())


def test_a_camera_unplugged_between_frames_is_lost_and_comes_back_by_itself() -> None:
    async def lose(process: "subprocess.Popen[bytes]") -> None:
        cable = ReconnectingCamera(
            lambda: gige(features={"Width": 320}),
            name="top",
            clock=SystemClock(),
            backoff=Backoff(first_s=0.01, longest_s=0.05),
            rng=random.Random(1),  # noqa: S311 - waits, no secrets
        )
        async with cable:
            assert await cable.wait_connected(timeout_s=10)
            before, reconnects = await cable.grab(timeout_s=5), cable.health.reconnects
            process.kill()
            process.wait()
            with pytest.raises(CameraLost, match="gone"):
                await grab_until_it_fails(cable, timeout_s=5)
            assert cable.health.state == "lost"
            with pytest.raises(CameraLost):  # at once: the part will have moved on before the camera is back
                await cable.grab(timeout_s=60)
            with aravis_camera():
                assert await cable.wait_connected(timeout_s=10)
                after = await cable.grab(timeout_s=5)
                assert after.image.shape == before.image.shape == (512, 320)
                assert after.sequence > before.sequence
                assert cable.health.reconnects == reconnects + 1

    with aravis_camera() as process:
        asyncio.run(lose(process))


@pytest.mark.parametrize("peer", ["aravis", "viva"])
def test_a_triggered_camera_gives_one_frame_for_each_trigger(peer: str) -> None:
    async def look() -> None:
        source = await connected(gige(trigger="software"))
        try:
            with pytest.raises(CameraTimeout):
                await source.grab(timeout_s=0.05)
            for _ in range(2):
                await source.trigger()
                assert (await source.grab(timeout_s=5)).image.size
            with pytest.raises(CameraTimeout):
                await source.grab(timeout_s=0.05)
            await source.trigger()
            await asyncio.sleep(0.1)  # it comes, and nobody for it: it must not be taken for the next part's
            await source.trigger()
            assert (await source.grab(timeout_s=5)).sequence >= 2
            with pytest.raises(CameraTimeout):
                await source.grab(timeout_s=0.05)
        finally:
            await source.__aexit__(None, None, None)

    with aravis_camera() if peer == "aravis" else FakeGigeCamera(width=64, height=48):
        asyncio.run(look())


def test_a_hardware_trigger_is_set_up_and_takes_no_software_trigger() -> None:
    async def look() -> None:
        source = await connected(gige(trigger="hardware", trigger_source="Line1"))
        try:
            assert isinstance(source, HasFeatures)
            assert [await source.feature(name) for name in ("TriggerMode", "TriggerSource")] == ["On", "Line1"]
            with pytest.raises(NotSupported, match="trigger hardware"):
                await source.trigger()
        finally:
            await source.__aexit__(None, None, None)

    with FakeGigeCamera(width=64, height=48):
        asyncio.run(look())


def test_a_lost_packet_makes_a_partial_frame_and_is_counted() -> None:
    async def look() -> None:
        source = await connected(gige(delivery="every", buffered_frames=64))
        try:
            frames = [await source.grab(timeout_s=5) for _ in range(5)]
            assert [frame.is_partial for frame in frames] == [False, False, True, False, False]
            assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]
            assert source.health.lost_packets == 1
        finally:
            await source.__aexit__(None, None, None)

    with FakeGigeCamera(width=64, height=48, fps=50, drop_packets=[(3, 1)], packet_resend=False):
        asyncio.run(look())


def test_a_lost_packet_that_the_camera_sends_again_costs_nothing() -> None:
    async def look() -> None:
        source = await connected(gige(delivery="every", buffered_frames=64))
        try:
            frames = [await source.grab(timeout_s=5) for _ in range(5)]
            assert not any(frame.is_partial for frame in frames)
            assert (source.health.lost_packets, source.health.resent_packets) == (0, 1)
        finally:
            await source.__aexit__(None, None, None)

    with FakeGigeCamera(width=64, height=48, fps=50, drop_packets=[(3, 1)]):
        asyncio.run(look())


@pytest.mark.parametrize(
    ("pixel_format", "shape"), [("BayerRG8", (48, 64, 3)), ("RGB8", (48, 64, 3)), ("BGR8", (48, 64, 3))]
)
def test_colour_comes_as_blue_green_red(pixel_format: str, shape: tuple[int, ...]) -> None:
    async def look() -> None:
        source = await connected(gige())
        try:
            assert (await source.grab(timeout_s=5)).image.shape == shape
        finally:
            await source.__aexit__(None, None, None)

    with FakeGigeCamera(width=64, height=48, fps=50, pixel_format=pixel_format):
        asyncio.run(look())


def test_a_wrong_pixel_format_is_named_and_the_camera_stays() -> None:
    async def look() -> None:
        source = await connected(gige())
        try:
            with pytest.raises(WrongPixelFormat, match="sends Mono12p; set its PixelFormat to one of Mono8"):
                await source.grab(timeout_s=5)
            assert source.health.state == "connected"
        finally:
            await source.__aexit__(None, None, None)

    with FakeGigeCamera(width=64, height=48, fps=50, pixel_format="Mono12p"):
        asyncio.run(look())


def test_control_taken_by_another_application_is_a_lost_camera() -> None:
    async def look(fake: FakeGigeCamera) -> None:
        source = await connected(gige(trigger="software"))
        try:
            fake.revoke_control()
            with pytest.raises(CameraLost):
                await source.grab(timeout_s=20)
        finally:
            await source.__aexit__(None, None, None)

    with FakeGigeCamera(width=64, height=48) as fake:
        asyncio.run(look(fake))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("ExposureMood", 1, "ExposureMood cannot be read: node not found", id="unknown name"),
        pytest.param("Width", 99_999, "cannot be set to 99999", id="out of range"),
        pytest.param("PixelFormat", "Mono99", "no entry named Mono99", id="no such entry"),
        pytest.param("Width", 32.5, "Width cannot be set to 32.5", id="a fraction"),
        pytest.param("Width", "wide", r"Width is int \(64\), not 'wide'", id="text for a number"),
    ],
)
def test_a_refused_feature_is_a_named_error(
    shared: FakeGigeCamera, name: str, value: str | float, problem: str
) -> None:
    async def connect() -> None:
        await gige(features={name: value}).__aenter__()

    with pytest.raises(CameraMisconfigured, match=problem):
        asyncio.run(connect())


@pytest.fixture(scope="module")
def shared() -> Iterator[FakeGigeCamera]:
    with FakeGigeCamera(width=64, height=48) as fake:
        yield fake


def test_a_camera_that_does_not_answer_is_lost_and_those_that_do_are_named(shared: FakeGigeCamera) -> None:
    async def connect() -> None:
        await gige(mac="00:11:22:33:44:55").__aenter__()

    with pytest.raises(CameraLost, match=r"cameras that do: 127\.0\.0\.1 \(DE:AD:BE:EF:CA:FE"):
        asyncio.run(connect())
