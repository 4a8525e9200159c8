"""Cameras without a device: the virtual line, folders of pictures, and videos."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.client.clock import SystemClock
from lineside.inspection.file_models import SourceFile
from lineside.station.cameras import (
    CAMERA_KINDS,
    CameraContext,
    CameraEnded,
    CameraFrame,
    CameraLost,
    CameraMisconfigured,
    CameraState,
    FrameBroken,
    LinePlan,
    NotSupported,
    ReconnectingCamera,
    VirtualLine,
    WrongPixelFormat,
    cameras_json_schema,
    open_camera,
    parse_cameras,
)
from lineside.station.part_codes import CodeFormat, read_codes

WITHOUT_EXTRAS = """
import sys
from pathlib import Path
for name in ("av", "harvesters", "genicam", "viva_genicam", "zxingcpp"):
    sys.modules[name] = None
from lineside.client.clock import SystemClock
from lineside.inspection.file_models import SourceFile
from lineside.station.cameras import CameraContext, CameraExtraMissing, CameraMisconfigured, open_camera, parse_cameras
keys = {
    "virtual": "bears_code: true, height_px: 736",
    "folder": "folder: in",
    "video": "file: line.mp4",
    "genicam": "producer: vendor.cti",
    "gige": "address: 192.0.2.1",
    "rtsp": "url: 'rtsp://192.0.2.1/live'",
}
for kind, rest in keys.items():
    text = f"cameras: {{top: {{kind: {kind}, {rest}}}}}"
    settings = parse_cameras(SourceFile(text, source=kind, error=CameraMisconfigured))["top"]
    try:
        open_camera(settings, CameraContext("top", SystemClock(), Path()))
    except CameraExtraMissing as missing:
        print(f"{kind}: {missing}")
    else:
        print(f"{kind}: built")
"""

IN_TIME_S = 30.0
"""For what comes at once on a quiet machine."""


def camera_of(folder: Path, section: str) -> ReconnectingCamera:
    """The one camera that this YAML describes."""
    file = SourceFile(f"cameras:\n  top: {section}\n", source="test", error=CameraMisconfigured)
    settings = parse_cameras(file)["top"]
    return open_camera(settings, CameraContext("top", SystemClock(), folder))


def run(scene: Coroutine[Any, Any, None]) -> None:
    """Run, but not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scene

    asyncio.run(bounded())


def shade(image: NDArray[np.uint8]) -> int:
    """The picture's mean value: how the tests' pictures are told apart."""
    return round(float(image.mean()))


def write_pictures(folder: Path, *shades: int, first: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    for number, value in enumerate(shades, start=first):
        cv2.imwrite(str(folder / f"part {number}.png"), np.full((48, 64), value, np.uint8))


def write_video(path: Path, *shades: int, rate_hz: int = 25) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate_hz)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for value in shades:
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), value, np.uint8), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


async def grabbed(camera: ReconnectingCamera, count: int) -> list[CameraFrame]:
    return [await camera.grab(timeout_s=IN_TIME_S) for _ in range(count)]


