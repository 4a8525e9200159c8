"""A labelled picture in memory while it is changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.frames import Image


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels and labels.

    Attributes:
        frame: uint8 (h, w) gray or (h, w, 3) BGR.
        reference: of the frame's size, None if there is none.
        boxes_xyxy_px: float64 (n, 4).
        class_names: of each box.
    """

    frame: Image
    reference: Image | None
    boxes_xyxy_px: NDArray[np.float64]
    class_names: tuple[str, ...]

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.frame.shape[1], self.frame.shape[0]
