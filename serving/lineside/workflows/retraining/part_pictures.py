"""A part as both releases saw it, side by side: the labels, and what each reported."""

from typing import TYPE_CHECKING

from lineside.datasets.revisions import RevisionStore
from lineside.training.evaluation.judging import JudgedView
from lineside.workflows.figures.drawing import GREEN, VERMILION, new_figure, styled
from lineside.workflows.figures.frames import Box, BoxStyle, draw_frame, window_around
from lineside.workflows.retraining.paired_judging import JudgedPair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGEND = "Green, dashed: as labelled. Red: reported by the release."

_HEIGHT_IN = 3.9


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
    window = window_around([*_truth(one), *_reported(one), *_reported(other)], one.labelled.image.size_wh_px)
    with styled():
        figure = new_figure(height_in=_HEIGHT_IN)
        axes = figure.subplots(1, 2)
        for axis, view, name, verdict in (
            (axes[0], one, live, pair.live.judgement.verdict),
            (axes[1], other, candidate, pair.candidate.judgement.verdict),
        ):
            styles = (BoxStyle(_truth(view), GREEN, "--"), BoxStyle(_reported(view), VERMILION, "-"))
            draw_frame(axis, pixels, window, styles)
            axis.set_title(f"{name}: {verdict.value}")
    return figure


def _telling_view(pair: JudgedPair) -> int:
    """The view whose reports differ most in number; of a part with labels rather one that has some."""

    def weight(at: int) -> tuple[int, int]:
        one, other = pair.live.views[at], pair.candidate.views[at]
        return abs(len(one.reported) - len(other.reported)), len(one.labelled.boxes)

    return max(range(len(pair.live.views)), key=weight)


def _truth(view: JudgedView) -> list[Box]:
    return [box.box_xyxy_px for box in view.labelled.boxes]


def _reported(view: JudgedView) -> list[Box]:
    return [defect.box_xyxy_px for defect in view.reported]
