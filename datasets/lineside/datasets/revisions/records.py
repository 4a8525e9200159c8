"""What a revision is: classes, origin and labelled images, with an id that follows from them."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lineside.datasets.class_names import require_distinct_classes
from lineside.datasets.errors import ClassesRefused, RevisionInvalid
from lineside.datasets.labelled import ImageFile, LabelledImage, Split
from lineside.datasets.sample_origins import SAMPLE_SPLITS, describe_picked, picked_among

REVISION_ID = re.compile(r"[0-9a-f]{64}")
_MAX_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CatalogueRef:
    """The version of the defect catalogue that the classes come from.

    Attributes:
        id: the catalogue.
        version: its version, at least 1.
    """

    id: str
    version: int

    def __post_init__(self) -> None:
        """Refuse a reference to nothing."""
        if not self.id or self.version < 1:
            raise RevisionInvalid(f"catalogue {self.id!r} version {self.version}: expected an id and a version from 1")


@dataclass(frozen=True, kw_only=True)
class RevisionDraft:
    """What becomes a revision when a store writes it.

    Attributes:
        classes: the defect classes; a model trained on the revision numbers them in this order.
        images: in any order; the draft keeps them sorted by name.
        source: where the images come from, in words.
        licence_note: what may be done with them, in words; required.
        catalogue: the catalogue that the classes come from, None if there is none.
        parent: id of the revision that this one was made from, None for an import of its own.
        provenance: JSON: what was done on the way (clipping, augmentation, the seed of a split).
    """

    classes: tuple[str, ...]
    images: tuple[LabelledImage, ...]
    source: str
    licence_note: str
    catalogue: CatalogueRef | None = None
    parent: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Sort the images and refuse contradictions between them.

        Raises:
            RevisionInvalid: no image, a name twice, one file with two geometries, a box of an unlisted class, a picked
                image in a split that must be a sample of the line.
            ClassesRefused: two classes are one.
        """
        object.__setattr__(self, "images", tuple(sorted(self.images, key=lambda image: image.name)))
        if not self.images:
            raise RevisionInvalid("a revision without images; expected at least one")
        if not self.source.strip() or not self.licence_note.strip():
            raise RevisionInvalid("a revision needs a source and a licence note: what may be done with the images")
        if self.parent is not None and not REVISION_ID.fullmatch(self.parent):
            raise RevisionInvalid(f"parent {self.parent!r} is no revision id (64 hex digits)")
        require_distinct_classes(self.classes)
        self._require_distinct_names()
        self._require_one_geometry_per_file()
        self._require_listed_classes()
        self._require_samples()

    def _require_distinct_names(self) -> None:
        counts = Counter(image.name for image in self.images)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise RevisionInvalid(f"image names must be unique; found more than once: {_some(twice)}")

    def _require_one_geometry_per_file(self) -> None:
        known: dict[str, ImageFile] = {}
        for image in self.images:
            for file in image.files:
                if known.setdefault(file.sha256, file) != file:
                    raise RevisionInvalid(f"{file} and {known[file.sha256]} are one file by their digest")

    def _require_listed_classes(self) -> None:
        unlisted = sorted({box.class_name for image in self.images for box in image.boxes} - set(self.classes))
        if unlisted:
            raise ClassesRefused(f"boxes of {_some(unlisted)}; the revision's classes are {', '.join(self.classes)}")

    def _require_samples(self) -> None:
        picked = {image.name for image in picked_among(self.images)}
        misplaced = [image for image in self.images if image.name in picked and image.split in SAMPLE_SPLITS]
        if misplaced:
            splits = ", ".join(sorted({str(image.split) for image in misplaced}))
            raise RevisionInvalid(
                f"{describe_picked(misplaced)} in {splits}: what was picked for what it shows is no sample of the "
                "line; put it in train or val"
            )


@dataclass(frozen=True, kw_only=True)
class Revision(RevisionDraft):
    """A draft that a store holds.

    Attributes:
        id: SHA-256 of the canonical JSON manifest, 64 hex digits.
    """

    id: str

    def of_split(self, *splits: Split) -> tuple[LabelledImage, ...]:
        """The images of these splits, sorted by name; none for a split that has none."""
        return tuple(image for image in self.images if image.split in splits)

    @cached_property
    def files(self) -> Mapping[str, ImageFile]:
        """Every picture and reference by its digest."""
        return {file.sha256: file for image in self.images for file in image.files}


def digest_of(data: bytes) -> str:
    """SHA-256 in lowercase hex."""
    return hashlib.sha256(data).hexdigest()


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MAX_NAMES_SHOWN])
    return shown if len(names) <= _MAX_NAMES_SHOWN else f"{shown} and {len(names) - _MAX_NAMES_SHOWN} more"
