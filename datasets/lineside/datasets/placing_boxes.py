"""Boxes as label files have them -> boxes in pixels of a picture whose size is known."""

import math

from lineside.datasets.errors import LabelsRefused
from lineside.datasets.formats.source import Problems, SourceBox, SourceImage
from lineside.datasets.labelled import ImageFile, LabelledBox

BoxPx = tuple[float, float, float, float]


class BoxPlacer:
    """Turns label boxes into pixels; refuses what lies outside, or cuts it and keeps account.

    Attributes:
        clipped: for each box that was cut: where it stands, and its edges before and after, in pixels.
    """

    def __init__(self, *, is_clipping: bool) -> None:
        self.clipped: list[dict[str, object]] = []
        self._is_clipping = is_clipping
        self._problems = Problems()

    def place(self, image: SourceImage, file: ImageFile) -> tuple[LabelledBox, ...] | None:
        """The image's boxes in pixels; None if one was refused, which `raise_if_refused` then tells."""
        if image.size_wh_px is not None and image.size_wh_px != file.size_wh_px:
            self._problems.add(
                f"{image.where}: says {_by(image.size_wh_px)} px, but {image.path} has {_by(file.size_wh_px)}: "
                "the labels are of another picture"
            )
            return None
        placed = [self._place_one(box, image, file) for box in image.boxes]
        accepted = tuple(box for box in placed if box is not None)
        return accepted if len(accepted) == len(placed) else None

    def raise_if_refused(self) -> None:
        """End if any box was refused.

        Raises:
            LabelsRefused: naming the places of the first few.
        """
        self._problems.raise_if_any(LabelsRefused)

    def _place_one(self, box: SourceBox, image: SourceImage, file: ImageFile) -> LabelledBox | None:
        width, height = file.size_wh_px
        scale_x, scale_y = (width, height) if box.is_relative else (1, 1)
        left, top, right, bottom = box.box_xyxy
        edges = (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y)
        if not all(map(math.isfinite, edges)) or edges[0] >= edges[2] or edges[1] >= edges[3]:
            self._problems.add(f"{box.where}: box {_shown(edges)} px has no area; expected x1 < x2 and y1 < y2")
            return None
        inside = (max(edges[0], 0.0), max(edges[1], 0.0), min(edges[2], float(width)), min(edges[3], float(height)))
        overshoot = max(
            (inside[0] - edges[0]) / scale_x,
            (inside[1] - edges[1]) / scale_y,
            (edges[2] - inside[2]) / scale_x,
            (edges[3] - inside[3]) / scale_y,
        )
        if overshoot > box.tolerance:
            if not self._is_clipping or inside[0] >= inside[2] or inside[1] >= inside[3]:
                self._problems.add(
                    f"{box.where}: box {_shown(edges)} px reaches outside its {_by(file.size_wh_px)} px image; correct "
                    "it, or say --clip to cut such boxes at the edge"
                )
                return None
            self.clipped.append(
                {
                    "image": image.name,
                    "class_name": box.class_name,
                    "from_xyxy_px": list(edges),
                    "to_xyxy_px": list(inside),
                }
            )
        elif inside[0] >= inside[2] or inside[1] >= inside[3]:
            self._problems.add(f"{box.where}: box {_shown(edges)} px has no area inside its image")
            return None
        return LabelledBox(box.class_name, inside)


def _by(size_wh_px: tuple[int, int]) -> str:
    return f"{size_wh_px[0]}x{size_wh_px[1]}"


def _shown(edges: BoxPx) -> str:
    return "(" + ", ".join(f"{edge:.6g}" for edge in edges) + ")"
