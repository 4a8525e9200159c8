"""Labelled parts for evaluations: pictures that the blob detector sees through, with labels that may be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from blob_detector import BLOB_CLASSES, Blob, draw_blobs
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore

SIZE_WH_PX = (160, 160)


@dataclass(frozen=True)
class BlobImage:
    """One image of a part.

    Attributes:
        part: its part.
        drawn: what the detector will see.
        labelled: what people said is there; as drawn if None.
        is_blank: nothing at all is on it, so that its health is refused.
        has_reference: it has a golden image: the same picture without blobs.
        classes: names of the labels' classes.
    """

    part: str
    drawn: Sequence[Blob] = ()
    labelled: Sequence[Blob] | None = None
    is_blank: bool = False
    has_reference: bool = False
    size_wh_px: tuple[int, int] = SIZE_WH_PX
    group: str | None = None
    product: str | None = None
    line: str | None = None
    view: str = "default"
    split: Split | None = Split.GOLDEN
    classes: Sequence[str] = BLOB_CLASSES

    def picture(self, *, with_blobs: bool = True) -> NDArray[np.uint8]:
        """The frame, or its golden image: bars that are no blob, and a corner that tells it from every other."""
        image = draw_blobs((), self.size_wh_px)
        if self.is_blank:
            return image
        image[2:6, 10:150] = 255
        image[-8:-4, 10:150] = 255
        rng = np.random.default_rng(list(f"{self.part}/{self.view}".encode()))
        image[-2:, -24:] = rng.integers(0, 8, (2, 24))
        blobs = draw_blobs(self.drawn if with_blobs else (), self.size_wh_px)
        return np.where(blobs > 0, blobs, image)


def write_blob_revision(
    store: RevisionStore, images: Sequence[BlobImage], *, classes: Sequence[str] = BLOB_CLASSES
) -> Revision:
    """Write the images as a revision."""
    draft = RevisionDraft(
        classes=tuple(classes),
        images=tuple(_labelled(store, image) for image in images),
        source="drawn",
        licence_note="made by this test",
    )
    return store.write(draft)


def png(image: NDArray[np.uint8]) -> bytes:
    """A picture as a PNG file."""
    return np.asarray(cv2.imencode(".png", image)[1], np.uint8).tobytes()


def _labelled(store: RevisionStore, image: BlobImage) -> LabelledImage:
    name = f"{image.part}-{image.view}"
    file = store.add_picture(png(image.picture()), source=name)
    golden = png(image.picture(with_blobs=False))
    boxes = tuple(
        LabelledBox(image.classes[blob.class_id], blob.box_xyxy_px)
        for blob in (image.drawn if image.labelled is None else image.labelled)
    )
    return LabelledImage(
        name=name,
        part_id=image.part,
        group=image.group or image.part,
        product=image.product,
        line=image.line,
        view=image.view,
        image=file,
        reference=store.add_picture(golden, source=name) if image.has_reference else None,
        boxes=boxes,
        is_declared_good=not boxes,
        split=image.split,
    )
