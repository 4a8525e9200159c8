"""A dataset revision of a few small synthetic boards, for runs that take seconds."""

from pathlib import Path

import cv2
import numpy as np

from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore, read_picture
from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, LayoutFamily, Look

SIDE_PX = 128
_FIRST_SEED = 114  # of a row of boards whose references all fit


def tiny_revision(
    store: RevisionStore, *, train: int = 4, val: int = 2, has_references: bool = True, extra: tuple[Split, ...] = ()
) -> Revision:
    """Write a revision of boards of 128 px with three defects each, the second one good.

    Args:
        store: gets it.
        train: boards of that split, at least 2.
        val: boards of that split.
        has_references: every image has its golden one.
        extra: one board more for each of these splits.
    """
    splits = [Split.TRAIN] * train + [Split.VAL] * val + list(extra)
    images: list[LabelledImage] = []
    files: list[bytes] = []
    for index, split in enumerate(splits):
        board = Board(BoardDesign(LayoutFamily.BUS, _FIRST_SEED + index, (SIDE_PX, SIDE_PX)))
        sample = board.sample(look=Look.BINARISED, defects=0 if index == 1 else 3, seed=_FIRST_SEED + index)
        encoded = [_png(sample.frame), _png(sample.reference)]
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


def _png(image: np.typing.NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".png", image)
    return np.asarray(encoded, np.uint8).tobytes()
