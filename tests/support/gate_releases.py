"""Real releases and a real revision for the gate: blob detectors that see all, some or almost nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blob_detector import BLOB_CLASSES, BLOB_PX, Blob, BlobModel, TinyRelease, blob_level, draw_blobs
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore

SIZE_WH_PX = (160, 160)
ENGINE = "onnxruntime-fp32"
PRODUCTS = {"alpha": (0, 1, 2), "beta": (3, 4, 5)}
"""Classes of defects that each product has."""

_UNSEEN_LEVEL = 255  # no blob is that bright, so that the class is never found
_GRID_PX = 32


def write_release(
    folder: Path, *, version: str, blind_to: Sequence[int] = (), revision: str | None, **changes: Any
) -> Path:
    """A release whose model does not see blobs of these classes; its canary holds only what it sees."""
    levels = [_UNSEEN_LEVEL if index in blind_to else blob_level(index) for index in range(len(BLOB_CLASSES))]
    seen = [index for index in range(len(BLOB_CLASSES)) if index not in blind_to]
    parity = {"engines": {ENGINE: {"is_offered": True, "mean_box_difference_px": 0.0}}, "limits": {}}
    return TinyRelease(
        model=BlobModel(size_wh_px=SIZE_WH_PX, levels=levels),
        canary_blobs=tuple(Blob(index, 8 + 24 * index, 64) for index in seen),
        changes={"version": version, "dataset_revision": revision, "parity": parity, **changes},
    ).write(folder)


@dataclass(frozen=True)
class Plant:
    """A store with labelled parts of two products.

    Attributes:
        store: holds them.
        revision: with splits train, golden, sealed and escape_bank.
    """

    store: RevisionStore
    revision: Revision


def write_plant(folder: Path, *, defective: int, good: int) -> Plant:
    """Write the revision: so many golden parts of each product, a few for the other splits."""
    store = RevisionStore(str(folder))
    images = []
    for product, classes in PRODUCTS.items():
        for split, count, goods in (
            (Split.GOLDEN, defective, good),
            (Split.TRAIN, 1, 0),  # each costs the search for leaks time
            (Split.SEALED, 2, 1),
            (Split.ESCAPE_BANK, 3, 0),
        ):
            for number in range(count + goods):
                name = f"{product}-{split.value}-{number:03}"
                images.append(labelled(store, name, product, classes if number < count else (), split))
    draft = RevisionDraft(classes=BLOB_CLASSES, images=tuple(images), source="drawn", licence_note="made by this test")
    return Plant(store, store.write(draft))


def labelled(store: RevisionStore, name: str, product: str, classes: Sequence[int], split: Split) -> LabelledImage:
    """A part with two blobs of these classes in turn, at places of its own; a good one without classes."""
    rng = np.random.default_rng(list(name.encode()))
    cells = rng.permutation(16)[:2]
    first = int(rng.integers(len(classes))) if classes else 0
    blobs = [
        Blob(classes[(first + index) % len(classes)], int(cell % 4) * _GRID_PX + 8, int(cell // 4) * _GRID_PX + 8)
        for index, cell in enumerate(cells)
        if classes
    ]
    drawn = draw_blobs(blobs, SIZE_WH_PX)
    frame = np.where(drawn > 0, drawn, _background(rng))
    picture = store.add_picture(bytes(cv2.imencode(".png", frame)[1]), source=name)
    boxes = tuple(
        LabelledBox(
            BLOB_CLASSES[blob.class_id], (blob.left_px, blob.top_px, blob.left_px + BLOB_PX, blob.top_px + BLOB_PX)
        )
        for blob in blobs
    )
    return LabelledImage(
        name=name,
        part_id=name,
        group=name,
        product=product,
        line="line-1",
        image=picture,
        boxes=boxes,
        is_declared_good=not boxes,
        split=split,
    )


def _background(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Dark, with a fiducial and fine bright strokes of its own: healthy, with no blob, and like no other."""
    frame = rng.integers(0, 12, SIZE_WH_PX[::-1], np.uint8)
    frame[:4, :28] = 255
    for _ in range(60):
        left, top = (int(at) for at in rng.integers(0, 148, 2))
        across, along = (2, 12) if rng.integers(2) else (12, 2)
        frame[top : top + across, left : left + along] = 255
    return frame
