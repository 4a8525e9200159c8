"""GenICam cameras through harvesters and a real GenTL producer: viky.cti, which the genicam package brings along."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import genicam
import pytest
from pydantic import ValidationError

from camera_peers import camera
from lineside.station.cameras import (
    CAMERA_KINDS,
    Camera,
    CameraLost,
    CameraMisconfigured,
    FrameBroken,
    HasFeatures,
    NotSupported,
)

VIKY = Path(genicam.__file__).with_name("viky.cti")
FAST: Mapping[str, Any] = {"AcquisitionFrameRate": 100.0}


def viky(device: str | None = "0", **settings: Any) -> Camera:
    return camera("genicam", producer=str(VIKY), device=device, **settings)


def test_features_are_written_by_their_name_and_frames_are_as_they_say() -> None:
    async def look() -> None:
        source = viky(features={"PixelFormat": "Mono8", "Width": 320, "Height": 240, **FAST})
        async with source:
            frame = await source.grab(timeout_s=5)
            assert frame.image.shape == (240, 320)
            assert frame.image.flags.owndata
            assert frame.image.flags.writeable
            assert frame.image.any()
            assert isinstance(source, HasFeatures)
            assert await source.feature("AcquisitionFrameRate") == 100.0
            assert await source.feature("PixelFormat") == "Mono8"
            assert source.health.state == "connected"
        assert source.health.state == "closed"

    asyncio.run(look())


def test_a_colour_frame_with_alpha_comes_as_blue_green_red_and_moves() -> None:
    async def look() -> None:
        async with viky(features={"PixelFormat": "RGBa8", **FAST}) as source:
            first, second = [await source.grab(timeout_s=5) for _ in range(2)]
            assert first.image.shape == (400, 400, 3)
            assert (first.image != second.image).any(), "the ball did not move"

    asyncio.run(look())


def test_frames_that_nobody_came_for_in_time_are_counted() -> None:
    async def look() -> None:
        places = viky("0", delivery="every", buffered_frames=2, features=FAST)
        async with places as source, viky("1", features=FAST) as pacemaker:
            before = await source.grab(timeout_s=5)
            for _ in range(10):
                await pacemaker.grab(timeout_s=5)
            after = await source.grab(timeout_s=5)
            assert after.lost_before > 0
            assert after.sequence == before.sequence + 1 + after.lost_before
            assert source.health.lost_frames >= before.lost_before + after.lost_before

    asyncio.run(look())


def test_a_camera_that_runs_free_never_gives_a_frame_from_before_the_call() -> None:
    async def look() -> None:
        async with viky("0", features=FAST) as source, viky("1", features=FAST) as pacemaker:
            await source.grab(timeout_s=5)
            for _ in range(4):
                await pacemaker.grab(timeout_s=5)
            asked_s = asyncio.get_running_loop().time()  # time.monotonic, as the station's clock
            frame = await source.grab(timeout_s=5)
            assert frame.received_s >= asked_s

    asyncio.run(look())


def test_a_frame_brings_the_count_of_the_feature_that_is_named_as_the_encoder() -> None:
    """No simulated producer has chunk data; what is read from the node map beside the frame is the same call."""

    async def look() -> None:
        async with viky(encoder_feature="PayloadSize", features=FAST) as source:
            frame = await source.grab(timeout_s=5)
            assert isinstance(source, HasFeatures)
            assert frame.encoder == await source.feature("PayloadSize")
        with pytest.raises(CameraMisconfigured, match="has no feature ChunkEncoderValue"):
            await viky(encoder_feature="ChunkEncoderValue").__aenter__()
        async with viky(encoder_feature="PixelFormat", features=FAST) as source:
            with pytest.raises(FrameBroken, match="expected an encoder's whole count"):
                await source.grab(timeout_s=5)

    asyncio.run(look())


def test_two_cameras_share_a_producer_and_a_third_may_fail_beside_them() -> None:
    async def look() -> None:
        async with viky("0", features=FAST) as first, viky("1", features=FAST) as second:
            for asked in ("0", "99", None):
                with pytest.raises((CameraLost, CameraMisconfigured), match=r"in use|no such device|several devices"):
                    await viky(asked).__aenter__()
            assert (await first.grab(timeout_s=5)).image.size
            assert (await second.grab(timeout_s=5)).image.size
        async with viky("0") as again:
            assert (await again.grab(timeout_s=5)).image.size

    asyncio.run(look())


def test_the_loop_runs_on_while_a_camera_is_waited_for() -> None:
    """The producer's own wait holds Python's lock: the station's scan would stand still."""

    async def look() -> int:
        turns = 0
        async with viky(features={"AcquisitionFrameRate": 2.0}) as source:
            grabbing = asyncio.create_task(source.grab(timeout_s=5))
            while not grabbing.done():
                await asyncio.sleep(0.002)
                turns += 1
        return turns

    # A frame comes after up to 0.5 s: some 200 turns; with the producer's wait there were two a second.
    assert asyncio.run(look()) > 20


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("ExposureMood", 1, "has no feature ExposureMood", id="unknown name"),
        pytest.param("Width", 99_999, "Width cannot be set to 99999: Value = 99999 must be", id="out of range"),
        pytest.param("PixelFormat", "Mono99", "'Mono99', the value is invalid", id="no such entry"),
        pytest.param("Width", 320.5, "Width is an IInteger and cannot be set", id="another type"),
        pytest.param("Width", "wide", "cannot convert string", id="text for a number"),
        pytest.param("PayloadSize", 3, "not writable", id="read only"),
        pytest.param("DeviceControl", 1, "DeviceControl is an ICategory", id="a category"),
    ],
)
def test_a_refused_feature_is_a_named_error(name: str, value: str | float, problem: str) -> None:
    async def write() -> None:
        async with viky() as source:
            assert isinstance(source, HasFeatures)
            await source.set_feature(name, value)

    with pytest.raises(NotSupported, match=problem):
        asyncio.run(write())

    async def connect() -> None:
        await viky(features={name: value}).__aenter__()

    with pytest.raises(CameraMisconfigured, match=problem):
        asyncio.run(connect())


