"""Leaks: parts that judge a model and were used to make it.

Looked for by identity (digest of the picture, digests of what it was made from, part, group) and, where identity says
nothing, in the pictures themselves: a copy that somebody re-encoded, resized, brightened or cut out under another name.

Measured on DeepPCB, whose boards repeat designs and whose neighbouring crops look alike: among 400 tested images of 7
boards, 50 were looked up as they are, changed, or by what only resembles them.

| looked up as | found of 50 | | looked up as | found of 50 |
|---|---|---|---|---|
| JPEG, quality 60; quality 30 | 50; 50 | | crop of 50 % of the area | 47 |
| brighter; darker by 15 % | 50; 50 | | the same as JPEG, quality 60 | 47 |
| scaled by 0.5; 0.75; 1.5 | 50; 50; 50 | | the same, scaled to the old size | 47 |
| with noise of 5 gray levels | 50 | | the same at half the size | 39 |
| turned by 1°; by 90° | 50; 45 | | crop of 25 % of the area | 38 |

False alarms: none in all these searches, none among the 400 tested images against each other, none for the 50
defect-free templates of the very same places. A look-up took 0.2 to 0.3 s of one core. What was missed shows next to
nothing: a white board with a few specks, or a crop of one.

Good parts of one design under one camera are the hard case; they differ by noise and pose alone. On generated boards
(6 designs, 4 parts each, camera look with a noise of 2 to 6 gray levels) 72 of 72 copies and crops of good parts and 72
of 72 of defective ones were found, without a false alarm; the grain decides (`picture_grain`). Binarised pictures have
no grain. There two scans of one place on a real board differ by 0.2 at least where 0.08 counts as a copy (15 places
without a defect), but generated binarised boards without a defect, whose outlines are smoother, come as near as 0.06:
72 searches gave 11 false alarms, and none where each part had two defects.

A mirrored copy is not found; nor is a copy into which a defect was pasted, for which `ancestors` is there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from lineside.datasets.errors import LeakFound
from lineside.datasets.labelled import ImageFile, LabelledImage
from lineside.datasets.near_duplicates import CopyIndex, Fingerprint
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.frames import Image

_PICTURES_KEPT = 64
_LEAKS_SHOWN = 3


class LeakKind(StrEnum):
    """How two images are tied, the strongest tie first."""

    IMAGE = "image"
    """The very same picture."""
    ANCESTOR = "ancestor"
    """One was made from the other, or both from a third."""
    PART = "part"
    """Two pictures of one part."""
    GROUP = "group"
    """Two parts of one board or lot."""
    COPY = "copy"
    """The pictures show the same shot, whatever their names say."""


@dataclass(frozen=True, slots=True)
class Leak:
    """An image that may not be used, because it gives away a protected one.

    Attributes:
        kind: how they are tied.
        protected: name of the image that judges.
        used: name of the image that was used.
        detail: what they share, in words.
    """

    kind: LeakKind
    protected: str
    used: str
    detail: str


def find_leaks(
    protected: Iterable[LabelledImage],
    used: Iterable[LabelledImage],
    store: RevisionStore,
    *,
    used_store: RevisionStore | None = None,
    on_image: Callable[[int, int], None] | None = None,
) -> tuple[Leak, ...]:
    """Find images that tie what was used to what is protected, by identity and by looking at the pictures.

    Args:
        protected: what judges: golden, sealed, escape bank. None gives no leak.
        used: what a model was made from: training, validation, calibration.
        store: where the pictures are.
        used_store: where the used ones are, if elsewhere.
        on_image: called after each picture that was looked at, with how many are done and how many there are.

    Returns:
        For each protected image its strongest tie by identity, or else every copy of it, in the order of the names.

    Raises:
        RevisionCorrupt: a picture is missing from the store or was changed.
    """
    guarded, taken = _sorted(protected), _sorted(used)
    tied = {leak.protected: leak for leak in find_leaks_by_identity(guarded, taken)}
    loose = [image for image in guarded if image.name not in tied]
    copies = _find_copies(loose, taken, store, used_store or store, on_image=on_image)
    return tuple(sorted((*tied.values(), *copies), key=lambda leak: (leak.protected, leak.used)))


def find_leaks_by_identity(protected: Iterable[LabelledImage], used: Iterable[LabelledImage]) -> tuple[Leak, ...]:
    """What names and digests alone show; no picture is read.

    A part or group of another product is another one, even if it has the same name; without a product it is not.

    Returns:
        For each protected image its strongest tie, in the order of the names.
    """
    ties = _Ties.of(_sorted(used))
    return tuple(leak for image in _sorted(protected) if (leak := ties.strongest(image)) is not None)


def require_no_leaks(leaks: Sequence[Leak]) -> None:
    """Refuse leaks.

    Raises:
        LeakFound: there is one; the message names the first few.
    """
    if leaks:
        shown = "; ".join(leak.detail for leak in leaks[:_LEAKS_SHOWN])
        more = f"; and {len(leaks) - _LEAKS_SHOWN} more" if len(leaks) > _LEAKS_SHOWN else ""
        raise LeakFound(
            f"{len(leaks)} leak(s): {shown}{more}. Give what belongs together one group, or leave one side out",
            tuple(leaks),
        )


@dataclass(frozen=True, slots=True)
class _Ties:
    """The used images by everything that could tie a protected one to them."""

    by_picture: Mapping[str, LabelledImage]
    by_lineage: Mapping[str, LabelledImage]
    by_part: Mapping[str, list[LabelledImage]]
    by_group: Mapping[str, list[LabelledImage]]

    @classmethod
    def of(cls, used: Sequence[LabelledImage]) -> "_Ties":
        pictures: dict[str, LabelledImage] = {}
        lineage: dict[str, LabelledImage] = {}
        parts: dict[str, list[LabelledImage]] = {}
        groups: dict[str, list[LabelledImage]] = {}
        for image in used:
            for file in image.files:
                pictures.setdefault(file.sha256, image)
            for digest in (image.image.sha256, *image.ancestors):
                lineage.setdefault(digest, image)
            parts.setdefault(image.part_id, []).append(image)
            groups.setdefault(image.group, []).append(image)
        return cls(pictures, lineage, parts, groups)

    def strongest(self, image: LabelledImage) -> Leak | None:
        digest = image.image.sha256
        if digest in self.by_picture:
            used = self.by_picture[digest]
            return _leak(LeakKind.IMAGE, image, used, f"are the same picture {digest[:12]}")
        for each in (digest, *image.ancestors):
            if each in self.by_lineage:
                return _leak(LeakKind.ANCESTOR, image, self.by_lineage[each], f"come from the picture {each[:12]}")
        for used in _of_one_product(image, self.by_part.get(image.part_id, [])):
            return _leak(LeakKind.PART, image, used, f"show the part {image.part_id!r}")
        for used in _of_one_product(image, self.by_group.get(image.group, [])):
            return _leak(LeakKind.GROUP, image, used, f"are of the group {image.group!r}")
        return None


def _find_copies(
    protected: Sequence[LabelledImage],
    used: Sequence[LabelledImage],
    store: RevisionStore,
    used_store: RevisionStore,
    *,
    on_image: Callable[[int, int], None] | None,
) -> Iterator[Leak]:
    if not protected or not used:
        return
    total = len(used) + len(protected)
    fingerprints: list[Fingerprint] = []
    for done, image in enumerate(used, 1):
        fingerprints.append(Fingerprint.of(used_store.pixels(image.image)))
        if on_image is not None:
            on_image(done, total)

    @lru_cache(maxsize=_PICTURES_KEPT)
    def used_picture(position: int) -> Image:
        return used_store.pixels(used[position].image)

    index = CopyIndex(fingerprints, picture=used_picture)
    seen: dict[ImageFile, tuple[int, ...]] = {}
    for done, image in enumerate(protected, len(used) + 1):
        if image.image not in seen:
            picture = store.pixels(image.image)
            seen[image.image] = tuple(copy.position for copy in index.copies_of(picture, Fingerprint.of(picture)))
        for position in seen[image.image]:
            yield _leak(LeakKind.COPY, image, used[position], "show the same shot")
        if on_image is not None:
            on_image(done, total)


def _leak(kind: LeakKind, protected: LabelledImage, used: LabelledImage, shared: str) -> Leak:
    sides = f"{_described(protected)} and {_described(used)}"
    return Leak(kind, protected.name, used.name, f"{sides} {shared}")


def _described(image: LabelledImage) -> str:
    return repr(image.name) if image.split is None else f"{image.name!r} ({image.split})"


def _of_one_product(image: LabelledImage, candidates: Iterable[LabelledImage]) -> Iterator[LabelledImage]:
    for candidate in candidates:
        if image.product is None or candidate.product is None or image.product == candidate.product:
            yield candidate


def _sorted(images: Iterable[LabelledImage]) -> list[LabelledImage]:
    return sorted(images, key=lambda image: image.name)
