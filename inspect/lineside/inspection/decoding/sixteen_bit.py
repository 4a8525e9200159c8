"""From 16 bits to the 8 that a detector sees: only by a rule somebody declared.

A 12-bit camera in a 16-bit container read as "the upper byte" is almost black, read as "the lower byte" it
wraps around. Neither is visible in a verdict, so there is no default.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.errors import GeometryMismatch


@dataclass(frozen=True, slots=True)
class ShiftRight:
    """Drop the lowest bits: 4 for a 12-bit camera, 8 for one that fills all 16 bits.

    A value that does not fit 8 bits after the shift is refused: the camera is not what the rule says.

    Attributes:
        bits: 0..8.
    """

    bits: int

    def __post_init__(self) -> None:
        """Refuse a shift that makes no 8-bit value."""
        if not 0 <= self.bits <= 8:
            raise ValueError(f"a 16-bit value is shifted by 0 to 8 bits, not {self.bits}")

    def apply(self, image: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Convert, shape kept.

        Raises:
            GeometryMismatch: the brightest pixel needs more bits than the rule says.
        """
        brightest = int(image.max())
        if brightest >> self.bits > 255:
            raise GeometryMismatch(
                f"the brightest pixel is {brightest}, but a shift by {self.bits} fits values up to "
                f"{(256 << self.bits) - 1}; declare the shift of the camera's true bit depth"
            )
        return np.right_shift(image, self.bits).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class LinearWindow:
    """Map low..high linearly to 0..255, rounded; values outside saturate, as a window declares.

    Attributes:
        low: becomes 0.
        high: becomes 255; above `low`, at most 65535.
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse an empty or reversed window."""
        if not 0 <= self.low < self.high <= 65535:
            raise ValueError(f"window {self.low}..{self.high}: needs 0 <= low < high <= 65535")

    def apply(self, image: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Convert, shape kept."""
        clipped = np.clip(image, self.low, self.high).astype(np.float32) - np.float32(self.low)
        scaled: NDArray[np.float32] = np.rint(clipped * np.float32(255 / (self.high - self.low)))
        return scaled.astype(np.uint8)


SixteenBitRule = ShiftRight | LinearWindow


def to_eight_bit(image: NDArray[np.uint8 | np.uint16], rule: SixteenBitRule | None) -> NDArray[np.uint8]:
    """Apply the declared rule to 16-bit pixels; 8-bit ones pass as they are.

    Raises:
        GeometryMismatch: no rule is declared, or the picture does not fit it.
    """
    if image.dtype == np.uint8:
        return image.view(np.uint8)
    if rule is None:
        raise GeometryMismatch(
            "the frame has 16 bits per channel and no rule says how they become 8; declare ShiftRight(bits) "
            "for the camera's bit depth or LinearWindow(low, high), or let the camera send 8 bits"
        )
    return rule.apply(image.view(np.uint16))
