"""A plain detector for tests of the web: dark pieces on a bright web, by their outline. Every pixel of it is exact."""

import threading
import time
from collections.abc import Mapping

import cv2
import numpy as np

from lineside.inspection.detections import Detections
from lineside.inspection.errors import EngineError
from lineside.inspection.frames import Image

CLASSES = ("scratch",)
THRESHOLDS = {"scratch": 0.5}
BRIGHT, DARK = 200, 20


class DarkStreaks:
    """Finds connected dark pixels.

    Args:
        streams: calls at once.
        slow_s: how long each call takes at least.
        fails: whether each call fails as an engine does.
    """

    def __init__(self, *, streams: int = 2, slow_s: float = 0.0, fails: bool = False) -> None:
        self.streams = streams
        self.calls = 0
        self._slow_s, self._fails = slow_s, fails
        self._lock = threading.Lock()

    def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
        """Boxes of the dark pieces, in the window's pixels."""
        with self._lock:
            self.calls += 1
        if self._fails:
            raise EngineError("the engine of this test always fails")
        if self._slow_s:
            time.sleep(self._slow_s)
        count, _, stats, _ = cv2.connectedComponentsWithStats((image < 100).astype(np.uint8), connectivity=8)
        boxes = np.array(
            [[left, top, left + wide, top + high] for left, top, wide, high, _ in stats[1:count]], np.float32
        ).reshape(-1, 4)
        return Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int64), 0.9)


def bright_web(lines: int, width_px: int) -> Image:
    """A web without a defect; its lines differ, as those of a camera do."""
    rng = np.random.default_rng(5)
    return rng.integers(BRIGHT - 10, BRIGHT + 10, (lines, width_px)).astype(np.uint8)


def scratch(web: Image, box_xyxy_px: tuple[int, int, int, int]) -> None:
    """Draw a scratch into a web."""
    left, top, right, bottom = box_xyxy_px
    web[top:bottom, left:right] = DARK
