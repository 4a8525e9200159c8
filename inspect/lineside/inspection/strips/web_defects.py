"""A defect of a web, however many strips and lanes of tiles it crosses."""

import math
from dataclasses import dataclass

from lineside.inspection.sizes import SizeDefinition


@dataclass(frozen=True, slots=True)
class WebDefect:
    """One defect, placed in millimetres.

    Attributes:
        class_name: its class in the defect catalogue.
        confidence: the highest of its pieces, in [0, 1].
        left_mm: its left end across, from the web's left edge.
        right_mm: its right end across.
        from_mm: where it begins along the roll.
        to_mm: where it ends.
        pieces: windows that saw some of it.
        is_open: whether it may still grow, since the lines behind it have not been examined yet.
    """

    class_name: str
    confidence: float
    left_mm: float
    right_mm: float
    from_mm: float
    to_mm: float
    pieces: int = 1
    is_open: bool = False

    def __post_init__(self) -> None:
        """Refuse what lies nowhere or is turned inside out."""
        places = (self.left_mm, self.right_mm, self.from_mm, self.to_mm)
        if not all(map(math.isfinite, places)) or self.left_mm > self.right_mm or self.from_mm > self.to_mm:
            raise ValueError(
                f"a {self.class_name} across {self.left_mm}..{self.right_mm} mm, along {self.from_mm}..{self.to_mm} "
                "mm; expected finite ends, the lower first"
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"a {self.class_name} with confidence {self.confidence}; expected a number in [0, 1]")
        if self.pieces < 1:
            raise ValueError(f"a {self.class_name} of {self.pieces} pieces; expected at least 1")

    @property
    def length_mm(self) -> float:
        """Its extent along the roll."""
        return self.to_mm - self.from_mm

    @property
    def width_mm(self) -> float:
        """Its extent across."""
        return self.right_mm - self.left_mm

    def size_mm(self, definition: SizeDefinition) -> float:
        """Its size as the catalogue defines it for its class: short side, long side (mm) or area (mm²)."""
        match definition:
            case SizeDefinition.WIDTH:
                return min(self.length_mm, self.width_mm)
            case SizeDefinition.LENGTH:
                return max(self.length_mm, self.width_mm)
            case SizeDefinition.AREA:
                return self.length_mm * self.width_mm

    def touches(self, from_mm: float, to_mm: float) -> bool:
        """Whether some of it lies in [from_mm, to_mm) along the roll."""
        return self.from_mm < to_mm and from_mm < max(self.to_mm, math.nextafter(self.from_mm, math.inf))
