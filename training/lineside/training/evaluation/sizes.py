"""How recall depends on the size of a defect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lineside.statistics import RateInterval, clopper_pearson
from lineside.training.evaluation.outcomes import DefectOutcome

STEP = math.sqrt(2.0)
"""From one bin to the next: twice the area."""


@dataclass(frozen=True, slots=True)
class SizeBin:
    """Defects of about one size.

    Attributes:
        least: smallest size in the bin.
        below: first size beyond it.
        found: share of them that was found, with its exact interval.
    """

    least: float
    below: float
    found: RateInterval


def recall_by_size(defects: Sequence[DefectOutcome]) -> tuple[str, tuple[SizeBin, ...]]:
    """Recall in bins of size, each `STEP` wider than the one before.

    Returns:
        The unit, "mm" where every defect has a size in millimetres, else "px", and the bins from small to large without
        empty ones at the ends. The intervals take defects as independent; several on one part are not quite.
    """
    unit = "mm" if defects and all(defect.size_mm is not None for defect in defects) else "px"
    sizes = [defect.size_mm if unit == "mm" and defect.size_mm is not None else defect.size_px for defect in defects]
    numbers = [math.floor(math.log(size, STEP) + 1e-9) for size in sizes]
    bins = []
    for number in range(min(numbers, default=0), max(numbers, default=-1) + 1):
        hits = [defect.is_found for defect, own in zip(defects, numbers, strict=True) if own == number]
        bins.append(SizeBin(STEP**number, STEP ** (number + 1), clopper_pearson(sum(hits), len(hits))))
    return unit, tuple(bins)
