"""Parts of a web: lengths of the roll, cut by pitch or by trigger."""

import math
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebPart:
    """A length of a roll that is judged as one.

    Attributes:
        part_id: unique in the plant: roll and number.
        number: from 1 along the roll.
        from_mm: where it begins.
        to_mm: where it ends, beyond `from_mm`.
        trouble: why its bounds are not those of a whole part (a trigger missing or doubled, the roll's end); such a
            part is never OK. None where it is whole.
    """

    part_id: str
    number: int
    from_mm: float
    to_mm: float
    trouble: str | None = None

    def __post_init__(self) -> None:
        """Refuse a part without length."""
        if not (math.isfinite(self.from_mm) and math.isfinite(self.to_mm) and self.from_mm < self.to_mm):
            raise ValueError(
                f"part {self.part_id!r} lies from {self.from_mm} to {self.to_mm} mm; expected a length above 0"
            )

    @property
    def length_mm(self) -> float:
        """How long it is."""
        return self.to_mm - self.from_mm


class PartSegmenter(Protocol):
    """Cuts a web into parts as it runs."""

    def advance(self, through_mm: float) -> tuple[WebPart, ...]:
        """The parts that ended at or before a place, each once, in order; places only grow."""
        ...

    def finish(self, end_mm: float) -> tuple[WebPart, ...]:
        """The same at the roll's end, with what is left as a part of its own that is not whole."""
        ...
