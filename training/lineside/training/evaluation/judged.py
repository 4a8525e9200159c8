"""Truth and findings of one image, side by side: what every way of counting starts from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detections import Detections

LOWEST_CONFIDENCE = 0.01
"""Average precision looks at the whole curve: detections from here on are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedImage:
    """Truth and findings of one image.

    Attributes:
        boxes_xyxy_px: float32 (n, 4), the truth in the order in which it was labelled.
        class_ids: int64 (n,), index into the class names that the images are counted with.
        found: what the detector reported from `LOWEST_CONFIDENCE` on, by falling confidence; class ids as above.
        is_refused: nothing was judged (no reference fitted, say); all its defects count as missed.
    """

    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    found: Detections
    is_refused: bool = False


def truth_arrays(
    defects: Iterable[tuple[str, Sequence[float]]], classes: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Boxes float32 (n, 4) and class ids int64 (n,) of labels.

    Args:
        defects: class name and box (left, top, right, bottom) of each.
        classes: names by class id; holds every one that occurs.
    """
    ids = {name: index for index, name in enumerate(classes)}
    rows = list(defects)
    boxes = np.array([box for _, box in rows], np.float32).reshape(-1, 4)
    return boxes, np.array([ids[name] for name, _ in rows], np.int64)


def renumbered(found: Detections, names: Sequence[str], classes: Sequence[str]) -> Detections:
    """The same detections with class ids of another list of names.

    Args:
        found: class ids index into `names`.
        names: the release's classes.
        classes: the classes to count with; holds all of `names`.
    """
    new_ids = np.array([classes.index(name) for name in names], np.int64)
    return Detections(found.boxes_xyxy_px, found.confidences, new_ids[found.class_ids])
