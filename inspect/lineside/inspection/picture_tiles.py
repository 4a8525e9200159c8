"""Small pieces of a picture at full resolution, spread evenly: what holds for the whole field is measured on them."""

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image

GRID = 4
TILE_PX = 256


def spread_tiles(gray: Image, *, most_px: int = TILE_PX) -> NDArray[np.uint8]:
    """(n, h, w): 16 evenly spread tiles, each at most an eighth of a side; a small picture whole.

    Thinning out pixels instead would change sharpness and noise.

    Args:
        gray: uint8 (height, width).
        most_px: longest side of a tile.
    """
    height, width = gray.shape
    tile_height, tile_width = min(height // 8, most_px), min(width // 8, most_px)
    if min(tile_height, tile_width) < 32:
        return np.ascontiguousarray(gray)[None]
    tops = [(2 * index + 1) * height // (2 * GRID) - tile_height // 2 for index in range(GRID)]
    lefts = [(2 * index + 1) * width // (2 * GRID) - tile_width // 2 for index in range(GRID)]
    return np.stack([gray[top : top + tile_height, left : left + tile_width] for top in tops for left in lefts])
