"""A folder of labelled synthetic boards, as an export of real ones looks: for a start without labels of one's own."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from lineside.datasets.exporting import export_revision
from lineside.datasets.formats import FormatName
from lineside.datasets.labelled import LabelledBox, LabelledImage
from lineside.datasets.revisions import RevisionDraft, RevisionStore
from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, LayoutFamily, Look, Sample
from lineside.inspection.frames import Image

BOARDS_PER_LOT = 4
"""Boards of one design: what must not be divided between training and judging."""

_FIRST_DESIGN = 2**40
"""Design seeds from here on: those of the starters' training boards lie below."""
_DESIGNS_PER_SEED = 1_000_000
_GOOD_SHARE = 0.3
_MOST_DEFECTS = 5


def write_synthetic_set(
    folder: Path,
    *,
    boards: int,
    seed: int,
    format_name: FormatName = FormatName.YOLO,
    on_board: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Draw boards as a camera sees them, lot by lot, and write pictures, labels and golden images.

    Three boards of ten are good, the others have one to five defects. The table `parts.csv` says what is of one lot.

    Args:
        folder: where to; it must not be there, or be empty.
        boards: how many.
        seed: of everything; the same gives the same files, another one other boards.
        format_name: the layout.
        on_board: called after each board with how many are drawn and how many there are.

    Returns:
        How many defects there are.

    Raises:
        ValueError: no board, or a negative seed.
        FormatCannotHold: the layout has no place for something.
        TargetInTheWay: the folder has something in it.
        TargetUnwritable: the disk is full, or the folder cannot be written.
    """
    if boards < 1 or seed < 0:
        raise ValueError(f"{boards} boards, seed {seed}: expected at least one board and a seed of 0 or more")
    with tempfile.TemporaryDirectory(prefix="lineside-boards-") as scratch:
        store = RevisionStore(scratch)
        images: list[LabelledImage] = []
        for number, (lot, sample) in enumerate(_samples(boards, seed), 1):
            name = f"{lot}-board-{(number - 1) % BOARDS_PER_LOT + 1}"
            images.append(_labelled(store, sample, name=name, lot=lot))
            on_board(number, boards)
        revision = store.write(
            RevisionDraft(
                classes=tuple(str(name) for name in DEFECT_CLASSES),
                images=tuple(images),
                source=f"synthetic boards, seed {seed}",
                licence_note="drawn by lineside, free to use",
            )
        )
        export_revision(store, revision, folder, format_name)
    return sum(len(image.boxes) for image in images)


def _samples(boards: int, seed: int) -> Iterator[tuple[str, Sample]]:
    families = tuple(LayoutFamily)
    for number in range(boards):
        lot, place = divmod(number, BOARDS_PER_LOT)
        if place == 0:
            design = BoardDesign(families[lot % len(families)], _FIRST_DESIGN + seed * _DESIGNS_PER_SEED + lot)
            board = Board(design)
        rng = np.random.default_rng([seed, number])
        defects = 0 if rng.random() < _GOOD_SHARE else int(rng.integers(1, _MOST_DEFECTS + 1))
        yield f"lot-{lot + 1:03d}", board.sample(look=Look.CAMERA, defects=defects, seed=int(rng.integers(2**31)))


def _labelled(store: RevisionStore, sample: Sample, *, name: str, lot: str) -> LabelledImage:
    return LabelledImage(
        name=name,
        part_id=name,
        group=lot,
        image=store.add_picture(_png(sample.frame), source=name),
        reference=store.add_picture(_png(sample.reference), source=f"golden image of {name}"),
        boxes=tuple(LabelledBox(str(defect.defect_class), defect.box_xyxy_px) for defect in sample.defects),
        is_declared_good=not sample.defects,
    )


def _png(image: Image) -> bytes:
    _, encoded = cv2.imencode(".png", image)
    return encoded.tobytes()
