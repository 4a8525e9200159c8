"""Pictures that were there before, given out as a camera gives its frames: free-running, triggered, or as asked."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from lineside.client.clock import Clock
from lineside.inspection.frames import Image
from lineside.station.cameras.driven import Arrival, DrivingRules, FeatureCamera, TransportCounts
from lineside.station.cameras.errors import CameraEnded, CameraError, NotSupported
from lineside.station.cameras.records import CameraFrame
from lineside.station.cameras.settings import Bookmark, CameraContext, PaceName, ReplaySettings

NEXT_PICTURE: Final = "NextPicture"
"""Feature of ours: position of the picture that is taken next, counted from 0."""

FRAME_RATE: Final = "AcquisitionFrameRate"
"""SFNC: pictures a second."""

TRIGGER_MODE: Final = "TriggerMode"
"""SFNC: "On" where software triggers."""


class PictureSource(Protocol):
    """Where pictures come from; every call comes from one thread at a time, save those that `take` returned."""

    def open(self) -> float | None:
        """Begin; returns the pictures a second that it was taken at, None if it knows none.

        Raises:
            CameraLost: it is not there.
            CameraMisconfigured: it is there, but holds no pictures of this kind.
        """
        ...

    def take(self, position: int) -> Callable[[], Image]:
        """Take a picture; what is returned makes it, at most once, on any thread.

        Raises:
            CameraLost: it is not there any more.
            CameraEnded: there is none at this position, and it is shown only once.
        """
        ...

    def check(self) -> None:
        """Raises `CameraLost` if it is not there any more."""
        ...

    def close(self) -> None:
        """Let it go; safe after any failure."""
        ...


class ReplayDriver:
    """Takes pictures of a source at a pace.

    Args:
        source: the pictures.
        pace: when one is taken.
        rate_hz: of a free pace; None takes the source's own.
        clock: tells when one is due.
        bookmark: where the replay stands.
    """

    def __init__(
        self, source: PictureSource, *, pace: PaceName, rate_hz: float | None, clock: Clock, bookmark: Bookmark
    ) -> None:
        self._source = source
        self._pace: PaceName = pace
        self._rate_hz = rate_hz
        self._clock = clock
        self._bookmark = bookmark
        self._due_s: float | None = None
        self._has_ended = False
        self._wanted = threading.Semaphore(0)

    def open(self) -> None:
        """Open the source; the first picture of a free pace is due at once."""
        own_rate_hz = self._source.open()
        self._rate_hz = self._rate_hz or own_rate_hz
        self._due_s = self._clock.monotonic()

    def next(self, *, timeout_s: float) -> Arrival | None:
        """The next picture, None if none was due or wanted in time."""
        if self._has_ended:
            self._wanted.acquire(timeout=timeout_s)  # whatever is wanted, nothing comes: it only waits
            return None
        is_time = self._wait_until_due(timeout_s) if self._pace == "free" else self._wanted.acquire(timeout=timeout_s)
        if not is_time:
            return None
        position = self._bookmark.next
        try:
            to_image = self._source.take(position)
        except CameraEnded as ended:  # told in its turn: pictures before it may still be waiting
            self._has_ended = True
            return Arrival(partial(_raise, ended))
        self._bookmark.next = position + 1
        return Arrival(to_image)

    def check(self) -> None:
        """Raises `CameraLost` if the source is gone."""
        self._source.check()

    def counts(self) -> TransportCounts:
        """There are no packets."""
        return TransportCounts()

    def expose(self) -> None:
        """Have one picture taken, whatever the pace."""
        self._wanted.release()

    def trigger(self) -> None:
        """Have one picture taken, if software triggers this camera."""
        if self._pace != "trigger":
            raise NotSupported(f"this camera's pace is {self._pace!r}; only with `pace: trigger` can it be triggered")
        self.expose()

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def feature(self, name: str) -> str | int | float | bool:
        """Where the replay stands, and how it runs."""
        if name == NEXT_PICTURE:
            return self._bookmark.next
        if name == TRIGGER_MODE:
            return "On" if self._pace == "trigger" else "Off"
        if name == FRAME_RATE and self._rate_hz is not None:
            return self._rate_hz
        raise _no_feature(name)

    def set_feature(self, name: str, value: str | float | bool) -> None:  # noqa: FBT001 - a feature's value
        """Move the replay, or change how fast it runs."""
        if name == NEXT_PICTURE and isinstance(value, int) and value >= 0:
            self._bookmark.next = int(value)
        elif name == FRAME_RATE and isinstance(value, int | float) and value > 0:
            self._rate_hz = float(value)
        else:
            raise _no_feature(f"{name} = {value!r}")

    def _wait_until_due(self, timeout_s: float) -> bool:
        now_s = self._clock.monotonic()
        due_s = now_s if self._due_s is None else self._due_s
        if due_s > now_s:
            self._wanted.acquire(timeout=min(timeout_s, due_s - now_s))  # nobody asks: it only waits
            now_s = self._clock.monotonic()
            if due_s > now_s:
                return False
        period_s = 1.0 / (self._rate_hz or 1.0)
        self._due_s = max(due_s + period_s, now_s)  # a host that was late does not catch up in a burst
        return True


class ReplayCamera(FeatureCamera):
    """A camera over a source of pictures.

    Args:
        source: the pictures.
        settings: pace, delivery and buffer.
        context: name, clock and bookmark.
        rate_hz: of a free pace; None takes the source's own.
    """

    def __init__(
        self, source: PictureSource, settings: ReplaySettings, context: CameraContext, *, rate_hz: float | None
    ) -> None:
        driver = ReplayDriver(
            source, pace=settings.pace, rate_hz=rate_hz, clock=context.clock, bookmark=context.bookmark
        )
        delivery = settings.delivery if settings.pace == "free" else "every"
        rules = DrivingRules(delivery, settings.buffered_frames, settings.connect_timeout_s)
        super().__init__(context.name, driver, clock=context.clock, rules=rules)
        self._replay = driver
        self._pace: PaceName = settings.pace

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        """The next frame; at the pace "asked" it is taken now."""
        if self._pace == "asked":
            self._replay.expose()
        return await super().grab(timeout_s=timeout_s)


def _raise(error: CameraError) -> Image:
    raise error


def _no_feature(name: str) -> NotSupported:
    return NotSupported(f"a replay has no feature {name}; it has {NEXT_PICTURE}, {FRAME_RATE} and {TRIGGER_MODE}")
