"""From encoder counts to millimetres of web."""

import math
from dataclasses import dataclass
from typing import Literal

from lineside.inspection.errors import CalibrationRefused
from lineside.inspection.strips.lines import Counts

LEAST_COUNTS = 1000
"""Two marks that lie fewer counts apart give no scale: one count of doubt at each end is 0.2 % of these."""


@dataclass(frozen=True, slots=True)
class EncoderScale:
    """How far the web moves with one count.

    Attributes:
        mm_per_count: above 0.
        direction: +1 where the encoder counts up as the web runs forward, -1 where it counts down.
    """

    mm_per_count: float
    direction: Literal[1, -1] = 1

    def __post_init__(self) -> None:
        """Refuse a scale that places nothing."""
        if not (math.isfinite(self.mm_per_count) and self.mm_per_count > 0):
            raise CalibrationRefused(f"mm_per_count is {self.mm_per_count}; expected a finite number above 0")
        if self.direction not in (1, -1):
            raise CalibrationRefused(f"direction is {self.direction}; expected 1 or -1")

    @classmethod
    def from_marks(cls, first_count: int, second_count: int, *, distance_mm: float) -> "EncoderScale":
        """Calibrate by two marks of a measured distance on the web, the first of them passing first.

        Args:
            first_count: the encoder's count as the first mark passed the camera.
            second_count: as the second did.
            distance_mm: between them, by a rule or a tape that is calibrated itself.

        Raises:
            CalibrationRefused: the distance is no length, or the counts lie too near together.
        """
        counts = second_count - first_count
        if not (math.isfinite(distance_mm) and distance_mm > 0):
            raise CalibrationRefused(f"the marks lie {distance_mm} mm apart; expected a finite length above 0")
        if abs(counts) < LEAST_COUNTS:
            raise CalibrationRefused(
                f"the marks lie {abs(counts)} counts apart; expected at least {LEAST_COUNTS}: set them further apart"
            )
        return cls(distance_mm / abs(counts), 1 if counts > 0 else -1)

    def forward(self, encoder: Counts) -> Counts:
        """Counts that grow as the web runs forward."""
        counts: Counts = encoder * self.direction
        return counts

    def length_mm(self, counts: int) -> float:
        """How far the web moves with so many counts."""
        return counts * self.mm_per_count
