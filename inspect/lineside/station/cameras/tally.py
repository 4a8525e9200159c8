"""What is counted of a camera's frames over all its connections."""

from dataclasses import replace
from datetime import datetime

from lineside.station.cameras.records import CameraFrame, CameraHealth, CameraState


class FrameTally:
    """Numbers frames so that the sequence never goes back, and adds up what was lost.

    A camera counts from 0 again after each connection, and some do so whenever they are set up: the numbers given out
    here go on. A gap alone is no loss: a camera that runs free takes many frames that nobody asked for.
    """

    def __init__(self) -> None:
        self._last_given: int | None = None
        self._last_own: int | None = None
        self._delivered = 0
        self._refused = 0
        self._lost_here = 0
        self._earlier = CameraHealth(CameraState.CLOSED, datetime.min)  # noqa: DTZ901 - its counts alone are used
        self._last_captured_at: datetime | None = None
        self._clock_steps = 0
        self._clock_trouble: str | None = None

    @property
    def clock_trouble(self) -> str | None:
        """What the wall clock did at the last frame, None if it went forward."""
        return self._clock_trouble

    def count(self, frame: CameraFrame) -> CameraFrame:
        """The same frame with its number over all connections and what was lost before it."""
        step = 0 if self._last_own is None else frame.sequence - self._last_own
        if step < 1:  # a new connection, or a camera that began to count anew
            step = 1 + frame.lost_before
        given = frame.sequence if self._last_given is None else self._last_given + step
        self._last_own, self._last_given = frame.sequence, given
        self._lost_here += frame.lost_before
        self._delivered += 1
        self._watch_clock(frame, given)
        return replace(frame, sequence=given)

    def refuse(self) -> None:
        """A frame came that cannot be given out."""
        self._refused += 1

    def close(self, health: CameraHealth) -> None:
        """A connection ends: its counts are kept, and the camera's own numbers mean nothing any more."""
        self._earlier = self._with_earlier(health)
        self._last_own = None
        self._lost_here = 0

    def health(self, inner: CameraHealth | None) -> CameraHealth:
        """The counts over all connections.

        Args:
            inner: of the present connection, None while there is none.
        """
        summed = self._earlier if inner is None else self._with_earlier(inner)
        return replace(
            summed,
            delivered=self._delivered,
            lost_frames=summed.lost_frames + self._refused,
            clock_steps=self._clock_steps,
        )

    def _with_earlier(self, inner: CameraHealth) -> CameraHealth:
        earlier = self._earlier
        return replace(
            earlier,
            lost_frames=earlier.lost_frames + max(inner.lost_frames, self._lost_here),
            lost_packets=_sum(earlier.lost_packets, inner.lost_packets),
            resent_packets=_sum(earlier.resent_packets, inner.resent_packets),
        )

    def _watch_clock(self, frame: CameraFrame, given: int) -> None:
        """Order is by number; a wall clock that goes back between two frames is told, never corrected."""
        last = self._last_captured_at
        self._last_captured_at = frame.captured_at
        self._clock_trouble = None
        if last is not None and frame.captured_at < last:
            self._clock_steps += 1
            back_s = (last - frame.captured_at).total_seconds()
            self._clock_trouble = f"the wall clock stepped back {back_s:.3f} s before frame {given}"


def _sum(first: int | None, second: int | None) -> int | None:
    return second if first is None else first if second is None else first + second
