"""What a model has learnt from: its own training images, those of its parents, and what they were made from."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lineside.datasets.errors import RevisionUnknown
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.release import Manifest

LEARNT_FROM = (Split.TRAIN, Split.VAL, Split.CALIBRATION)
"""Weights come from the first, the choice among weights from the second, thresholds from the third."""


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """Where a model comes from, as its manifest says.

    Attributes:
        digest: of the release.
        checkpoint_sha256: of the checkpoint it was exported from; None if the manifest does not say.
        dataset_revision: what it was trained on; None for a starter.
        parent: digest of the release, or SHA-256 of the checkpoint, that training started from; None from scratch.
        is_generated: it was trained on generated images alone: a starter, which never saw a photograph.
    """

    digest: str
    checkpoint_sha256: str | None
    dataset_revision: str | None
    parent: str | None
    is_generated: bool = False

    @classmethod
    def of(cls, manifest: Manifest, digest: str) -> "ModelOrigin":
        """Of a release with this manifest, whose digest this is."""
        return cls(digest, manifest.checkpoint_sha256, manifest.dataset_revision, manifest.parent)

    @classmethod
    def of_starter(cls, manifest: Manifest, content: bytes) -> "ModelOrigin":
        """Of a release that comes with the package; `content` is its manifest file."""
        digest = hashlib.sha256(content).hexdigest()
        return cls(digest, manifest.checkpoint_sha256, manifest.dataset_revision, manifest.parent, is_generated=True)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The training data of a model and of every model it descends from.

    Attributes:
        revisions: ids, the model's own first.
        unknown: what could not be followed, in words.
        has_generated: a starter is among them: generated images, none of which is a photograph of a part.
    """

    revisions: tuple[str, ...]
    unknown: tuple[str, ...]
    has_generated: bool = False


@dataclass(frozen=True, slots=True)
class LearntImages:
    """The images that a lineage has learnt from.

    Attributes:
        images: of the splits that are learnt from, and the images that those were made from, each once by its digest
            and part.
        searched: the revisions that they were read from.
        unknown: what could not be read, in words.
        has_generated: see `Lineage`.
    """

    images: tuple[LabelledImage, ...]
    searched: tuple[str, ...]
    unknown: tuple[str, ...]
    has_generated: bool = False


def lineage_of(model: ModelOrigin, known: Iterable[ModelOrigin]) -> Lineage:
    """Follow a model through its parents.

    Args:
        model: the candidate.
        known: releases to look parents up in, by the digest of release or checkpoint.
    """
    by_digest: dict[str, ModelOrigin] = {}
    for origin in known:
        by_digest[origin.digest] = origin
        if origin.checkpoint_sha256 is not None:
            by_digest[origin.checkpoint_sha256] = origin
    revisions: list[str] = []
    unknown: list[str] = []
    seen: set[str] = set()
    has_generated = False
    current: ModelOrigin | None = model
    while current is not None and current.digest not in seen:
        seen.add(current.digest)
        has_generated = has_generated or current.is_generated
        if current.dataset_revision is not None:
            revisions.append(current.dataset_revision)
        elif not current.is_generated:
            unknown.append(f"release {current.digest[:12]} names no dataset revision")
        parent = current.parent
        current = None if parent is None else by_digest.get(parent)
        if parent is not None and current is None:
            unknown.append(f"parent {parent[:12]} is no starter and in no registry at hand")
    return Lineage(tuple(dict.fromkeys(revisions)), tuple(unknown), has_generated)


def learnt_images(lineage: Lineage, store: RevisionStore) -> LearntImages:
    """Read what a lineage has learnt from.

    An image that was cut or made from others brings these along, however long the chain: they are looked up by their
    digests in the revision's own parents, whatever split they have there.

    Args:
        lineage: the revisions.
        store: where they are.
    """
    found: dict[tuple[str, str], LabelledImage] = {}
    searched: list[str] = []
    unknown = list(lineage.unknown)
    for revision_id in lineage.revisions:
        try:
            revision = store.read(revision_id)
        except RevisionUnknown:
            unknown.append(f"training revision {revision_id[:12]} is not in the store {store.url}")
            continue
        searched.append(revision.id)
        for image in _with_ancestors(revision, store, unknown):
            found.setdefault((image.image.sha256, image.part_id), image)
    return LearntImages(tuple(found.values()), tuple(searched), tuple(unknown), lineage.has_generated)


def _with_ancestors(revision: Revision, store: RevisionStore, unknown: list[str]) -> list[LabelledImage]:
    images = list(revision.of_split(*LEARNT_FROM))
    by_digest = _by_digest(revision)
    wanted = {digest for image in images for digest in image.ancestors}
    resolved: set[str] = set()
    current: Revision | None = revision
    while current is not None:
        fresh = [digest for digest in wanted - resolved if digest in by_digest]
        while fresh:
            resolved.update(fresh)
            made_from = [image for digest in fresh for image in by_digest[digest]]
            images.extend(made_from)
            wanted.update(digest for image in made_from for digest in image.ancestors)
            fresh = [digest for digest in wanted - resolved if digest in by_digest]
        parent = current.parent
        if parent is None or not wanted - resolved:
            break
        try:
            current = store.read(parent)
        except RevisionUnknown:
            unknown.append(f"parent revision {parent[:12]} is not in the store {store.url}")
            break
        by_digest = _by_digest(current)
    return images


def _by_digest(revision: Revision) -> Mapping[str, list[LabelledImage]]:
    images: dict[str, list[LabelledImage]] = {}
    for image in revision.images:
        images.setdefault(image.image.sha256, []).append(image)
    return images
