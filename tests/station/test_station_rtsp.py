"""RTSP cameras against GStreamer's own RTSP server."""

import asyncio
import logging
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from camera_peers import camera, grab_until_it_fails, rtsp_server
from lineside.station.cameras import (
    CAMERA_KINDS,
    CameraLost,
    CameraMisconfigured,
    CameraState,
    CameraTimeout,
    HasFeatures,
    NotSupported,
)

WORD = "pa:ss/w@rd%20"

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def guarded_url() -> Iterator[str]:
    with rtsp_server(user="viewer", password=WORD) as (_, url):
        yield url


def test_a_stream_gives_pictures_that_were_not_there_when_they_were_asked_for(
    guarded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA_WORD", WORD)

    async def look() -> None:
        stream = camera("rtsp", url=guarded_url, user="viewer", password_env="CAMERA_WORD")  # noqa: S106 - a variable's name
        async with stream:
            frames = [await stream.grab(timeout_s=5) for _ in range(3)]
            assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
            assert [frame.sequence for frame in frames] == [0, 1, 2]
            assert frames[0].received_s < frames[1].received_s < frames[2].received_s
            assert not any(frame.is_partial or frame.lost_before for frame in frames)
            assert (stream.health.state, stream.health.delivered) == (CameraState.CONNECTED, 3)
            with pytest.raises(NotSupported, match="runs free"):
                await stream.trigger()
            assert not isinstance(stream, HasFeatures)
        assert stream.health.state is CameraState.CLOSED

    asyncio.run(look())


def test_a_password_is_never_told(
    guarded_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where it is refused and where nobody listens: no message, no log line and no chained error has it."""
    wrong = tmp_path / "wrong"
    wrong.write_text("Geheim-7\n")
    caplog.set_level(logging.DEBUG)

    async def refused(url: str) -> BaseException:
        with pytest.raises((CameraLost, CameraMisconfigured)) as told:
            async with camera("rtsp", url=url, user="viewer", password_file=str(wrong)):
                pass
        return told.value

    error = asyncio.run(refused(guarded_url))
    assert isinstance(error, CameraMisconfigured)
    assert "check path, user and password" in str(error)
    nobody = asyncio.run(refused("rtsp://127.0.0.1:1/view"))
    assert isinstance(nobody, CameraLost)
    assert "rtsp://127.0.0.1:1/view" in str(nobody)
    for told in (error, nobody):
        assert told.__cause__ is None
        assert told.__suppress_context__
        assert "Geheim" not in str(told)
    said = capfd.readouterr()
    assert "Geheim" not in caplog.text + said.out + said.err


def test_a_password_stands_in_a_file_or_a_variable_that_has_one(guarded_url: str, tmp_path: Path) -> None:
    for settings in ({"password_file": str(tmp_path / "none")}, {"password_env": "NO_SUCH_VARIABLE"}):

        async def look(where: dict[str, str] = settings) -> None:
            async with camera("rtsp", url=guarded_url, user="viewer", **where):
                pass

        with pytest.raises(CameraMisconfigured, match=r"password|NO_SUCH"):
            asyncio.run(look())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        pytest.param({"url": "rtsp://u:Geheim-7@host/view"}, "names a login", id="login in the URL"),
        pytest.param({"url": "http://host/view"}, "expected rtsp://", id="another scheme"),
        pytest.param({"url": "rtsp://host/", "user": "u"}, "user goes with", id="user alone"),
        pytest.param({"url": "rtsp://host/", "password_env": "P"}, "user goes with", id="password alone"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        CAMERA_KINDS["rtsp"].settings.model_validate({"kind": "rtsp", **settings})


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(signal.SIGKILL, id="the camera hangs up"),
        pytest.param(signal.SIGSTOP, id="the cable is cut: nothing comes, nobody hangs up"),
    ],
)
def test_a_stream_that_was_cut_is_a_lost_camera(cut: signal.Signals) -> None:
    with rtsp_server() as (server, url):
        asyncio.run(_cut(server, url, cut))


async def _cut(server: "subprocess.Popen[str]", url: str, cut: signal.Signals) -> None:
    stream = camera("rtsp", url=url, silent_s=0.5)
    async with stream:
        await stream.grab(timeout_s=5)
        server.send_signal(cut)
        with pytest.raises(CameraLost, match=r"ended|broke"):
            await grab_until_it_fails(stream, timeout_s=5)
        assert stream.health.state is CameraState.LOST
        assert stream.health.trouble is not None


def test_waiting_for_a_picture_ends_in_time_and_can_be_cancelled() -> None:
    with rtsp_server() as (server, url):
        asyncio.run(_wait_in_vain(server, url))


async def _wait_in_vain(server: "subprocess.Popen[str]", url: str) -> None:
    stream = camera("rtsp", url=url, silent_s=30.0)
    async with stream:
        await stream.grab(timeout_s=5)
        server.send_signal(signal.SIGSTOP)
        with pytest.raises(CameraTimeout):
            await grab_until_it_fails(stream, timeout_s=0.2)
        waiting = asyncio.create_task(stream.grab(timeout_s=30))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.kill()
