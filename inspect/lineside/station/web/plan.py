"""What a web station is built by: sizes, scales and rules, checked together."""

from dataclasses import dataclass

from lineside.inspection.strips import EncoderScale, SlipRule, WatchRules
from lineside.station.web.grades import GradeRule
from lineside.station.web.reject_point import RejectPoint


@dataclass(frozen=True, slots=True)
class WebPlan:
    """What a web station is built by.

    Attributes:
        roll: name of the roll; parts are named after it.
        width_px: pixels of a line.
        mm_per_px_across: scale across the web.
        scale: of the encoder, along the web.
        rules: what lines and encoder must satisfy.
        tile_wh_px: the model's input.
        overlap_wh_px: least overlap of neighbouring tiles, across and along.
        ring_lines: lines that are kept for the model.
        reject: until when a region must be decided; None for a web that is only mapped.
        slip: how far the encoder may be off between marks; None does not look.
        grades: from the best down.
        grade_otherwise: of a region that keeps none of them.
    """

    roll: str
    width_px: int
    mm_per_px_across: float
    scale: EncoderScale
    rules: WatchRules
    tile_wh_px: tuple[int, int]
    overlap_wh_px: tuple[int, int]
    ring_lines: int
    reject: RejectPoint | None = None
    slip: SlipRule | None = None
    grades: tuple[GradeRule, ...] = ()
    grade_otherwise: str = "scrap"

    def __post_init__(self) -> None:
        """Refuse tiles that cover no new line, and a ring that could not hold one until it is judged."""
        if not all(1 <= overlap < tile for overlap, tile in zip(self.overlap_wh_px, self.tile_wh_px, strict=True)):
            raise ValueError(
                f"tiles overlap by {self.overlap_wh_px} px; expected 1 px or more, and less than the model's input of "
                f"{self.tile_wh_px[0]}x{self.tile_wh_px[1]} px"
            )
        if self.ring_lines < 2 * self.tile_wh_px[1]:
            raise ValueError(
                f"a ring of {self.ring_lines} lines for tiles of {self.tile_wh_px[1]}: expected at least two tiles"
            )

    @property
    def width_mm(self) -> float:
        """Of the web that the camera sees."""
        return self.width_px * self.mm_per_px_across

    @property
    def tile_mm(self) -> float:
        """Length of web that a tile shows."""
        return self.tile_wh_px[1] * self.rules.counts_per_line * self.scale.mm_per_count