class TestVirtual:
    def test_a_board_is_the_same_whenever_it_is_seen_and_its_truth_is_known(self, tmp_path: Path) -> None:
        async def scene() -> None:
            section = "{kind: virtual, pace: asked, width_px: 320, height_px: 320, defect_share: 0.5, seed: 5}"
            line = VirtualLine(LinePlan(width_px=320, height_px=320, defect_share=0.5, seed=5))
            async with camera_of(tmp_path, section) as camera:
                for frame in await grabbed(camera, 6):
                    assert np.array_equal(frame.image, line.picture(frame.sequence))
            truths = [line.truth(number) for number in range(6)]
            assert {truth.is_defective for truth in truths} == {True, False}
            for truth in truths:
                for defect in truth.defects:
                    x0, y0, x1, y1 = defect.box_xyxy_px
                    assert 0 <= x0 < x1 <= 320
                    assert 0 <= y0 < y1 <= 320

        run(scene())

    def test_the_code_below_a_board_says_which_part_it_is(self, tmp_path: Path) -> None:
        async def scene() -> None:
            section = (
                "{kind: virtual, pace: trigger, width_px: 320, height_px: 416, bears_code: true, distinct_parts: 2}"
            )
            line = VirtualLine(LinePlan(width_px=320, height_px=320, bears_code=True, distinct_parts=2))
            async with camera_of(tmp_path, section) as camera:
                await camera.set_feature("NextPicture", 41)
                for number in (41, 42, 43):
                    await camera.trigger()
                    frame = await camera.grab(timeout_s=IN_TIME_S)
                    (code,) = read_codes(frame.image)
                    assert code.format is CodeFormat.DATA_MATRIX
                    assert line.number_of(code.text) == number
                    assert line.truth(number).defects == line.truth(number % 2).defects
            assert line.golden().shape == (416, 320)
            assert line.number_of("X-000041") is None
            assert line.number_of("V-41") is None

        run(scene())

    def test_a_pulled_cable_is_noticed_though_nobody_grabs_and_the_line_goes_on_behind(self, tmp_path: Path) -> None:
        """`plug_file` stands for the cable: pulled by whoever removes the file, from another process too."""

        async def scene() -> None:
            plug = tmp_path / "plug"
            plug.touch()
            section = (
                "{kind: virtual, pace: trigger, width_px: 96, height_px: 192, bears_code: true, distinct_parts: 1, "
                "plug_file: plug, reconnect_first_s: 0.01, reconnect_longest_s: 0.02}"
            )
            async with camera_of(tmp_path, section) as camera:
                await camera.trigger()
                first = await camera.grab(timeout_s=IN_TIME_S)
                plug.unlink()
                while camera.health.state is CameraState.CONNECTED:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
                with pytest.raises(CameraLost, match="unplugged"):
                    await camera.trigger()
                plug.touch()
                assert await camera.wait_connected(timeout_s=IN_TIME_S)
                await camera.trigger()
                second = await camera.grab(timeout_s=IN_TIME_S)
                assert first.sequence < second.sequence
                assert [code.text for code in read_codes(first.image)] == ["V-000000"]
                assert [code.text for code in read_codes(second.image)] == ["V-000001"]
                assert camera.health.reconnects >= 1

        run(scene())

    def test_a_free_camera_that_nobody_grabs_from_loses_its_oldest_and_says_so(self, tmp_path: Path) -> None:
        async def scene() -> None:
            section = (
                "{kind: virtual, rate_hz: 500, delivery: every, buffered_frames: 2, width_px: 64, height_px: 64, "
                "distinct_parts: 1}"
            )
            async with camera_of(tmp_path, section) as camera:
                first = await camera.grab(timeout_s=IN_TIME_S)
                while True:
                    frame = await camera.grab(timeout_s=IN_TIME_S)
                    if frame.lost_before:
                        break
                    await asyncio.sleep(0.02)  # whoever comes late, until it shows
                assert camera.health.lost_frames >= frame.lost_before
                assert frame.sequence > first.sequence + frame.lost_before

        run(scene())

    def test_only_the_pace_trigger_can_be_triggered(self, tmp_path: Path) -> None:
        async def scene() -> None:
            section = "{kind: virtual, rate_hz: 100, width_px: 64, height_px: 64, distinct_parts: 1}"
            async with camera_of(tmp_path, section) as camera:
                with pytest.raises(NotSupported, match="pace: trigger"):
                    await camera.trigger()
                assert await camera.feature("TriggerMode") == "Off"
                await camera.set_feature("AcquisitionFrameRate", 200.0)
                assert await camera.feature("AcquisitionFrameRate") == 200.0
                with pytest.raises(NotSupported, match="no feature ExposureTime"):
                    await camera.feature("ExposureTime")
                assert camera.health.lost_frames == 0

        run(scene())

    def test_a_trigger_that_is_not_supported_throws_no_frame_away(self, tmp_path: Path) -> None:
        """Where the PLC triggers camera and station at once, the frame may be here before the station asks."""

        async def scene() -> None:
            write_pictures(tmp_path / "in", 10, 20)
            section = "{kind: folder, folder: in, rate_hz: 1000, delivery: every, loop: false}"
            async with camera_of(tmp_path, section) as camera:
                while await camera.feature("NextPicture") != 2:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
                with pytest.raises(NotSupported):
                    await camera.trigger()
                assert [shade(frame.image) for frame in await grabbed(camera, 2)] == [10, 20]

        run(scene())


