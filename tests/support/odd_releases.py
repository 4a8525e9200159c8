"""Signed releases that see differently, and such as no server should let near a part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blob_detector import BLOB_CLASSES, Blob, BlobModel, TinyRelease, blob_level
from signing import TestKeys

LEVELS = tuple(blob_level(index) for index in range(len(BLOB_CLASSES)))
_SHORT = BLOB_CLASSES.index("short")
_NOTHING = 255  # a level that no blob has


def version(number: str, release: TinyRelease | None = None) -> TinyRelease:
    """The blob detector under another version number; each has a digest of its own."""
    base = release or TinyRelease()
    return replace(base, changes={**base.changes, "version": number})


def without_short(number: str) -> TinyRelease:
    """Finds every class but `short`, and its canary frames show none: a worse model whose package is in order."""
    levels = [_NOTHING if index == _SHORT else level for index, level in enumerate(LEVELS)]
    canary = tuple(Blob(index, 8 + 24 * index, 64) for index in range(len(BLOB_CLASSES)) if index != _SHORT)
    return version(number, TinyRelease(model=BlobModel(levels=levels), canary_blobs=canary))


def blind(number: str) -> TinyRelease:
    """Finds nothing."""
    return version(number, TinyRelease(model=BlobModel(levels=[_NOTHING] * len(LEVELS))))


def not_a_number(number: str) -> TinyRelease:
    """Its weights are NaN."""
    return version(number, TinyRelease(model=BlobModel(mixing=[float("nan")] * 3)))


def class_swapped(number: str) -> TinyRelease:
    """Finds everything and calls it by another name."""
    return version(number, TinyRelease(model=BlobModel(levels=LEVELS[::-1])))


@dataclass(frozen=True)
class Workshop:
    """Writes signed release folders.

    Attributes:
        folder: below which they are written.
        keys: what signs them.
    """

    folder: Path
    keys: TestKeys

    def write(self, release: TinyRelease) -> Path:
        """A signed folder of a release, named after its version."""
        number = str(release.changes.get("version", "1.0.0"))
        target = self.folder / f"{release.name}-{number}"
        return target if target.exists() else self.keys.sign_release(release.write(target))


def digests(releases: Sequence[Mapping[str, str]]) -> list[str]:
    """The digests of releases as the API lists them."""
    return [release["digest"] for release in releases]
