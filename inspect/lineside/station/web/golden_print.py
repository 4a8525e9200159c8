"""A print that repeats along the web as the reference that each tile is compared with.

The golden picture shows one repeat, from any line of it to the same line of the next. Where on the repeat the web is,
is searched once at the begin, and followed from tile to tile after that: the encoder and the print need not agree to
the pixel. A tile that does not fit is searched for once more (a splice, another start) and else refused: it is then
not inspected.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np

from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.reference import (
    PreparedReference,
    Reference,
    Registration,
    RegistrationLimits,
    compose,
    register,
)
from lineside.inspection.tiling import Tile

_COARSE_PX = 8
"""The search looks at averages over squares of so many pixels; what is left is within the registration's reach."""


class GoldenPrint:
    """Composes tiles with the repeat of the print that they show. Several threads may call it.

    Args:
        reference: its image shows one repeat: uint8 (lines of one repeat, width of the web).
        limits: how far a tile may lie from where it is expected; at least 8 px are searched.
        now: the present instant, which decides whether the reference may still be used.
    """

    def __init__(self, reference: Reference, *, limits: RegistrationLimits, now: Callable[[], datetime]) -> None:
        if limits.max_shift_px < _COARSE_PX:
            raise ValueError(f"max_shift_px is {limits.max_shift_px}; a web needs at least {_COARSE_PX}")
        picture = reference.image
        self._twice = np.concatenate([picture, picture])  # so that every window of one repeat's height is in one piece
        self._repeat_lines = len(picture)
        self._coarse = _averaged(self._twice)
        self._reference, self._name = reference, reference.id
        self._limits, self._now = limits, now
        self._lock = threading.Lock()
        self._offset_lines: int | None = None  # line of the picture that line 0 of the web shows

    def compose(self, pixels: Image, tile: Tile) -> Image:
        """What a reference model looks at.

        Args:
            pixels: uint8 (height, width) of the tile.
            tile: in lines of the web.

        Raises:
            RegistrationRefused: the tile fits no place of the print.
        """
        with self._lock:
            offset = self._offset_lines
        if offset is not None:
            try:
                return compose(pixels, self._laid(pixels, tile, offset))
            except RegistrationRefused:
                pass  # the web may have been spliced: look for the place anew
        return compose(pixels, self._laid(pixels, tile, self._search(pixels, tile)))

    def _laid(self, pixels: Image, tile: Tile, offset: int) -> Registration:
        """Lay the picture on a tile, and remember where the web is if it fits."""
        start = (tile.top_px + offset) % self._repeat_lines
        if len(pixels) > self._repeat_lines:
            raise RegistrationRefused(
                f"{self._name} shows {self._repeat_lines} lines of the print and a tile has {len(pixels)}: "
                "give a picture of several repeats"
            )
        window = np.ascontiguousarray(self._twice[start : start + len(pixels), tile.left_px : tile.right_px])
        reference = replace(self._reference, image=window)
        laid = register(pixels, [PreparedReference.prepare(reference)], limits=self._limits, now=self._now())
        with self._lock:
            self._offset_lines = offset - round(laid.shift_xy_px[1])
        return laid

    def _search(self, pixels: Image, tile: Tile) -> int:
        """The line of the picture that line 0 of the web shows, by normalised cross-correlation, to within 8 lines."""
        small = _averaged(pixels)
        left = tile.left_px // _COARSE_PX
        lane = self._coarse[:, left : left + small.shape[1]]
        if small.shape[0] > lane.shape[0] or small.shape[1] > lane.shape[1] or 0 in small.shape:
            raise RegistrationRefused(
                f"the tile is {pixels.shape[1]}x{pixels.shape[0]} px: too small, or not in {self._name}"
            )
        scores = cv2.matchTemplate(lane, small, cv2.TM_CCOEFF_NORMED)[:, 0]
        return int(scores.argmax()) * _COARSE_PX - tile.top_px


def _averaged(picture: Image) -> Image:
    height, width = picture.shape[0] // _COARSE_PX, picture.shape[1] // _COARSE_PX
    if 0 in (height, width):
        return np.zeros((0, 0), np.uint8)
    whole = picture[: height * _COARSE_PX, : width * _COARSE_PX]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