class TestFolder:
    def test_pictures_come_as_people_sort_them_and_begin_anew(self, tmp_path: Path) -> None:
        async def scene() -> None:
            write_pictures(tmp_path / "in", *range(10, 130, 10))  # "part 10" behind "part 9"
            (tmp_path / "in" / "notes.txt").write_text("no picture")
            async with camera_of(tmp_path, "{kind: folder, folder: in, pace: asked}") as camera:
                frames = await grabbed(camera, 14)
            assert [shade(frame.image) for frame in frames] == [*range(10, 130, 10), 10, 20]
            assert [frame.sequence for frame in frames] == list(range(14))
            assert all(frame.image.flags.writeable for frame in frames)

        run(scene())

    def test_shown_once_it_ends(self, tmp_path: Path) -> None:
        async def scene() -> None:
            write_pictures(tmp_path / "in", 10, 20)
            async with camera_of(tmp_path, "{kind: folder, folder: in, pace: asked, loop: false}") as camera:
                await grabbed(camera, 2)
                with pytest.raises(CameraEnded, match="all 2 pictures"):
                    await camera.grab(timeout_s=IN_TIME_S)
                assert camera.health.state is CameraState.LOST

        run(scene())

    def test_a_free_camera_shows_all_that_it_has_before_it_ends(self, tmp_path: Path) -> None:
        async def scene() -> None:
            write_pictures(tmp_path / "in", 10, 20, 30)
            section = "{kind: folder, folder: in, rate_hz: 1000, delivery: every, buffered_frames: 16, loop: false}"
            async with camera_of(tmp_path, section) as camera:
                assert [shade(frame.image) for frame in await grabbed(camera, 3)] == [10, 20, 30]
                with pytest.raises(CameraEnded):
                    await camera.grab(timeout_s=IN_TIME_S)
                assert (camera.health.delivered, camera.health.lost_frames) == (3, 0)

        run(scene())

    def test_a_broken_picture_is_told_and_the_next_one_comes(self, tmp_path: Path) -> None:
        async def scene() -> None:
            folder = tmp_path / "in"
            write_pictures(folder, 10, 20, 30)
            whole = (folder / "part 2.png").read_bytes()
            (folder / "part 2.png").write_bytes(whole[: len(whole) // 2])
            async with camera_of(tmp_path, "{kind: folder, folder: in, pace: asked}") as camera:
                await grabbed(camera, 1)
                with pytest.raises(FrameBroken, match=r"part 2\.png"):
                    await camera.grab(timeout_s=IN_TIME_S)
                (third,) = await grabbed(camera, 1)
                assert shade(third.image) == 30
                assert (camera.health.delivered, camera.health.lost_frames) == (2, 1)

        run(scene())

    @pytest.mark.parametrize(
        ("picture", "expected"),
        [
            (np.full((48, 64), 300, np.uint16), "16"),
            (np.zeros((48, 64, 3), np.uint8), "gave bgr8"),
            (np.zeros((48, 65), np.uint8), "gave mono8, 65 x 48 px"),
        ],
        ids=["sixteen bits", "colour", "another size"],
    )
    def test_other_pixels_than_the_station_is_set_up_for_are_refused(
        self, tmp_path: Path, picture: NDArray[Any], expected: str
    ) -> None:
        async def scene() -> None:
            (tmp_path / "in").mkdir()
            cv2.imwrite(str(tmp_path / "in" / "1.png"), picture)
            section = "{kind: folder, folder: in, pace: asked, pixel_format: mono8, width_px: 64}"
            async with camera_of(tmp_path, section) as camera:
                with pytest.raises(WrongPixelFormat, match=expected):
                    await camera.grab(timeout_s=IN_TIME_S)

        run(scene())

    def test_a_folder_that_goes_is_a_camera_lost_and_comes_back(self, tmp_path: Path) -> None:
        async def scene() -> None:
            folder = tmp_path / "in"
            write_pictures(folder, 10, 20, 30)
            section = "{kind: folder, folder: in, pace: asked, reconnect_first_s: 0.01, reconnect_longest_s: 0.02}"
            async with camera_of(tmp_path, section) as camera:
                await grabbed(camera, 1)
                folder.rename(tmp_path / "away")
                with pytest.raises(CameraLost, match="no folder at"):
                    await camera.grab(timeout_s=IN_TIME_S)
                (tmp_path / "away").rename(folder)
                assert await camera.wait_connected(timeout_s=IN_TIME_S)
                (frame,) = await grabbed(camera, 1)
                assert shade(frame.image) in (20, 30)

        run(scene())


class TestVideo:
    def test_a_video_comes_in_order_at_its_own_pace_and_begins_anew(self, tmp_path: Path) -> None:
        async def scene() -> None:
            write_video(tmp_path / "line.mp4", 20, 90, 160, rate_hz=50)
            section = "{kind: video, file: line.mp4, delivery: every, buffered_frames: 64, pixel_format: mono8}"
            async with camera_of(tmp_path, section) as camera:
                frames = await grabbed(camera, 5)
                assert await camera.feature("AcquisitionFrameRate") == 50.0
            assert [shade(frame.image) for frame in frames] == [
                pytest.approx(value, abs=4) for value in (20, 90, 160, 20, 90)
            ]
            assert frames[0].image.shape == (48, 64)

        run(scene())

    def test_a_video_ends_and_can_be_moved_back_before(self, tmp_path: Path) -> None:
        async def scene() -> None:
            write_video(tmp_path / "line.mp4", 20, 90, 160)
            async with camera_of(tmp_path, "{kind: video, file: line.mp4, pace: asked, loop: false}") as camera:
                await grabbed(camera, 2)
                await camera.set_feature("NextPicture", 0)
                frames = await grabbed(camera, 3)
                assert [shade(frame.image) for frame in frames] == [
                    pytest.approx(value, abs=4) for value in (20, 90, 160)
                ]
                assert frames[0].image.shape == (48, 64, 3)
                with pytest.raises(CameraEnded, match="all 3 pictures"):
                    await camera.grab(timeout_s=IN_TIME_S)

        run(scene())

    def test_what_is_no_video_needs_a_person(self, tmp_path: Path) -> None:
        async def scene() -> None:
            (tmp_path / "line.mp4").write_bytes(b"no video" * 100)
            with pytest.raises(CameraMisconfigured, match="no video that can be read"):
                async with camera_of(tmp_path, "{kind: video, file: line.mp4}"):
                    pass

        run(scene())

    def test_a_video_that_is_away_is_waited_for(self, tmp_path: Path) -> None:
        async def scene() -> None:
            section = "{kind: video, file: line.mp4, pace: asked, reconnect_first_s: 0.01, reconnect_longest_s: 0.02}"
            async with camera_of(tmp_path, section) as camera:
                with pytest.raises(CameraLost, match="no video at"):
                    await camera.grab(timeout_s=IN_TIME_S)
                write_video(tmp_path / "made.mp4", 20)
                (tmp_path / "made.mp4").rename(tmp_path / "line.mp4")
                assert await camera.wait_connected(timeout_s=IN_TIME_S)
                await grabbed(camera, 1)

        run(scene())


class TestFiles:
    @pytest.mark.parametrize(
        ("section", "expected"),
        [
            ("top: {kind: webcam}", r"test:2: cameras\.top\.kind: no kind of camera 'webcam'; expected one of virtual"),
            ("top: {kind: virtual, rate: 4}", "unknown key 'rate'; did you mean 'rate_hz'"),
            ("top: {kind: virtual, rate_hz: fast}", r"test:2: cameras\.top\.rate_hz: .*fast"),
            ("top: {kind: folder}", r"cameras\.top\.folder: required"),
            ("top: {kind: virtual, bears_code: true, height_px: 100}", "expected 96 x 192 or more"),
            ("top: virtual", r"cameras\.top\.kind: no kind of camera None"),
        ],
        ids=["kind", "key", "value", "missing", "no room", "no mapping"],
    )
    def test_a_section_that_cannot_be_used_names_line_and_remedy(self, section: str, expected: str) -> None:
        file = SourceFile(f"cameras:\n  {section}\n", source="test", error=CameraMisconfigured)
        with pytest.raises(CameraMisconfigured, match=expected):
            parse_cameras(file)

    @pytest.mark.parametrize("text", ["cameras: {}", "station: aoi-1", "cameras: [1]"], ids=["empty", "none", "list"])
    def test_a_file_without_cameras_is_refused(self, text: str) -> None:
        with pytest.raises(CameraMisconfigured, match="expected at least one camera"):
            parse_cameras(SourceFile(text, source="test", error=CameraMisconfigured))

    def test_every_kind_has_a_model_that_refuses_unknown_keys_and_a_place_in_the_schema(self) -> None:
        section, definitions = cameras_json_schema()
        assert len(section["additionalProperties"]["oneOf"]) == len(CAMERA_KINDS)
        for kind in CAMERA_KINDS.values():
            assert definitions[kind.settings.__name__]["properties"]["kind"]["const"] == kind.name
            assert definitions[kind.settings.__name__]["additionalProperties"] is False

    def test_without_the_extra_every_file_can_be_read_and_each_kind_says_what_it_needs(self) -> None:
        done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True, check=True)
        said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
        assert said == {
            "virtual": "camera 'top' is to print codes: 2D codes need zxingcpp: install lineside[cameras]",
            "folder": "built",
            "video": "cameras of kind 'video' need av: install lineside[cameras]",
            "genicam": "cameras of kind 'genicam' need genicam: install lineside[cameras]",
            "gige": "cameras of kind 'gige' need viva_genicam: install lineside[cameras]",
            "rtsp": "cameras of kind 'rtsp' need av: install lineside[cameras]",
        }
