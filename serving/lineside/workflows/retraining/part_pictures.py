"""A part as both releases saw it, side by side: the labels, and what each reported."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lineside.datasets.revisions import RevisionStore
from lineside.inspection.frames import Image
from lineside.training.evaluation.judging import JudgedView
from lineside.workflows.figures.drawing import GREEN, VERMILION, new_figure, styled
from lineside.workflows.retraining.paired_judging import JudgedPair

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND = "Green, dashed: as labelled. Red: reported by the release."

_LARGEST_PX = 640  # of a panel: what a reader sees on a page
_LEAST_SIDE_PX = 160
_ROOM = 0.35  # around the boxes, of their common extent
_HEIGHT_IN = 3.9

_Box = tuple[float, float, float, float]
_Window = tuple[int, int, int, int]


def part_figure(pair: JudgedPair, store: RevisionStore, *, live: str, candidate: str) -> "Figure":
    """Both releases beside each other, on the view in which they differ most.

    Args:
        pair: the part.
        store: holds its pictures.
        live: what the live release is called.
        candidate: what the candidate is called.

    Raises:
        RevisionCorrupt: the picture is missing or was changed.
    """
    at = _telling_view(pair)
    one, other = pair.live.views[at], pair.candidate.views[at]
    pixels = store.pixels(one.labelled.image)
    window = _window([*_truth(one), *_reported(one), *_reported(other)], one.labelled.image.size_wh_px)
    with styled():
        figure = new_figure(height_in=_HEIGHT_IN)
        axes = figure.subplots(1, 2)
        for axis, view, name, verdict in (
            (axes[0], one, live, pair.live.judgement.verdict),
            (axes[1], other, candidate, pair.candidate.judgement.verdict),
        ):
            _draw(axis, pixels, window, view)
            axis.set_title(f"{name}: {verdict.value}")
    return figure


def _telling_view(pair: JudgedPair) -> int:
    """The view whose reports differ most in number; of a part with labels rather one that has some."""

    def weight(at: int) -> tuple[int, int]:
        one, other = pair.live.views[at], pair.candidate.views[at]
        return abs(len(one.reported) - len(other.reported)), len(one.labelled.boxes)

    return max(range(len(pair.live.views)), key=weight)


def _truth(view: JudgedView) -> list[_Box]:
    return [box.box_xyxy_px for box in view.labelled.boxes]


def _reported(view: JudgedView) -> list[_Box]:
    return [defect.box_xyxy_px for defect in view.reported]


def _window(boxes: Sequence[_Box], size_wh_px: tuple[int, int]) -> _Window:
    """What is shown: all boxes with room around them; the whole frame where there is none."""
    width, height = size_wh_px
    if not boxes:
        return 0, 0, width, height
    edges = np.array(boxes, float)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    side = max(_LEAST_SIDE_PX, (1 + 2 * _ROOM) * float((high - low).max()))
    centre = (low + high) / 2
    left, top = (max(0, round(float(middle) - side / 2)) for middle in centre)
    right, bottom = min(width, round(left + side)), min(height, round(top + side))
    return max(0, round(right - side)), max(0, round(bottom - side)), right, bottom


def _draw(axis: "Axes", pixels: Image, window: _Window, view: JudgedView) -> None:
    from matplotlib.patches import Rectangle

    left, top, right, bottom = window
    shown = pixels[top:bottom, left:right]
    scale = min(1.0, _LARGEST_PX / max(shown.shape[:2]))
    if scale < 1:
        shown = np.asarray(cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    shown = shown if shown.ndim == 2 else np.asarray(cv2.cvtColor(shown, cv2.COLOR_BGR2RGB), np.uint8)
    axis.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=(left, right, bottom, top), interpolation="nearest")
    for boxes, colour, style in ((_truth(view), GREEN, "--"), (_reported(view), VERMILION, "-")):
        for x1, y1, x2, y2 in boxes:
            axis.add_patch(
                Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linestyle=style, linewidth=1.4)
            )
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    axis.set_axis_off()
