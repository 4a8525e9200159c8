"""How pictures look, as points: by a release's network, or, where there is none that could, by plain gray cells."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.sampling.backbone import Backbone
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.release import read_release

_CELLS = 16
_FULL_SCALE = 255.0


class Describer(Protocol):
    """Turns the pictures of a part into a point.

    Attributes:
        kind: what it measures, in words.
        is_comparing: whether it looks at a view's golden picture as well.
    """

    kind: str
    is_comparing: bool

    def describe(self, views: Sequence[Image], *, references: Sequence[Image | None] = ()) -> NDArray[np.float32]:
        """The point of a part: float32 (d,), of one length for all parts."""


class PlainDescriber:
    """Brightness and contrast of 16 x 16 cells, of the mean over the views; knows nothing of defects."""

    kind = "gray cells of the picture"
    is_comparing = False

    def describe(self, views: Sequence[Image], *, references: Sequence[Image | None] = ()) -> NDArray[np.float32]:
        """float32 (512,): the cells' means, then the mean deviation of the pixels from them, full scale being 1."""
        del references  # a plain look at the frame alone
        return np.asarray(np.mean([_cells(to_gray(view)) for view in views], axis=0), np.float32)


def open_describer(release_folder: Path | None, *, threads: int = 1) -> Describer:
    """The release's own backbone, or the plain one where there is no release or its graph has no such tensors.

    Raises:
        ReleaseUnverified: the release is not what its manifest says.
        NotADetector: its model is none.
        OSError: it cannot be read.
    """
    if release_folder is None:
        return PlainDescriber()
    try:
        return Backbone(read_release(release_folder), threads=threads)
    except LookupError:
        return PlainDescriber()


def _cells(gray: Image) -> NDArray[np.float32]:
    wide = gray.astype(np.float32) / np.float32(_FULL_SCALE)
    means = cv2.resize(wide, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    flat = cv2.resize(means, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    deviations = cv2.resize(np.abs(wide - flat), (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(np.concatenate([means.ravel(), deviations.ravel()]), np.float32)