def test_a_trigger_that_the_camera_does_not_have_is_refused() -> None:
    async def look() -> None:
        with pytest.raises(CameraMisconfigured, match="no feature TriggerMode"):
            await viky(trigger="software").__aenter__()
        async with viky() as source:
            with pytest.raises(NotSupported, match="trigger off"):
                await source.trigger()

    asyncio.run(look())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "cannot be loaded", id="no file"),
        pytest.param(b"GenTL, honestly", "cannot be loaded", id="no library"),
    ],
)
def test_what_is_no_producer_is_refused(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "vendor.cti"
    if content is not None:
        path.write_bytes(content)

    async def connect() -> None:
        await camera("genicam", producer=str(path)).__aenter__()

    with pytest.raises(CameraMisconfigured, match=problem):
        asyncio.run(connect())


def test_a_library_that_is_no_producer_is_refused_before_it_ends_the_process() -> None:
    library = next(Path(genicam.__file__).parent.glob("_gentl*.so"))

    async def connect() -> None:
        await camera("genicam", producer=str(library)).__aenter__()

    with pytest.raises(CameraMisconfigured, match="no GCInitLib"):
        asyncio.run(connect())


def test_devices_are_found_where_vendors_install_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENICAM_GENTL64_PATH", os.pathsep.join((str(tmp_path), str(VIKY.parent))))
    found = CAMERA_KINDS["genicam"].devices()
    assert [line.split()[0] for line in found] == ["0", "1", "2"]
    assert all("Viky" in line and str(VIKY) in line for line in found)
    monkeypatch.delenv("GENICAM_GENTL64_PATH")
    assert CAMERA_KINDS["genicam"].devices() == ()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        pytest.param({"trigger": "hardware"}, "belong together", id="no input named"),
        pytest.param({"trigger_source": "Line1"}, "belong together", id="an input for nothing"),
        pytest.param({"trigger": "software", "delivery": "newest"}, "delivers every frame", id="newest of triggered"),
        pytest.param({"features": {"Width": [1]}}, "features", id="a list is no value"),
        pytest.param({"exposure": 3}, "unknown key 'exposure'", id="unknown key"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        CAMERA_KINDS["genicam"].settings.model_validate({"kind": "genicam", "producer": "v.cti", **settings})
