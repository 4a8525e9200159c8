"""How large a defect is: the size of its box, in millimetres, under one of three definitions.

A detector gives an upright box, not an outline, so every size here is the size of the box. For a thin scratch
lying at an angle the short side overstates its width and the long side understates its length (by up to a
factor of the square root of two at 45 degrees). Limits on length should leave that room; the guide on recipes
says so.
"""

import math
from enum import StrEnum

from lineside.inspection.zones import BoxXyxyPx


class SizeDefinition(StrEnum):
    """Which size of a defect's box counts, as the defect catalogue defines it for a class."""

    WIDTH = "width"
    """The box's short side, in mm."""
    LENGTH = "length"
    """The box's long side, in mm."""
    AREA = "area"
    """The box's area, in mm²."""

    @property
    def unit(self) -> str:
        """The unit of a size under this definition: "mm" or "mm²"."""
        return "mm²" if self is SizeDefinition.AREA else "mm"


def box_size_mm(box_xyxy_px: BoxXyxyPx, mm_per_px: float, *, definition: SizeDefinition) -> float:
    """Measure a box.

    Args:
        box_xyxy_px: left, top, right, bottom in frame pixels, half-open: a box from 10 to 12 is 2 px wide.
        mm_per_px: millimetres that one pixel covers on the part, finite and above 0, equal in both
            directions.
        definition: which size.

    Returns:
        The size in mm, or in mm² for an area; 0 for an empty box.

    Raises:
        ValueError: the scale is not a positive number, or the box is not finite or inside out.

    >>> box_size_mm((10.0, 10.0, 14.0, 12.0), 0.5, definition=SizeDefinition.LENGTH)
    2.0
    >>> box_size_mm((10.0, 10.0, 14.0, 12.0), 0.5, definition=SizeDefinition.AREA)
    2.0
    """
    if not (math.isfinite(mm_per_px) and mm_per_px > 0):
        raise ValueError(f"mm_per_px is {mm_per_px}; it must be a finite number above 0")
    left, top, right, bottom = box_xyxy_px
    across_px, down_px = right - left, bottom - top
    if not (math.isfinite(across_px) and math.isfinite(down_px) and across_px >= 0 and down_px >= 0):
        raise ValueError(f"box {box_xyxy_px} is not finite or is inside out; expected left <= right and top <= bottom")
    match definition:
        case SizeDefinition.WIDTH:
            return min(across_px, down_px) * mm_per_px
        case SizeDefinition.LENGTH:
            return max(across_px, down_px) * mm_per_px
        case SizeDefinition.AREA:
            return across_px * down_px * mm_per_px**2
