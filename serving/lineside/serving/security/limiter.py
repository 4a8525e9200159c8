"""Slowing down whoever tries keys: a sliding window of failures for each address."""

import math
from collections import OrderedDict, deque

from lineside.serving.clock import Clock

DEFAULT_FAILURES = 20
DEFAULT_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000  # a flood from many addresses must not fill the memory: the oldest are forgotten


class FailureLimiter:
    """Counts failed keys and logins by address.

    A valid key is never held back by it: one station with a stale key must not shut out the others behind the same
    address. It only ends the looking-up, and the telling, of bad ones.

    Args:
        clock: for the window.
        most: failures within the window before an address is blocked.
        window_s: the window's length.
    """

    def __init__(self, clock: Clock, *, most: int = DEFAULT_FAILURES, window_s: float = DEFAULT_WINDOW_S) -> None:
        self._clock = clock
        self._most = most
        self._window_s = window_s
        self._failures_s: OrderedDict[str, deque[float]] = OrderedDict()

    def record(self, address: str) -> None:
        """Count one failure."""
        times_s = self._failures_s.setdefault(address, deque(maxlen=self._most))
        times_s.append(self._clock.monotonic())
        self._failures_s.move_to_end(address)
        if len(self._failures_s) > _MOST_ADDRESSES:
            self._failures_s.popitem(last=False)

    def is_blocked(self, address: str) -> bool:
        """Whether the address used up its failures."""
        return self.retry_after_s(address) > 0

    def retry_after_s(self, address: str) -> int:
        """Whole seconds until the address may fail again; 0 if it may now."""
        times_s = self._failures_s.get(address)
        if times_s is None or len(times_s) < self._most:
            return 0
        return max(0, math.ceil(times_s[0] + self._window_s - self._clock.monotonic()))
