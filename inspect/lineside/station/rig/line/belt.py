"""A conveyor's belt with its encoder, and the watch over the encoder that a PLC keeps."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_JITTER_COUNTS: Final = 3
"""A belt that stands trembles by a count or two; that is no running back."""
_HASTE: Final = 1.5
"""How much more than the belt's speed the counts of one scan may tell before they count as a jump."""


class EncoderFault(StrEnum):
    """What an encoder does when it fails."""

    BACKWARD = "backward"
    JUMP = "jump"
    STUCK = "stuck"


class Belt:
    """Moves parts, and counts.

    The position is the physical truth; the count is what the encoder tells of it, which a planted fault bends.

    Args:
        speed_mm_s: while it runs.
        mm_per_count: of the encoder.
    """

    def __init__(self, *, speed_mm_s: float, mm_per_count: float) -> None:
        self.speed_mm_s = speed_mm_s
        self.mm_per_count = mm_per_count
        self.position_mm = 0.0
        self.is_running = True
        self._counted_mm = 0.0
        self._fault: EncoderFault | None = None
        self._fault_left_s = 0.0

    @property
    def count(self) -> int:
        """What the encoder says; it does not wrap here, the register that carries it does."""
        return math.floor(self._counted_mm / self.mm_per_count)

    def advance(self, dt_s: float) -> None:
        """Run on for a while, if it runs."""
        moved_mm = self.speed_mm_s * dt_s if self.is_running else 0.0
        self.position_mm += moved_mm
        if self._fault_left_s > 0.0:
            self._fault_left_s -= dt_s
            moved_mm = -moved_mm if self._fault is EncoderFault.BACKWARD else 0.0
        self._counted_mm += moved_mm

    def plant(self, fault: EncoderFault, *, for_s: float = 0.2, jump_mm: float = 500.0) -> None:
        """Have the encoder fail.

        Args:
            fault: how.
            for_s: how long it counts backward or stands; a jump is over at once.
            jump_mm: how far it jumps, which may be negative.
        """
        if fault is EncoderFault.JUMP:
            self._counted_mm += jump_mm
            return
        self._fault = fault
        self._fault_left_s = for_s


@dataclass(frozen=True, slots=True)
class EncoderLimits:
    """What counts as an encoder that cannot be believed.

    Attributes:
        fastest_mm_s: the belt's highest speed.
        mm_per_count: of the encoder.
        stuck_s: how long a running belt may stand still in its counts.
    """

    fastest_mm_s: float
    mm_per_count: float
    stuck_s: float = 0.05


class EncoderWatch:
    """Compares counts with what the drive does, scan by scan.

    Args:
        limits: what is believed.
        count: at the start.
    """

    def __init__(self, limits: EncoderLimits, *, count: int) -> None:
        self._limits = limits
        self._last = count
        self._furthest = count
        self._still_s = 0.0

    def check(self, count: int, *, dt_s: float, should_run: bool) -> EncoderFault | None:
        """What is wrong with the count of this scan, if anything.

        Args:
            count: of now.
            dt_s: since the last scan, above 0.
            should_run: whether the drive is on.
        """
        limits = self._limits
        moved, self._last = count - self._last, count
        back = self._furthest - count
        self._furthest = max(self._furthest, count)
        self._still_s = self._still_s + dt_s if should_run and moved == 0 else 0.0
        if moved > _HASTE * limits.fastest_mm_s * dt_s / limits.mm_per_count + _JITTER_COUNTS:
            return EncoderFault.JUMP
        if back > _JITTER_COUNTS:
            self._furthest = count  # said once; from here on it is measured anew
            return EncoderFault.BACKWARD
        if self._still_s > limits.stuck_s:
            self._still_s = 0.0
            return EncoderFault.STUCK
        return None
