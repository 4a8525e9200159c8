"""Frames that nobody gets are counted all the same: given up, or passed over."""

import asyncio
import threading

import numpy as np
import pytest

from lineside.client.clock import SystemClock
from lineside.inspection.frames import Image
from lineside.station.cameras.driven import Arrival, Delivery, DrivenCamera, DrivingRules, TransportCounts

PICTURE = np.zeros((4, 6), np.uint8)


class SlowPictures:
    """A driver that delivers as many frames as it is told; the first one's picture is only made when it is let."""

    def __init__(self, frames: int) -> None:
        self._left = frames
        self._is_first = True
        self.is_making = threading.Event()
        self.may_go_on = threading.Event()

    def open(self) -> None:
        """There is nothing to connect."""

    def next(self, *, timeout_s: float) -> Arrival | None:
        if self._left == 0:
            threading.Event().wait(timeout_s)
            return None
        self._left -= 1
        is_first, self._is_first = self._is_first, False
        return Arrival(self._slowly if is_first else lambda: PICTURE)

    def check(self) -> None:
        """It is always there."""

    def counts(self) -> TransportCounts:
        return TransportCounts()

    def trigger(self) -> None:
        """It delivers anyway."""

    def close(self) -> None:
        self.may_go_on.set()

    def _slowly(self) -> Image:
        self.is_making.set()
        self.may_go_on.wait(20)
        return PICTURE


def test_a_frame_whose_grab_was_given_up_is_lost_and_counted() -> None:
    driver = SlowPictures(2)

    async def scene() -> None:
        camera = DrivenCamera("top", driver, clock=SystemClock(), rules=DrivingRules("every"))
        async with camera:
            grabbing = asyncio.create_task(camera.grab(timeout_s=20))
            await asyncio.to_thread(driver.is_making.wait, 20)
            grabbing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await grabbing
            driver.may_go_on.set()
            following = await camera.grab(timeout_s=20)
            assert (following.sequence, camera.health.delivered, camera.health.lost_frames) == (1, 1, 1)

    asyncio.run(scene())


class Bursts:
    """A driver that delivers as many frames as it is let, at once."""

    def __init__(self, frames: int, *, lost_each: int = 0) -> None:
        self._lost_each = lost_each
        self._may = threading.Semaphore(frames)
        self._left = frames
        self.has_given_all = threading.Event()

    def let(self, frames: int) -> None:
        self._left += frames
        self._may.release(frames)

    def open(self) -> None:
        """There is nothing to connect."""

    def next(self, *, timeout_s: float) -> Arrival | None:
        if self._left == 0:
            self.has_given_all.set()  # the one before stands in the mailbox by now
        if not self._may.acquire(timeout=timeout_s):
            return None
        self._left -= 1
        return Arrival(lambda: PICTURE, self._lost_each)

    def check(self) -> None:
        """It is always there."""

    def counts(self) -> TransportCounts:
        return TransportCounts()

    def trigger(self) -> None:
        """It delivers anyway."""

    def close(self) -> None:
        """There is nothing to release."""


@pytest.mark.parametrize(
    ("delivery", "lost_each", "sequence", "lost_before"),
    [
        pytest.param("newest", 0, 5, 0, id="passed over, and no loss to who asks for the newest"),
        pytest.param("every", 0, 3, 3, id="fallen out of the buffer"),
        pytest.param("newest", 1, 11, 0, id="and as many lost on the way"),
        pytest.param("every", 1, 7, 7, id="and of the fallen ones too"),
    ],
)
def test_frames_that_nobody_got_count_in_the_sequence(
    delivery: Delivery, lost_each: int, sequence: int, lost_before: int
) -> None:
    driver = Bursts(5, lost_each=lost_each)

    async def scene() -> None:
        rules = DrivingRules(delivery, buffered_frames=2)
        async with DrivenCamera("top", driver, clock=SystemClock(), rules=rules) as camera:
            await asyncio.to_thread(driver.has_given_all.wait, 20)
            grabbing = asyncio.create_task(camera.grab(timeout_s=20))
            await asyncio.sleep(0)  # the grab has begun before the next one comes
            driver.let(1)
            frame = await grabbing
            assert (frame.sequence, frame.lost_before) == (sequence, lost_before)

    asyncio.run(scene())


def test_a_frame_that_came_too_late_for_the_trigger_before_counts_in_the_sequence() -> None:
    driver = Bursts(2)

    async def scene() -> None:
        async with DrivenCamera("top", driver, clock=SystemClock(), rules=DrivingRules("every")) as camera:
            await asyncio.to_thread(driver.has_given_all.wait, 20)
            await camera.trigger()
            driver.let(1)
            assert (await camera.grab(timeout_s=20)).sequence == 2

    asyncio.run(scene())
