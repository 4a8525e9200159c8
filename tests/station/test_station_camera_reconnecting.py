"""A camera that is lost: what a grab gets meanwhile, how it comes back, and what is counted over all connections."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from lineside.client.backoff import Backoff
from lineside.client.clock import ManualClock
from lineside.station.cameras import (
    CameraEnded,
    CameraFrame,
    CameraLost,
    CameraMisconfigured,
    CameraState,
    CameraTimeout,
    FrameBroken,
    NotSupported,
    ReconnectingCamera,
    WrongPixelFormat,
)
from lineside.station.cameras.pixels import PixelRule
from scripted_camera import NOON, ScriptedCamera, frame
from virtual_time import run_in_virtual_time

Scene = Callable[[ReconnectingCamera], Awaitable[None]]


def play(
    connections: Sequence[ScriptedCamera],
    scene: Scene,
    *,
    pixels: PixelRule | None = None,
    lost_after_timeouts: int | None = None,
) -> None:
    """Enter a camera whose connections are these, in turn, and play a scene with it; time passes without waiting."""
    left = list(connections)
    camera = ReconnectingCamera(
        lambda: left.pop(0),
        name="top",
        clock=ManualClock(NOON),
        backoff=Backoff(first_s=0.2, longest_s=1.0),
        rng=random.Random(1),  # noqa: S311 - jitter
        pixels=pixels,
        lost_after_timeouts=lost_after_timeouts,
    )

    async def run() -> None:
        async with camera:
            await scene(camera)
        assert camera.health.state is CameraState.CLOSED

    run_in_virtual_time(run())


def test_a_camera_unplugged_in_the_middle_of_a_frame_fails_that_grab_and_comes_back() -> None:
    first = ScriptedCamera([frame(0), CameraLost("unplugged while a frame was under way")])
    second = ScriptedCamera([frame(0), frame(1)])

    async def scene(camera: ReconnectingCamera) -> None:
        await camera.grab(timeout_s=1)
        with pytest.raises(CameraLost, match="under way"):
            await camera.grab(timeout_s=1)
        assert camera.health.state is CameraState.LOST
        assert camera.health.trouble == "unplugged while a frame was under way"
        with pytest.raises(CameraLost, match="'top' is lost: unplugged"):
            await camera.grab(timeout_s=1)
        assert await camera.wait_connected(timeout_s=10)
        assert first.is_released
        assert [(await camera.grab(timeout_s=1)).sequence for _ in range(2)] == [1, 2]
        assert (camera.health.state, camera.health.reconnects) == (CameraState.CONNECTED, 1)
        assert camera.health.trouble is None

    play([first, second], scene)


def test_a_camera_that_is_away_at_the_start_is_looked_for_until_it_comes() -> None:
    away = [ScriptedCamera([], connecting=CameraLost("not there")) for _ in range(4)]

    async def scene(camera: ReconnectingCamera) -> None:
        assert camera.health.state is CameraState.LOST
        with pytest.raises(CameraLost, match="not there"):
            await camera.trigger()
        assert await camera.wait_connected(timeout_s=60)
        assert all(connection.is_released for connection in away)
        assert (await camera.grab(timeout_s=1)).sequence == 0

    play([*away, ScriptedCamera([frame(0)])], scene)


def test_a_grab_while_the_camera_is_away_does_not_wait() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        before_s = asyncio.get_running_loop().time()
        with pytest.raises(CameraLost):
            await camera.grab(timeout_s=100)
        assert asyncio.get_running_loop().time() - before_s < 0.01

    play([ScriptedCamera([], connecting=CameraLost("away")) for _ in range(2)], scene)


def test_a_camera_that_cannot_be_set_up_is_not_tried_again() -> None:
    wrong = ScriptedCamera([], connecting=CameraMisconfigured("no such feature"))

    async def scene(camera: ReconnectingCamera) -> None:
        raise AssertionError("entered")

    with pytest.raises(CameraMisconfigured, match="no such feature"):
        play([wrong], scene)
    assert wrong.is_released


def test_a_replay_that_ended_stays_ended() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        for _ in range(2):
            with pytest.raises(CameraEnded):
                await camera.grab(timeout_s=1)
        assert not await camera.wait_connected(timeout_s=100)
        assert camera.health.reconnects == 0

    play([ScriptedCamera([CameraEnded("all shown")])], scene)


def test_no_frame_in_time_is_a_timeout_and_no_loss() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        with pytest.raises(CameraTimeout):
            await camera.grab(timeout_s=0.5)
        assert camera.health.state is CameraState.CONNECTED

    play([ScriptedCamera([])], scene)


def test_a_camera_silent_too_often_is_connected_anew_if_its_settings_say_so() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        for _ in range(3):
            assert camera.health.state is CameraState.CONNECTED
            with pytest.raises(CameraTimeout):
                await camera.grab(timeout_s=0.5)
        assert camera.health.trouble == "camera 'top' was silent 3 times in a row"
        assert await camera.wait_connected(timeout_s=10)
        assert (await camera.grab(timeout_s=1)).sequence == 0

    play([ScriptedCamera([]), ScriptedCamera([frame(0)])], scene, lost_after_timeouts=3)


def test_a_driver_that_ignores_its_timeout_is_cut_off() -> None:
    class Deaf(ScriptedCamera):
        async def grab(self, *, timeout_s: float) -> CameraFrame:
            await asyncio.sleep(1e6 * timeout_s)
            return frame(0)

    async def scene(camera: ReconnectingCamera) -> None:
        before_s = asyncio.get_running_loop().time()
        with pytest.raises(CameraTimeout, match=r"no frame in 0\.5 s"):
            await camera.grab(timeout_s=0.5)
        assert asyncio.get_running_loop().time() - before_s < 0.51

    play([Deaf([])], scene)


def test_losses_add_up_over_connections_and_numbers_go_on() -> None:
    first = ScriptedCamera([frame(0), frame(3, lost_before=2), CameraLost("cut")], packets=5)
    second = ScriptedCamera([frame(1, lost_before=1), frame(4)], packets=2)

    async def scene(camera: ReconnectingCamera) -> None:
        given = [await camera.grab(timeout_s=1) for _ in range(2)]
        with pytest.raises(CameraLost):
            await camera.grab(timeout_s=1)
        assert await camera.wait_connected(timeout_s=10)
        given += [await camera.grab(timeout_s=1) for _ in range(2)]
        assert [(one.sequence, one.lost_before) for one in given] == [(0, 0), (3, 2), (5, 1), (8, 0)]
        health = camera.health
        assert (health.delivered, health.lost_frames, health.lost_packets, health.resent_packets) == (4, 3, 7, None)

    play([first, second], scene)


def test_a_camera_that_counts_anew_never_makes_numbers_go_back() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        assert [(await camera.grab(timeout_s=1)).sequence for _ in range(4)] == [7, 8, 9, 10]

    play([ScriptedCamera([frame(7), frame(8), frame(0), frame(0)])], scene)


@pytest.mark.parametrize(
    "rule",
    [PixelRule("bgr8"), PixelRule("mono8", width_px=640), PixelRule(height_px=9)],
    ids=["layout", "width", "height"],
)
def test_a_frame_of_other_pixels_is_refused_and_counted(rule: PixelRule) -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        with pytest.raises(WrongPixelFormat, match="gave mono8, 12 x 8 px; expected"):
            await camera.grab(timeout_s=1)
        health = camera.health
        assert (health.delivered, health.lost_frames, health.state) == (0, 1, CameraState.CONNECTED)
        assert health.trouble is not None

    play([ScriptedCamera([frame(0)])], scene, pixels=rule)


def test_a_broken_frame_is_counted_and_the_next_one_clears_the_trouble() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        with pytest.raises(FrameBroken):
            await camera.grab(timeout_s=1)
        assert (camera.health.lost_frames, camera.health.trouble) == (1, "torn")
        await camera.grab(timeout_s=1)
        assert camera.health.trouble is None

    play([ScriptedCamera([FrameBroken("torn"), frame(1)])], scene, pixels=PixelRule("mono8", 12, 8))


def test_a_wall_clock_that_steps_back_is_told_and_frames_stay_in_order() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        given = [await camera.grab(timeout_s=1) for _ in range(2)]
        assert camera.health.trouble == "the wall clock stepped back 3600.000 s before frame 1"
        given.append(await camera.grab(timeout_s=1))
        assert camera.health.trouble is None
        assert camera.health.clock_steps == 1
        assert [one.sequence for one in given] == [0, 1, 2]
        assert given[1].captured_at < given[0].captured_at  # as the host told it: nothing is corrected in silence

    play([ScriptedCamera([frame(0, at_s=3600), frame(1, at_s=0), frame(2, at_s=1)])], scene)


def test_a_camera_without_features_says_so() -> None:
    async def scene(camera: ReconnectingCamera) -> None:
        with pytest.raises(NotSupported, match="no features by name"):
            await camera.feature("ExposureTime")

    play([ScriptedCamera([])], scene)
