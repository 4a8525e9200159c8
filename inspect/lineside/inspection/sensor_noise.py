"""Is this the exposure before, encoded once more? Told by the sensor's noise, which no two exposures share.

Good parts look alike, so pictures that look alike prove nothing. Their noise differs: what is left of two exposures
after a high pass hardly correlates where nothing is to be seen, while a buffer that is sent again correlates with
itself however its file differs.

Limits, measured in `tests/inspection/test_sensor_noise.py`:
- the noise must reach the frame: below 0.6 gray levels (a renderer, a binarised picture, strong JPEG) nothing is said;
- coding the repeat anew takes noise away: with JPEG of quality 95 upon 95 the correlation stays above 0.9 from about
  2 gray levels of noise on; with 90 upon 95 it falls to 0.6, and the repeat is not told any more;
- a pattern that is fixed to the sensor or to a part that stands still correlates as well: at the limit of 0.9 it must
  be three times as strong as the noise, in the smoothest places of the picture.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image
from lineside.inspection.picture_tiles import spread_tiles

_GAIN: Final = 6
"""The high pass [1 -2 1; -2 4 -2; 1 -2 1] is blind to slopes and straight edges, and multiplies the standard deviation
of white noise by this (Immerkaer, "Fast Noise Variance Estimation", 1996). It is the second derivative along and across
at once, so OpenCV has it as a Sobel filter of whole numbers."""

_TILE_PX: Final = 64
_BLOCK_PX: Final = 16
_SMOOTHEST: Final = 0.25
"""Share of the blocks that is looked at: those with the least left after the high pass, so hardly any of the part."""

_LEAST_BLOCKS: Final = 16
"""4,096 pixels: two independent noises then correlate by chance with a deviation of 0.016."""

_LEAST_NOISE: Final = 0.6
"""Gray levels below which what is left is rounding, and equal in any two pictures of the same scene."""

_UNCLIPPED: Final = (8, 247)
"""Mean gray level of a block that may be looked at: at the ends of the scale noise is cut off."""

_LARGEST_CHANGE: Final = 12.0
"""Gray levels by which the mean of a block may differ in a repeat: coding shifts it less, another part often more."""


@dataclass(frozen=True, slots=True, eq=False)
class NoisePrint:
    """What is kept of a picture to know its repeat by: 130 kB, whatever its size.

    Attributes:
        size_wh_px: of the picture.
        levels: float32 (n,), mean gray level of each block, to the nearest whole one.
        noise: int16 (n, 256), what the high pass leaves of each block's pixels, times 6.
        roughness: float32 (n,), variance of each block's `noise`.
    """

    size_wh_px: tuple[int, int]
    levels: NDArray[np.float32]
    noise: NDArray[np.int16]
    roughness: NDArray[np.float32]

    @classmethod
    def of(cls, gray: Image) -> "NoisePrint":
        """Of a picture, uint8 (height, width); of one smaller than a block there is nothing."""
        levels, noise = _blocks(spread_tiles(gray, most_px=_TILE_PX))
        values = noise.astype(np.float32)
        roughness = np.einsum("ij,ij->i", values, values) / _BLOCK_PX**2 - values.mean(axis=1) ** 2
        return cls((gray.shape[1], gray.shape[0]), levels, noise, roughness)

    def correlation(self, other: "NoisePrint") -> float | None:
        """Correlation of the two pictures' noise, -1 to 1; near 0 for two exposures, near 1 for a repeat.

        Returns:
            None where it cannot be said: pictures of different size, too little noise, or too few smooth places;
            0 where something in them moved, which a repeat cannot.
        """
        if self.size_wh_px != other.size_wh_px:
            return None
        low, high = _UNCLIPPED
        usable = (self.levels > low) & (self.levels < high)
        count = int(usable.sum() * _SMOOTHEST)
        if count < _LEAST_BLOCKS:
            return None
        if float(np.abs(self.levels - other.levels).max()) > _LARGEST_CHANGE:
            return 0.0
        roughness = np.maximum(self.roughness, other.roughness)
        smooth = np.argsort(np.where(usable, roughness, np.inf))[:count]
        here, there = (_centred(noise[smooth]) for noise in (self.noise, other.noise))
        deviations = float(np.sqrt(np.vdot(here, here) / here.size)), float(np.sqrt(np.vdot(there, there) / here.size))
        if min(deviations) < _LEAST_NOISE * _GAIN:
            return None
        return float(np.vdot(here, there)) / here.size / (deviations[0] * deviations[1])


def _blocks(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Mean level (n,) and what the high pass leaves (n, 256) of each whole block."""
    count, height, width = tiles.shape
    rows, columns = height // _BLOCK_PX, width // _BLOCK_PX
    if rows == 0 or columns == 0:
        return np.zeros(0, np.float32), np.zeros((0, _BLOCK_PX**2), np.int16)
    whole = tiles[:, : rows * _BLOCK_PX, : columns * _BLOCK_PX]
    # One tall picture instead of a loop; the rows where two tiles meet are noise of neither, and few.
    flat = whole.reshape(count * rows * _BLOCK_PX, columns * _BLOCK_PX)
    levels = cv2.resize(flat, (columns, count * rows), interpolation=cv2.INTER_AREA)
    noise = cv2.Sobel(flat, cv2.CV_16S, 2, 2, ksize=3)
    split = noise.reshape(count * rows, _BLOCK_PX, columns, _BLOCK_PX).swapaxes(1, 2)
    return levels.reshape(-1).astype(np.float32), split.reshape(-1, _BLOCK_PX**2).astype(np.int16, copy=False)


def _centred(noise: NDArray[np.int16]) -> NDArray[np.float32]:
    values = noise.astype(np.float32)
    return np.asarray(values - values.mean(axis=1, keepdims=True), np.float32)
