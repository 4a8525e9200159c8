"""A dataset revision of a few small synthetic boards, for runs that take seconds."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore, read_picture
from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, LayoutFamily, Look

SIDE_PX = 128
_FIRST_SEED = 114  # of a row of boards whose references all fit


def tiny_revision(
    store: RevisionStore,
    *,
    train: int = 4,
    val: int = 2,
    has_references: bool = True,
    extra: tuple[Split, ...] = (),
    copied: Split | None = None,
    of_one_design: bool = False,
    side_px: int = SIDE_PX,
) -> Revision:
    """Write a revision of small boards with three defects each, the second one good.

    Args:
        store: gets it.
        train: boards of that split, at least 2.
        val: boards of that split.
        has_references: every image has its golden one.
        extra: one board more for each of these splits.
        of_one_design: all boards are of the same product.
        side_px: of the boards.
        copied: the first training board is in this split too, under another name and encoded anew.
    """
    splits = [Split.TRAIN] * train + [Split.VAL] * val + list(extra)
    images: list[LabelledImage] = []
    files: list[bytes] = []
    for index, split in enumerate(splits):
        board = Board(BoardDesign(LayoutFamily.BUS, _FIRST_SEED + (0 if of_one_design else index), (side_px, side_px)))
        sample = board.sample(look=Look.BINARISED, defects=0 if index == 1 else 3, seed=_FIRST_SEED + index)
        encoded = [_encoded(sample.frame), _encoded(sample.reference)]
        frame, reference = (read_picture(data, source=f"board {index}").file for data in encoded)
        files += encoded
        images.append(
            LabelledImage(
                name=f"board-{index}",
                part_id=f"board-{index}",
                group=f"board-{index}",
                image=frame,
                reference=reference if has_references else None,
                boxes=tuple(LabelledBox(str(defect.defect_class), defect.box_xyxy_px) for defect in sample.defects),
                is_declared_good=not sample.defects,
                split=split,
            )
        )
    if copied is not None:
        first = store.pixels(store.add_picture(files[0], source="board 0"))
        data = _encoded(first, ".bmp")
        files.append(data)
        other = read_picture(data, source="copy").file
        images.append(replace(images[0], name="copy", part_id="copy", group="copy", image=other, split=copied))
    draft = RevisionDraft(
        classes=tuple(str(name) for name in DEFECT_CLASSES),
        images=tuple(images),
        source="synthetic boards",
        licence_note="made by this test",
    )
    return store.write(draft, files=files)


def store_in(folder: Path) -> RevisionStore:
    """An empty store."""
    return RevisionStore(str(folder))


def _encoded(image: np.typing.NDArray[np.uint8], suffix: str = ".png") -> bytes:
    _, encoded = cv2.imencode(suffix, image)
    return np.asarray(encoded, np.uint8).tobytes()
