"""Pictures in the page: crops of the frame and of its reference, with true and reported boxes drawn over them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from markupsafe import Markup

from lineside.inspection.frames import Image
from lineside.training.evaluation.outcomes import BoxXyxyPx

_LEAST_SIDE_PX = 96  # so that a person sees where on the part it is
_ROOM = 2.5  # of the box's longer side
_JPEG_QUALITY = 82
_LARGEST_OVERVIEW_PX = 720


@dataclass(frozen=True, slots=True)
class Window:
    """A region of a frame, in whole pixels, half-open, inside the frame.

    Attributes:
        left: first column.
        top: first row.
        right: first column beyond it.
        bottom: first row beyond it.
    """

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, box_xyxy_px: BoxXyxyPx, size_wh_px: tuple[int, int]) -> "Window":
        """A square with room around a box, moved inside the frame and cut where the frame is smaller."""
        left, top, right, bottom = box_xyxy_px
        side = max(_LEAST_SIDE_PX, round(_ROOM * max(right - left, bottom - top)))
        starts = [
            max(0, min(round((low + high - side) / 2), size - side))
            for low, high, size in ((left, right, size_wh_px[0]), (top, bottom, size_wh_px[1]))
        ]
        return cls(starts[0], starts[1], min(starts[0] + side, size_wh_px[0]), min(starts[1] + side, size_wh_px[1]))

    @classmethod
    def whole(cls, size_wh_px: tuple[int, int]) -> "Window":
        """All of a frame."""
        return cls(0, 0, *size_wh_px)


@dataclass(frozen=True, slots=True)
class Outline:
    """A box to draw.

    Attributes:
        kind: "truth" or "found", which decides its look.
        box_xyxy_px: in frame pixels.
    """

    kind: str
    box_xyxy_px: BoxXyxyPx


def picture(pixels: Image, window: Window, outlines: Sequence[Outline], *, title: str) -> Markup:
    """A region of a frame with boxes over it, as SVG with the pixels inside.

    Args:
        pixels: uint8 gray or BGR, the whole frame.
        window: what to show.
        outlines: boxes; those outside are cut off.
        title: what a reader who cannot see it is told.
    """
    width, height = window.right - window.left, window.bottom - window.top
    line = max(width, height) / 110
    rects = "".join(_rect(outline, line) for outline in outlines)
    href = _data_url(pixels[window.top : window.bottom, window.left : window.right])
    template = Markup(
        '<svg class="picture" viewBox="{left} {top} {width} {height}" role="img" aria-label="{title}">'
        '<image x="{left}" y="{top}" width="{width}" height="{height}" href="{href}"/>{rects}</svg>'
    )
    return template.format(
        left=window.left,
        top=window.top,
        width=width,
        height=height,
        title=title,
        href=href,
        rects=Markup(rects),  # noqa: S704 - made of numbers alone
    )


def _rect(outline: Outline, line: float) -> str:
    left, top, right, bottom = outline.box_xyxy_px
    return (
        f'<rect class="{outline.kind}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" stroke-width="{line:.2f}"/>'
    )


def _data_url(pixels: Image) -> str:
    largest = max(pixels.shape[:2])
    if largest > _LARGEST_OVERVIEW_PX:
        scale = _LARGEST_OVERVIEW_PX / largest
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}"
