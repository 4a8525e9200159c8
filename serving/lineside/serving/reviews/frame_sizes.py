"""How large the views of an inspection are, so that boxes drawn on them can be checked."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import MediaType
from lineside.serving.errors import Unacceptable
from lineside.serving.images import ImageStore, ImageStoreError
from lineside.serving.reviews.schemas import ReviewBox


async def frame_sizes(
    frames: Sequence[Row[Any]], images: ImageStore, *, limits: DecodingLimits
) -> Mapping[str, tuple[int, int] | None]:
    """Width and height in pixels by view; None where the image is gone and was no raw one."""
    return {row.view: await asyncio.to_thread(_size_of, row, images, limits) for row in frames}


def _size_of(row: Row[Any], images: ImageStore, limits: DecodingLimits) -> tuple[int, int] | None:
    if row.raw_geometry is not None:
        return int(row.raw_geometry["width_px"]), int(row.raw_geometry["height_px"])
    try:
        return decode(images.read(row.digest), MediaType(row.media_type), limits=limits).size_wh_px
    except (ImageStoreError, FrameError):
        return None


def check_boxes(boxes: Sequence[ReviewBox], sizes_wh_px: Mapping[str, tuple[int, int] | None]) -> None:
    """Refuse boxes on views that are not there, or outside their view.

    Raises:
        Unacceptable: naming the first one.
    """
    for box in boxes:
        if box.view not in sizes_wh_px:
            known = ", ".join(sorted(sizes_wh_px)) or "none"
            raise Unacceptable(f"a box is on view {box.view!r}; the inspection has: {known}")
        size = sizes_wh_px[box.view]
        if size is not None and (box.box_xyxy_px[2] > size[0] or box.box_xyxy_px[3] > size[1]):
            raise Unacceptable(f"box {box.box_xyxy_px} reaches outside view {box.view!r} of {size[0]}x{size[1]} px")
