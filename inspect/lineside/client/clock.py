"""Time, as stations and servers see it: one injected clock, so that tests and replays decide what "now" is."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells wall-clock instants and measures intervals."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on the machine's monotonic clock."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is told to move; for tests and replays.

    Args:
        start: the first instant, aware.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"clock start {start!r} is naive: give an aware instant, e.g. tzinfo=UTC")
        self._now = start.astimezone(UTC)
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        """The instant this clock stands at."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that this clock was moved forward in all."""
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        if seconds < 0:
            raise ValueError(f"cannot advance by {seconds} s: to step the wall clock back use `set_now`")
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds

    def set_now(self, instant: datetime) -> None:
        """Step the wall clock, as a time server would, without moving the monotonic one."""
        self._now = instant.astimezone(UTC)
