"""UUID version 7 (RFC 9562, section 5.7): identifiers that sort by the time they were made.

Python's `uuid` has none before 3.14. Ordered identifiers keep index pages hot and make a page cursor of the
identifier itself.
"""

import secrets
import threading
import uuid

from lineside.client.clock import Clock

_COUNTER_BITS = 12
_RANDOM_BITS = 62


class IdentifierSource:
    """Makes UUIDv7s, each greater than every one made before by the same source; thread-safe.

    Follows RFC 9562 section 6.2, method 1: `rand_a` is a 12-bit counter, seeded at random below half its
    range in each new millisecond. When the counter is exhausted, or the clock steps back, the timestamp in
    the identifier runs ahead of the clock rather than breaking the order.

    Args:
        clock: where the milliseconds come from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._unix_ms = -1
        self._counter = 0

    def uuid7(self) -> uuid.UUID:
        """The next identifier."""
        clock_ms = int(self._clock.now().timestamp() * 1000)
        with self._lock:
            if clock_ms > self._unix_ms:
                self._unix_ms = clock_ms
                self._counter = secrets.randbits(_COUNTER_BITS - 1)
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._unix_ms += 1
                    self._counter = secrets.randbits(_COUNTER_BITS - 1)
            unix_ms, counter = self._unix_ms, self._counter
        version, variant = 0x7, 0b10
        return uuid.UUID(
            int=unix_ms << 80 | version << 76 | counter << 64 | variant << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        )
