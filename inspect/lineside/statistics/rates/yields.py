"""Yields and defects per unit: the figures that quality reports are full of, with their definitions.

Definitions after D. C. Montgomery, "Introduction to Statistical Quality Control" (defects per unit: control charts for
nonconformities per unit; defects per million opportunities: the six-sigma sections of chapter 1), and the American
Society for Quality's quality glossary. They are plain shares; how sure they are is for `estimate_rate` and the
intervals to say.
"""

import math
from collections.abc import Sequence

from lineside.statistics.counts import check_counts
from lineside.statistics.errors import ImpossibleCounts

_MILLION = 1_000_000


def defects_per_unit(defects: int, units: int) -> float | None:
    """DPU: defects over units, several defects of a unit each counted; None without a unit.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative.

    >>> defects_per_unit(30, 200)
    0.15
    """
    check_counts(defects=defects, units=units)
    return defects / units if units else None


def defects_per_million_opportunities(defects: int, units: int, *, opportunities: int) -> float | None:
    """DPMO: defects over (units x opportunities of a unit), times a million; None without a unit.

    The opportunities are those of the product, from its catalogue: places where a defect can be, as many in each unit.

    Raises:
        TypeError: a count is not an integer.
        ImpossibleCounts: there are more defects than opportunities.
        ValueError: a count is negative, or a unit has no opportunity.

    >>> defects_per_million_opportunities(30, 200, opportunities=50)
    3000.0
    """
    check_counts(defects=defects, units=units, opportunities=opportunities)
    if opportunities == 0:
        raise ValueError("a unit has 0 opportunities; expected at least 1: take them from the product's catalogue")
    if units == 0:
        return None
    if defects > units * opportunities:
        raise ImpossibleCounts(
            f"{defects} defects in {units} units of {opportunities} opportunities; expected at most one an opportunity:"
            " count a place once, or give the product more opportunities"
        )
    return defects * _MILLION / (units * opportunities)


def defective_ppm(share: float) -> float:
    """Parts per million defective: a share of defective *parts* times a million. Not DPMO, which counts defects.

    Raises:
        ValueError: the share is outside [0, 1] or no number.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"the share is {share}; expected a number from 0 to 1")
    return share * _MILLION


def first_pass_yield(passed_first: int, entered: int) -> float | None:
    """FPY (first time yield): parts that passed at their first attempt, over the parts that entered; None if none did.

    Parts that pass after a retest or rework are not among those that passed first. By the detector's verdict it is a
    detector's figure; by settled truth it is one of the process.

    Raises:
        TypeError: a count is not an integer.
        ImpossibleCounts: more passed than entered.
        ValueError: a count is negative.

    >>> first_pass_yield(190, 200)
    0.95
    """
    check_counts(passed_first=passed_first, entered=entered)
    if passed_first > entered:
        raise ImpossibleCounts(f"{passed_first} parts passed of {entered} that entered; expected at most as many")
    return passed_first / entered if entered else None


def rolled_throughput_yield(yields: Sequence[float]) -> float:
    """RTY: the chance of a part to pass every station at its first attempt, the product of their first-pass yields.

    Assumes that stations fail parts independently of each other. No station gives 1.

    Raises:
        ValueError: a yield is outside [0, 1] or no number.

    >>> round(rolled_throughput_yield([0.98, 0.95, 0.99]), 4)
    0.9217
    """
    for value in yields:
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"a first-pass yield is {value}; expected a number from 0 to 1")
    return math.prod(yields)
