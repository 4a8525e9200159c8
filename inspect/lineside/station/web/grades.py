"""Grades of a region by rule: a web is not thrown away piece by piece, it is sold as what it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from lineside.inspection.strips import WebDefect


@dataclass(frozen=True, slots=True)
class GradeRule:
    """What a region may bear and still have a grade.

    Attributes:
        grade: its name, e.g. "A".
        max_defects: most defects in the region.
        max_defect_mm: longest side of any defect along the web; None sets no limit.
    """

    grade: str
    max_defects: int
    max_defect_mm: float | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that nothing could keep."""
        if not self.grade or self.max_defects < 0 or (self.max_defect_mm is not None and self.max_defect_mm <= 0):
            raise ValueError(
                f"grade {self.grade!r} with at most {self.max_defects} defects of {self.max_defect_mm} mm: "
                "expected a name, 0 or more defects, and a length above 0"
            )

    def is_kept(self, defects: Sequence[WebDefect]) -> bool:
        """Whether a region with these defects has at least this grade."""
        limit_mm = self.max_defect_mm
        is_short = limit_mm is None or all(defect.length_mm <= limit_mm for defect in defects)
        return len(defects) <= self.max_defects and is_short


def grade_of(defects: Sequence[WebDefect], rules: Sequence[GradeRule], *, otherwise: str) -> str:
    """The grade of an inspected region: that of the first rule that it keeps, from the best down.

    >>> grade_of((), [GradeRule("A", 0), GradeRule("B", 3)], otherwise="scrap")
    'A'
    """
    return next((rule.grade for rule in rules if rule.is_kept(defects)), otherwise)
