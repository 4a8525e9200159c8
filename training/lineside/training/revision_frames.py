"""The frames of a dataset revision for training: decoded, and their references laid on them as in serving."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, register, to_gray
from lineside.inspection.release import InputKind
from lineside.training.errors import TrainingDataRefused
from lineside.training.frames import TrainingFrame

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_NAMES_SHOWN = 3


@dataclass(slots=True)
class RevisionFrames:
    """The frames of one split, read one by one.

    Attributes:
        store: holds the pictures.
        revision: of which.
        split: which of its images.
        kind: what the network's channels are.
        refused: names of the frames whose reference did not fit, filled while reading: serving would not judge them
            either, so nothing is learnt from them.
    """

    store: RevisionStore
    revision: Revision
    split: Split
    kind: InputKind
    refused: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[TrainingFrame]:
        """Frames in the order of their names.

        Raises:
            DatasetError: a picture is missing, damaged or none.
        """
        ids = {name: index for index, name in enumerate(self.revision.classes)}
        for image in self.revision.of_split(self.split):
            frame = self._frame(image, ids)
            if frame is not None:
                yield frame

    def _frame(self, image: LabelledImage, ids: dict[str, int]) -> TrainingFrame | None:
        pixels = self.store.pixels(image.image)
        boxes = np.array([box.box_xyxy_px for box in image.boxes], np.float32).reshape(-1, 4)
        class_ids = np.array([ids[box.class_name] for box in image.boxes], np.int64)
        if self.kind is InputKind.SINGLE or image.reference is None:
            return TrainingFrame(image.name, pixels, None, boxes, class_ids)
        gray = to_gray(pixels)
        golden = Reference(image.name, to_gray(self.store.pixels(image.reference)), "dataset", _ALWAYS)
        try:
            laid = register(gray, [PreparedReference.prepare(golden)], limits=RegistrationLimits(), now=_ALWAYS)
        except RegistrationRefused:
            self.refused.append(image.name)
            return None
        return TrainingFrame(image.name, gray, laid.image, boxes, class_ids)


def require_trainable(revision: Revision, kind: InputKind) -> None:
    """Refuse a revision that a network of this kind cannot be trained on.

    Raises:
        TrainingDataRefused: no training or validation images, no defect among them, or a reference is missing.
    """
    for split in (Split.TRAIN, Split.VAL):
        images = revision.of_split(split)
        if not images:
            raise TrainingDataRefused(
                f"revision {revision.id[:12]} has no image of split {split.value!r}; make one with `lineside dataset "
                "split`: training learns from train and looks at val"
            )
        if not any(image.boxes for image in images):
            raise TrainingDataRefused(
                f"none of the {len(images)} images of split {split.value!r} of revision {revision.id[:12]} has a "
                "defect; a detector needs some in train and in val"
            )
        if kind is InputKind.REFERENCE:
            _require_references(images, revision)


def _require_references(images: Sequence[LabelledImage], revision: Revision) -> None:
    bare = [image.name for image in images if image.reference is None]
    if bare:
        raise TrainingDataRefused(
            f"{len(bare)} images of revision {revision.id[:12]} have no reference, the first {bare[:_NAMES_SHOWN]}: a "
            "reference network needs one for each; import them with their references or train --kind single"
        )
