"""The frames of a dataset revision for training: decoded, and their references laid on them as in serving."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.leaks import find_leaks, require_no_leaks
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.datasets.splits import PROTECTED_SPLITS, ancestral_images
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, register, to_gray
from lineside.inspection.release import InputKind
from lineside.training.errors import TrainingDataRefused
from lineside.training.frames import StoredFrames, TrainingFrame, store_frames

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_NAMES_SHOWN = 3
_SPLITS = (Split.TRAIN, Split.VAL)


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


@dataclass(frozen=True, slots=True, eq=False)
class RunFrames:
    """The frames of a run, in files of its folder.

    Attributes:
        train: to learn from.
        val: to look at between epochs.
        refused: names of those left out, because their reference did not fit.
        files: that hold the pixels.
    """

    train: StoredFrames
    val: StoredFrames
    refused: tuple[str, ...]
    files: tuple[Path, ...]

    def discard(self) -> None:
        """Remove the files; frames that somebody still holds stay readable on POSIX systems."""
        for path in self.files:
            path.unlink(missing_ok=True)


def read_frames(
    store: RevisionStore, revision: Revision, kind: InputKind, folder: Path, *, say: Callable[[str], None]
) -> RunFrames:
    """Decode and register the frames of the training and validation splits.

    Args:
        store: holds the pictures.
        revision: has passed `require_trainable`.
        kind: what the network's channels are.
        folder: for the files.
        say: hears which frames are left out.

    Raises:
        TrainingDataRefused: no frame of a split fits its reference.
        DatasetError: a picture is missing, damaged or none.
    """
    stored: list[StoredFrames] = []
    refused: list[str] = []
    files = tuple(folder / f"{split.value}.pixels" for split in _SPLITS)
    for split, path in zip(_SPLITS, files, strict=True):
        frames = RevisionFrames(store, revision, split, kind)
        stored.append(store_frames(frames, path))
        if not len(stored[-1]):
            raise TrainingDataRefused(f"no image of split {split.value!r} fits its reference; check the references")
        if frames.refused:
            say(f"left out of {split.value}, their reference does not fit: {', '.join(frames.refused)}")
            refused += frames.refused
    return RunFrames(stored[0], stored[1], tuple(sorted(refused)), files)


def refuse_leaks(revision: Revision, store: RevisionStore, *, say: Callable[[str], None]) -> None:
    """Refuse to learn from what judges, or judged in an earlier revision: by identity and by the pictures themselves.

    Raises:
        LeakFound: an image of train or val gives away one of golden, sealed or the escape bank.
        RevisionUnknown: an ancestor is not in the store.
        RevisionCorrupt: a picture or an ancestor was changed.
    """
    protected = revision.of_split(*PROTECTED_SPLITS)
    known = {image.image.sha256 for image in protected}
    earlier: dict[str, LabelledImage] = {}
    for image in ancestral_images(store, revision):
        if image.split in PROTECTED_SPLITS and image.image.sha256 not in known:
            earlier.setdefault(image.image.sha256, image)
    if earlier:
        say(f"{len(earlier)} images judge in an earlier revision; they are protected too")
    protected = (*protected, *earlier.values())
    if protected:
        say(f"looking for copies of {len(protected)} judging images among those to learn from")
        require_no_leaks(find_leaks(protected, revision.of_split(*_SPLITS), store))


def require_trainable(revision: Revision, kind: InputKind) -> None:
    """Refuse a revision that a network of this kind cannot be trained on.

    Raises:
        TrainingDataRefused: no training or validation images, no defect among them, or a reference is missing.
    """
    for split in _SPLITS:
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
