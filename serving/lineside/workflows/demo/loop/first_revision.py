"""The labelled parts that a plant has before its process changes, drawn on purpose: to learn from, and golden ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from lineside.datasets.labelled import LabelledBox, LabelledImage, SampleOrigin, Split
from lineside.datasets.revisions import CatalogueRef, Revision, RevisionDraft, RevisionStore
from lineside.datasets.synthetic import DEFECT_CLASSES, Board, DefectLook
from lineside.workflows.demo.loop.plan import LINE, PRODUCT, FirstLabels
from lineside.workflows.demo.virtual_line import FILM_CONTRAST, LOOK, PRODUCTS, golden_png

LICENCE_NOTE: Final = "drawn by lineside, free to use"

_STREAM = 20261123  # keeps these parts apart from those of every line
_MOST_DEFECTS = 3


@dataclass(frozen=True, slots=True)
class _Kind:
    """Parts that are made alike."""

    name: str
    split: Split
    count: int
    good_in: int | None  # one of so many is good; None: no part is, 1: every part is
    look: DefectLook


def write_first_revision(store: RevisionStore, first: FirstLabels, *, seed: int) -> Revision:
    """Draw and store the parts; the same arguments give the same revision.

    Args:
        store: where to.
        first: how many of each kind.
        seed: of the parts.

    Raises:
        StoreUnwritable: the store refused.
    """
    board = Board(PRODUCTS[PRODUCT])
    reference = store.add_picture(golden_png(PRODUCT), source=f"golden image of {PRODUCT}")
    images: list[LabelledImage] = []
    for number, (name, kind, defects) in enumerate(_parts(first)):
        rng = np.random.default_rng([_STREAM, seed, number])
        sample = board.sample(
            look=LOOK,
            defects=defects,
            seed=int(rng.integers(2**31)),
            contrast=float(rng.uniform(*FILM_CONTRAST)) if kind.look is DefectLook.FILM else 1.0,
            defect_look=kind.look,
        )
        png = cv2.imencode(".png", sample.frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        images.append(
            LabelledImage(
                name=name,
                part_id=name,
                group=name,
                product=PRODUCT,
                line=LINE,
                image=store.add_picture(png, source=name),
                reference=reference,
                boxes=tuple(LabelledBox(str(defect.defect_class), defect.box_xyxy_px) for defect in sample.defects),
                is_declared_good=not sample.defects,
                split=kind.split,
                origin=SampleOrigin.designed("limit_samples") if kind.split is Split.GOLDEN else None,
            )
        )
    return store.write(
        RevisionDraft(
            classes=tuple(str(name) for name in DEFECT_CLASSES),
            images=tuple(images),
            source=f"boards drawn for the demonstration of the labelling loop, seed {seed}",
            licence_note=LICENCE_NOTE,
            catalogue=CatalogueRef("pcb", 1),
        )
    )


def _parts(first: FirstLabels) -> Iterator[tuple[str, _Kind, int]]:
    kinds = (
        _Kind("train", Split.TRAIN, first.train, 4, DefectLook.SOLID),
        _Kind("val", Split.VAL, first.val, 4, DefectLook.SOLID),
        _Kind("golden-solid", Split.GOLDEN, first.golden_solid, None, DefectLook.SOLID),
        _Kind("golden-film", Split.GOLDEN, first.golden_film, None, DefectLook.FILM),
        _Kind("golden-good", Split.GOLDEN, first.golden_good, 1, DefectLook.SOLID),
    )
    for kind in kinds:
        for index in range(kind.count):
            is_good = kind.good_in is not None and index % kind.good_in == kind.good_in - 1
            yield f"{kind.name}/{index:04d}", kind, 0 if is_good else 1 + index % _MOST_DEFECTS
