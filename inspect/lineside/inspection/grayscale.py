"""One gray picture from any frame."""

import cv2
import numpy as np

from lineside.inspection.frames import Image


def to_gray(image: Image) -> Image:
    """A (height, width) picture: a gray one as it is, blue-green-red by the luma weights of ITU-R BT.601."""
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
