"""The check of labels as one page: each doubtful image with its labels and what was found instead."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.datasets.label_quality import SuspectKind, SuspectLabel
from lineside.datasets.labelled import LabelledImage
from lineside.datasets.revisions import RevisionStore
from lineside.workflows.figures.drawing import GREEN, VERMILION, new_figure, styled
from lineside.workflows.figures.frames import BoxStyle, draw_frame, window_around
from lineside.workflows.label_checking import LabelCheck
from lineside.workflows.pages import Facts, Notice, NoticeLevel, Paragraph, Picture, Section, Table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_NAME = "labels.html"
MOST_PICTURES = 40
"""On the page; the list names all."""

_HOW = (
    "Each image was judged by a model that was trained on other parts. A low score says that this model contradicts "
    "the label; people decide who is right. Green, dashed: as labelled. Red: as the model sees it."
)
_HEIGHT_IN = 3.9


def write_label_check_page(check: LabelCheck, store: RevisionStore, path: Path, *, written_at: datetime) -> None:
    """Write the page: one file that needs nothing else.

    Args:
        check: what was found.
        store: holds the pictures.
        path: of the page.
        written_at: aware UTC instant, for its foot.

    Raises:
        RevisionCorrupt: a picture is missing or was changed.
        OSError: the file cannot be written.
    """
    revision = store.read(check.revision)
    by_name = {image.name: image for image in revision.images}
    kinds = [suspect.kind for suspects in check.suspects for suspect in suspects]
    facts = Facts(
        (
            ("Dataset revision", check.revision),
            ("Images checked", str(check.checked)),
            ("Images in doubt, shown here", str(len(check.suspects))),
            *((_words(kind).capitalize(), str(kinds.count(kind))) for kind in SuspectKind),
        )
    )
    none = (Notice("No label is in doubt.", NoticeLevel.GOOD),) if not check.suspects else ()
    table = Table(
        ("image", "in doubt", "labelled as", "found", "confidence", "score"),
        [
            (
                suspect.image,
                _words(suspect.kind),
                "-" if suspect.kind is SuspectKind.OVERLOOKED else suspect.class_name,
                suspect.found_class,
                f"{suspect.confidence:.2f}",
                f"{suspect.score:.3f}",
            )
            for suspects in check.suspects
            for suspect in suspects
        ],
        text_columns=(0, 1, 2, 3),
    )
    pictures = [
        Picture(
            _figure(by_name[suspects[0].image], suspects, store),
            f"{suspects[0].image}: {', '.join(_words(suspect.kind) for suspect in suspects)}",
        )
        for suspects in check.suspects[:MOST_PICTURES]
    ]
    sections = [Section("", (facts, *none, Paragraph(_HOW)))]
    if check.suspects:
        sections += [Section("Labels in doubt", (table,)), Section("Pictures", pictures)]
    write_page("Labels in doubt", sections, path, written_at=written_at)


def _figure(image: LabelledImage, suspects: Sequence[SuspectLabel], store: RevisionStore) -> "Figure":
    """The whole image and, beside it, what is in doubt from near."""
    labelled = BoxStyle([box.box_xyxy_px for box in image.boxes], GREEN, "--")
    found = BoxStyle([suspect.found_box_xyxy_px for suspect in suspects], VERMILION, "-")
    doubtful = [box for suspect in suspects for box in (suspect.box_xyxy_px, suspect.found_box_xyxy_px)]
    pixels = store.pixels(image.image)
    with styled():
        figure = new_figure(height_in=_HEIGHT_IN)
        whole, near = figure.subplots(1, 2)
        draw_frame(whole, pixels, window_around([], image.image.size_wh_px), (labelled, found))
        draw_frame(near, pixels, window_around(doubtful, image.image.size_wh_px), (labelled, found))
    return figure


def _words(kind: SuspectKind) -> str:
    return kind.value.replace("_", " ")
