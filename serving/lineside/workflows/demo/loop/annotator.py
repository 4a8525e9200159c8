"""A scripted person who knows the truth of each part and errs at a stated rate."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lineside.datasets.labelled import LabelledBox
from lineside.datasets.synthetic import DEFECT_CLASSES

_INVENTED_PX = (24, 48)  # side of a box around nothing


class Slip(StrEnum):
    """What was wrong with a reading."""

    OVERLOOKED = "overlooked"
    """Every defect of the part; it was called good."""
    MISNAMED = "misnamed"
    """The class of one box."""
    INVENTED = "invented"
    """A box around nothing, on a good part."""


@dataclass(frozen=True, slots=True)
class PersonsReading:
    """What somebody says of a part.

    Attributes:
        boxes: the defects; none calls the part good.
        slip: what is wrong with it; None where it is the truth.
    """

    boxes: tuple[LabelledBox, ...]
    slip: Slip | None = None


@dataclass(frozen=True, slots=True)
class Annotator:
    """Reads parts; the same part is always read the same way.

    Attributes:
        error_rate: share of the readings that are wrong, in [0, 1].
        seed: of the errors.
    """

    error_rate: float
    seed: int

    def read(self, part_id: str, truth: Sequence[LabelledBox], *, size_wh_px: tuple[int, int]) -> PersonsReading:
        """Look at one part.

        Args:
            part_id: decides, with the seed, whether this reading is wrong.
            truth: its defects; none for a good part.
            size_wh_px: of the picture.
        """
        digest = hashlib.sha256(f"{self.seed}\0{part_id}".encode()).digest()
        rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
        if rng.random() >= self.error_rate:
            return PersonsReading(tuple(truth))
        names = [str(name) for name in DEFECT_CLASSES]
        if not truth:
            side = int(rng.integers(*_INVENTED_PX))
            left, top = (int(rng.integers(length - side)) for length in size_wh_px)
            name = names[int(rng.integers(len(names)))]
            return PersonsReading((LabelledBox(name, (left, top, left + side, top + side)),), Slip.INVENTED)
        if rng.random() < 0.5:
            return PersonsReading((), Slip.OVERLOOKED)
        chosen = int(rng.integers(len(truth)))
        others = [name for name in names if name != truth[chosen].class_name]
        wrong = LabelledBox(others[int(rng.integers(len(others)))], truth[chosen].box_xyxy_px)
        return PersonsReading((*truth[:chosen], wrong, *truth[chosen + 1 :]), Slip.MISNAMED)
