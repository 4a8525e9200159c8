"""Label Studio's percent of an image <-> pixels.

A rectangle there is (x, y, width, height) in percent of the image's width and height, x and y being the top left
corner. A turned one is turned about that corner, clockwise in degrees, as if the image's pixels were square.
"""

import math
from dataclasses import dataclass

BoxPx = tuple[float, float, float, float]
SizePx = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PercentBox:
    """A rectangle as Label Studio keeps it.

    Attributes:
        x: left edge in percent of the image's width.
        y: top edge in percent of its height.
        width: in percent of the image's width.
        height: in percent of its height.
        rotation_deg: clockwise, about the corner (x, y).
    """

    x: float
    y: float
    width: float
    height: float
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no rectangle is; where it lies does not matter here."""
        if not all(map(math.isfinite, (self.x, self.y, self.width, self.height, self.rotation_deg))):
            raise ValueError(f"a rectangle of {self} is not finite")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"a rectangle of {self.width} x {self.height} percent has no area")


def to_percent(box_xyxy_px: BoxPx, size_wh_px: SizePx) -> PercentBox:
    """An upright box in pixels of an image -> percent of it.

    Raises:
        ValueError: the box has no area or is not finite, or the image has no size.
    """
    width, height = _sides(size_wh_px)
    left, top, right, bottom = box_xyxy_px
    return PercentBox(
        100.0 * left / width, 100.0 * top / height, 100.0 * (right - left) / width, 100.0 * (bottom - top) / height
    )


def to_pixels(box: PercentBox, size_wh_px: SizePx) -> BoxPx:
    """Percent of an image -> the smallest upright box in its pixels that holds the rectangle, turned or not.

    Raises:
        ValueError: the image has no size.
    """
    sides = _sides(size_wh_px)
    left, top = box.x * sides[0] / 100.0, box.y * sides[1] / 100.0
    width, height = box.width * sides[0] / 100.0, box.height * sides[1] / 100.0
    if box.rotation_deg % 360.0 == 0.0:
        return left, top, left + width, top + height
    angle = math.radians(box.rotation_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    # Clockwise with y downwards: (u, v) -> (u cos - v sin, u sin + v cos).
    across = [u * cosine - v * sine for u, v in ((0, 0), (width, 0), (0, height), (width, height))]
    down = [u * sine + v * cosine for u, v in ((0, 0), (width, 0), (0, height), (width, height))]
    return left + min(across), top + min(down), left + max(across), top + max(down)


def moved(box_xyxy_px: BoxPx, offset_xy_px: tuple[float, float]) -> BoxPx:
    """A box in pixels of a tile -> the frame's, or back with the offset's negative."""
    left, top, right, bottom = box_xyxy_px
    across, down = offset_xy_px
    return left + across, top + down, right + across, bottom + down


def overshoot_px(box_xyxy_px: BoxPx, size_wh_px: SizePx) -> float:
    """How far a box reaches outside its image, 0 if it does not."""
    left, top, right, bottom = box_xyxy_px
    return max(-left, -top, right - size_wh_px[0], bottom - size_wh_px[1], 0.0)


def clipped(box_xyxy_px: BoxPx, size_wh_px: SizePx) -> BoxPx | None:
    """The part of a box inside its image, None if that has no area."""
    left, top, right, bottom = box_xyxy_px
    inside = (max(left, 0.0), max(top, 0.0), min(right, float(size_wh_px[0])), min(bottom, float(size_wh_px[1])))
    return inside if inside[0] < inside[2] and inside[1] < inside[3] else None


def _sides(size_wh_px: SizePx) -> SizePx:
    if min(size_wh_px) < 1:
        raise ValueError(f"an image of {size_wh_px[0]}x{size_wh_px[1]} px; both sides must be at least 1 px")
    return size_wh_px
