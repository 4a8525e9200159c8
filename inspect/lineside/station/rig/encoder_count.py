"""A PLC's 32-bit encoder count, made one that does not wrap."""

from typing import Final

_SPAN: Final = 1 << 32


class UnwrappedCount:
    """Follows a counter across its wraps. Between two readings it must move by less than 2^31 counts."""

    def __init__(self) -> None:
        self._count: int | None = None

    def follow(self, raw: int) -> int:
        """The count for a reading.

        Args:
            raw: signed or unsigned, 32 bits.
        """
        if self._count is None:
            self._count = raw
            return raw
        moved = (raw - self._count) % _SPAN
        self._count += moved - _SPAN if moved >= _SPAN // 2 else moved
        return self._count


def signed_32(count: int) -> int:
    """A count as a signed 32-bit register shows it.

    >>> signed_32(2**31)
    -2147483648
    """
    half = _SPAN // 2
    return (count + half) % _SPAN - half
