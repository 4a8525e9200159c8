"""A line of synthetic boards, each the same whenever it is asked for, and the truth about each."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from lineside.datasets.synthetic import Board, BoardDesign, Defect, LayoutFamily, Look, Mark
from lineside.inspection.frames import Image
from lineside.station.part_codes import CodeFormat, draw_code

CODE_STRIP_PX: Final = 96
"""Height of the strip below the board that bears its code; the board's own pixels stay where they are."""

_QUIET_PX = 12
_PAPER = 235
_MOST_MARKS = 2
_KEPT_PICTURES = 32


@dataclass(frozen=True, slots=True)
class LinePlan:
    """What a line makes; the same plan always gives the same parts.

    Attributes:
        family: kind of layout of its board.
        design_seed: another one is another board of the family.
        width_px: of the board.
        height_px: of the board, without the code below it.
        look: how the camera sees it.
        seed: of the parts.
        defect_share: of the parts that have a defect or more, in [0, 1].
        most_defects: on one part.
        mark_share: of the parts with dust, ink or scratches, which are no defects.
        distinct_parts: after so many the pictures come again, though part ids go on; None: never.
        bears_code: whether a Data Matrix of the part's id is printed below each board.
        part_id_prefix: what each part id begins with.
    """

    family: LayoutFamily = LayoutFamily.SURFACE_MOUNT
    design_seed: int = 11
    width_px: int = 640
    height_px: int = 640
    look: Look = Look.CAMERA
    seed: int = 1
    defect_share: float = 0.1
    most_defects: int = 3
    mark_share: float = 0.2
    distinct_parts: int | None = None
    bears_code: bool = False
    part_id_prefix: str = "V-"

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if not (0 <= self.defect_share <= 1 and 0 <= self.mark_share <= 1):
            raise ValueError(f"shares {self.defect_share} and {self.mark_share}: expected both within 0..1")
        if self.most_defects < 1 or (self.distinct_parts is not None and self.distinct_parts < 1):
            raise ValueError("most_defects and distinct_parts: expected at least 1")


@dataclass(frozen=True, slots=True)
class PartTruth:
    """What nobody on the line is told.

    Attributes:
        number: of the part, counted from 0.
        part_id: what its code says.
        defects: what is wrong with it, boxes in the picture's pixels; empty for a good part.
        marks: dust, ink and scratches that are not wrong with it.
    """

    number: int
    part_id: str
    defects: tuple[Defect, ...]
    marks: tuple[Mark, ...]

    @property
    def is_defective(self) -> bool:
        """The truth in one word."""
        return bool(self.defects)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    image: Image
    defects: tuple[Defect, ...]
    marks: tuple[Mark, ...]


class VirtualLine:
    """Draws the parts of a plan; may be asked on any thread.

    Args:
        plan: what the line makes.
    """

    def __init__(self, plan: LinePlan) -> None:
        self._plan = plan
        self._board = Board(BoardDesign(plan.family, seed=plan.design_seed, size_wh_px=(plan.width_px, plan.height_px)))
        self._kept: OrderedDict[int, _Drawn] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def plan(self) -> LinePlan:
        """What the line makes."""
        return self._plan

    def golden(self) -> Image:
        """Picture of a good part lying exactly in place, for a recipe's reference: uint8 (height, width)."""
        with self._lock:
            golden = self._board.golden(look=self._plan.look)
        return self._with_code(golden, "") if self._plan.bears_code else golden

    def part_id(self, number: int) -> str:
        """What the code of a part says."""
        return f"{self._plan.part_id_prefix}{number:06d}"

    def number_of(self, part_id: str) -> int | None:
        """Which part has this id; None if none of this line."""
        prefix = self._plan.part_id_prefix
        digits = part_id.removeprefix(prefix)
        is_ours = part_id.startswith(prefix) and digits.isascii() and digits.isdigit()
        return int(digits) if is_ours and self.part_id(int(digits)) == part_id else None

    def truth(self, number: int) -> PartTruth:
        """The truth about a part."""
        drawn = self._drawn(number)
        return PartTruth(number, self.part_id(number), drawn.defects, drawn.marks)

    def picture(self, number: int) -> Image:
        """A part as the camera sees it: uint8 (height, width), owned by the caller."""
        image = self._drawn(number).image
        return self._with_code(image, self.part_id(number)) if self._plan.bears_code else image.copy()

    def _drawn(self, number: int) -> _Drawn:
        if number < 0:
            raise ValueError(f"part {number}: parts are counted from 0")
        plan = self._plan
        drawn_as = number if plan.distinct_parts is None else number % plan.distinct_parts
        with self._lock:
            kept = self._kept.get(drawn_as)
            if kept is None:
                kept = self._draw(drawn_as)
                self._kept[drawn_as] = kept
                if len(self._kept) > max(_KEPT_PICTURES, plan.distinct_parts or 0):
                    self._kept.popitem(last=False)
            return kept

    def _draw(self, number: int) -> _Drawn:
        plan = self._plan
        rng = np.random.default_rng([plan.seed, number])
        defects = int(rng.integers(1, plan.most_defects + 1)) if rng.random() < plan.defect_share else 0
        marks = int(rng.integers(1, _MOST_MARKS + 1)) if rng.random() < plan.mark_share else 0
        sample = self._board.sample(look=plan.look, defects=defects, seed=int(rng.integers(2**31)), marks=marks)
        return _Drawn(sample.frame, sample.defects, sample.marks)

    def _with_code(self, board: Image, part_id: str) -> Image:
        strip = np.full((CODE_STRIP_PX, board.shape[1]), _PAPER, np.uint8)
        if part_id:
            code = draw_code(part_id, CodeFormat.DATA_MATRIX)
            side_px = CODE_STRIP_PX - 2 * _QUIET_PX
            scale = max(1, side_px // max(code.shape))
            large = cv2.resize(code, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
            rows, columns = large.shape
            strip[_QUIET_PX : _QUIET_PX + rows, _QUIET_PX : _QUIET_PX + columns] = np.minimum(large, _PAPER)
        return np.vstack([board, strip])
