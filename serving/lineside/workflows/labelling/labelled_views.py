"""What people said of one view of a picked part, and what it is called in a dataset revision."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, SampleOrigin

LONGEST_STEP = 100
"""Characters of a part's or view's name that an image name keeps: two of them and an id fit any file system."""

_STRANGE = re.compile(r"[^\w.@+=-]")  # what no file name needs; letters of every alphabet stay


class GroupBy(StrEnum):
    """What stays together in a split."""

    PART = "part"
    PANEL = "panel"
    LOT = "lot"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledView:
    """A view of a picked part after people looked at it.

    Attributes:
        inspection_id: the inspection.
        part_id: the part.
        view: the recipe's name of the view.
        digest: lowercase hex SHA-256 of the picture as the server keeps it.
        boxes: the defects in frame pixels; none says that there is no defect.
        read_at: aware instant of the reading; of two readings of one picture the later counts.
        origin: how the part was chosen for labelling.
        product: what the part is, None if unknown.
        line: where it was inspected, None if unknown.
        lot: the lot, None if unknown.
        panel: the carrier of several parts, None where there is none.
    """

    inspection_id: str
    part_id: str
    view: str
    digest: str
    boxes: tuple[LabelledBox, ...]
    read_at: datetime
    origin: SampleOrigin
    product: str | None = None
    line: str | None = None
    lot: str | None = None
    panel: str | None = None

    @property
    def name(self) -> str:
        """What its image is called; see `image_name`."""
        return image_name(self.part_id, self.inspection_id, self.view)

    def group(self, by: GroupBy) -> str:
        """The unit of splitting; a part without panel or lot is its own."""
        chosen = {GroupBy.PART: self.part_id, GroupBy.PANEL: self.panel, GroupBy.LOT: self.lot}[by]
        return chosen or self.part_id

    def to_image(
        self, file: ImageFile, *, reference: ImageFile | None, ancestors: tuple[str, ...] = (), group_by: GroupBy
    ) -> LabelledImage:
        """The labelled image; boxes that reach out by a rounding error are cut at the edge.

        Args:
            file: the picture in the store.
            reference: the golden image in the store, None for single-image recipes.
            ancestors: digests of what the picture was made from, where it is not the server's own bytes.
            group_by: what its group is.

        Raises:
            ValueError: a box lies outside the picture.
        """
        boxes = tuple(_inside(box, file.size_wh_px) for box in self.boxes)
        return LabelledImage(
            name=self.name,
            part_id=self.part_id,
            group=self.group(group_by),
            product=self.product,
            line=self.line,
            view=self.view,
            image=file,
            reference=reference,
            boxes=boxes,
            is_declared_good=not boxes,
            ancestors=ancestors,
            origin=self.origin,
        )


def image_name(part_id: str, inspection_id: str, view: str) -> str:
    """The name of a view's image in a revision: unique by the inspection, readable by the part.

    >>> image_name("P-0001", "018f-3", "default")
    'P-0001/018f-3/default'
    >>> image_name("../a b", "018f-3", "top")
    '_.._a_b/018f-3/top'
    """
    return "/".join(_step(name) for name in (part_id, inspection_id, view))


def _step(name: str) -> str:
    kept = _STRANGE.sub("_", name)[:LONGEST_STEP]
    return f"_{kept}" if kept.startswith(".") else kept


def _inside(box: LabelledBox, size_wh_px: tuple[int, int]) -> LabelledBox:
    width, height = size_wh_px
    left, top, right, bottom = box.box_xyxy_px
    return LabelledBox(
        box.class_name, (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    )
