"""From a day's candidates and their pictures to its queue: look at them, drop copies, describe, pick."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.labelled import ImageFile, LabelledImage
from lineside.datasets.revisions import read_picture
from lineside.datasets.sampling.copies import Glance, find_copies
from lineside.datasets.sampling.descriptors import Descriptors
from lineside.datasets.sampling.looks import Describer, open_describer
from lineside.datasets.sampling.picking import pick
from lineside.datasets.sampling.records import Candidate, Disagreement, QueuePlan
from lineside.datasets.sampling.scoring import margin_of
from lineside.datasets.sampling.second_look import SecondLook
from lineside.datasets.sampling.shares import QueueShares
from lineside.inspection.frames import Image
from lineside.inspection.release import read_release

MOST_LOOKED_AT = 2000
"""Candidates whose pictures are read; at 0.06 s of one core each (640x640, `pcb-single`) two minutes. Half of them are
the most uncertain ones, half are drawn; the others can be picked for every reason but diversity and novelty."""
MOST_LABELLED = 500
"""Labelled images that novelty is measured against; a draw of them, where there are more."""

_PICTURES_KEPT = 64
_NOTES_NAME = 3

ReadImage = Callable[[str, str], bytes | None]
"""The encoded picture of an inspection's view, by their ids; None where it is gone."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is labelled already, for rare classes and for novelty.

    Attributes:
        images: of the revision that the labels go on from; those of other products too.
        read: the encoded picture of one, e.g. `RevisionStore.image_bytes`.
    """

    images: Sequence[LabelledImage]
    read: Callable[[ImageFile], bytes] = field(repr=False)

    @property
    def counts(self) -> Counter[str]:
        """Images by class."""
        return Counter(name for image in self.images for name in {box.class_name for box in image.boxes})


def plan_queue(
    candidates: Iterable[Candidate],
    images: ReadImage,
    *,
    budget: int,
    shares: QueueShares,
    seed: int,
    release: Path | None,
    labelled: Labelled | None = None,
    references: ReadImage | None = None,
    most_looked_at: int = MOST_LOOKED_AT,
    is_looking_twice: bool = False,
    on_image: Callable[[int, int], None] | None = None,
) -> QueuePlan:
    """Plan the day's queue.

    The same candidates, pictures, budget, shares, seed and release give the same queue.

    Args:
        candidates: what may be picked.
        images: reads a picture. A candidate of which one is gone cannot be labelled, and is not picked.
        budget: how many inspections a person can read, audits and operator reports among them.
        shares: of the places that those two leave.
        seed: of every draw and every tie.
        release: folder of the release that describes the pictures; None describes them by gray cells.
        labelled: what is labelled already; without any no class is rarer than another, and nothing is novel.
        references: reads the golden picture of a view, for a release that compares; None where there is none.
        most_looked_at: candidates whose pictures are read at most.
        is_looking_twice: the release judges them again, and what it sees otherwise is a disagreement; without a release
            of no effect. Doubles the time.
        on_image: called after each part that was looked at, with how many are done and how many there are.

    Raises:
        QueueRefused: see `pick`.
        ReleaseUnverified: the release is not what its manifest says.
        OSError: the release cannot be read.
    """
    everything = list(candidates)
    looked_at = _worth_a_look(everything, seed, most_looked_at)
    known = _drawn_labels(labelled, seed)
    looking = _Looking(images, references, open_describer(release), on_image, len(looked_at) + len(known))
    with _second_look(release if is_looking_twice else None) as second:
        for candidate in looked_at:
            looking.look(candidate, second)
    kept = [looking.with_disagreements(each) for each in everything if each.inspection_id not in looking.gone]
    points = [] if labelled is None else [looking.describe_labelled(image, labelled) for image in known]
    described = [point for point in points if point is not None]
    width = len(next(iter(looking.points.values()), np.zeros(0)))
    plan = pick(
        kept,
        budget=budget,
        shares=shares,
        seed=seed,
        labelled_counts=None if labelled is None else labelled.counts,
        descriptors=Descriptors(
            of=looking.points,
            labelled=np.stack(described) if described else np.zeros((0, width), np.float32),
            kind=looking.describer.kind,
        ),
        dropped=find_copies(kept, looking.glances, picture=looking.picture),
    )
    return QueuePlan(
        plan.picks, plan.dropped, plan.places, (*plan.notes, *looking.notes(len(looked_at), len(everything)))
    )


class _Looking:
    """Reads every picture once and keeps what the rest needs of it."""

    def __init__(
        self,
        images: ReadImage,
        references: ReadImage | None,
        describer: Describer,
        on_image: Callable[[int, int], None] | None,
        pictures: int,
    ) -> None:
        self.describer = describer
        self.points: dict[str, NDArray[np.float32]] = {}
        self.glances: dict[tuple[str, str], Glance] = {}
        self.gone: set[str] = set()
        self.unreadable: dict[str, str] = {}
        self._disagreements: dict[str, tuple[Disagreement, ...]] = {}
        self._images = images
        self._references = references
        self._on_image = on_image
        self._expected = pictures
        self._done = 0
        self.picture = lru_cache(_PICTURES_KEPT)(self._read)

    def look(self, candidate: Candidate, second: SecondLook | None) -> None:
        """At every view of a candidate."""
        views: list[Image] = []
        for view in sorted(candidate.views, key=lambda each: each.view):
            data = self._images(candidate.inspection_id, view.view)
            if data is None:
                self.gone.add(candidate.inspection_id)
                break
            try:
                views.append(read_picture(data, source=f"view {view.view!r} of {candidate.inspection_id}").pixels)
            except SampleUnreadable as error:
                self.unreadable[candidate.inspection_id] = str(error)
                break
        else:
            names = sorted(view.view for view in candidate.views)
            golden = [self._golden(candidate.inspection_id, name) for name in names]
            self.points[candidate.inspection_id] = self.describer.describe(views, references=golden)
            for name, picture in zip(names, views, strict=True):
                self.glances[candidate.inspection_id, name] = Glance.of(picture)
            if second is not None:
                self._disagreements[candidate.inspection_id] = second.disagreements(
                    candidate, dict(zip(names, views, strict=True)), dict(zip(names, golden, strict=True))
                )
        self._count()

    def with_disagreements(self, candidate: Candidate) -> Candidate:
        """The candidate with what the second look sees otherwise."""
        found = self._disagreements.get(candidate.inspection_id, ())
        return replace(candidate, disagreements=(*candidate.disagreements, *found)) if found else candidate

    def describe_labelled(self, image: LabelledImage, labelled: Labelled) -> NDArray[np.float32] | None:
        """The point of a labelled image."""
        golden = None
        if image.reference is not None and self.describer.is_comparing:
            golden = _decode(labelled.read(image.reference), image.name)
        point = self.describer.describe([_decode(labelled.read(image.image), image.name)], references=[golden])
        self._count()
        return point

    def notes(self, looked_at: int, candidates: int) -> Iterator[str]:
        """What a person should know of the pictures."""
        if self.gone:
            yield f"{len(self.gone)} candidate(s) are left out, an image of theirs is gone: {_some(sorted(self.gone))}"
        if self.unreadable:
            first = next(iter(sorted(self.unreadable.items())))[1]
            yield (
                f"{len(self.unreadable)} candidate(s) cannot be looked at, so neither diversity nor novelty sees them: "
                f"{first}"
            )
        if looked_at < candidates:
            yield (
                f"the pictures of {looked_at} of {candidates} candidates were looked at: the most uncertain ones and a "
                "draw of the others; the rest cannot be picked for diversity or novelty, nor seen to be copies"
            )

    def _golden(self, inspection_id: str, view: str) -> Image | None:
        if self._references is None or not self.describer.is_comparing:
            return None
        data = self._references(inspection_id, view)
        return None if data is None else _decode(data, f"reference of view {view!r} of {inspection_id}")

    def _read(self, inspection_id: str, view: str) -> Image:
        data = self._images(inspection_id, view)
        return _decode(data or b"", f"view {view!r} of {inspection_id}")

    def _count(self) -> None:
        self._done += 1
        if self._on_image is not None:
            self._on_image(self._done, self._expected)


@contextmanager
def _second_look(release_folder: Path | None) -> Iterator[SecondLook | None]:
    if release_folder is None:
        yield None
        return
    look = SecondLook(read_release(release_folder))
    try:
        yield look
    finally:
        look.close()


def _worth_a_look(candidates: Sequence[Candidate], seed: int, most: int) -> list[Candidate]:
    """All, or the most uncertain and a draw of the others."""
    drawn = sorted(candidates, key=lambda each: _key(each.inspection_id, seed))
    if len(drawn) <= most:
        return drawn
    margins = {each.inspection_id: margin_of(each) for each in drawn}

    def closeness(candidate: Candidate) -> float:
        margin = margins[candidate.inspection_id]
        return 0.0 if margin is None else margin.closeness

    uncertain = sorted(drawn, key=lambda each: -closeness(each))[: most // 2]
    chosen = {each.inspection_id for each in uncertain}
    others = [each for each in drawn if each.inspection_id not in chosen]
    return [*uncertain, *others[: most - len(uncertain)]]


def _drawn_labels(labelled: Labelled | None, seed: int) -> list[LabelledImage]:
    images = () if labelled is None else labelled.images
    return sorted(images, key=lambda image: _key(image.image.sha256, seed))[:MOST_LABELLED]


def _key(identity: str, seed: int) -> bytes:
    return hashlib.sha256(f"lineside.queue-look/1\0{seed}\0{identity}".encode()).digest()


def _decode(data: bytes, source: str) -> Image:
    return read_picture(data, source=source).pixels


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NOTES_NAME]) + (", ..." if len(names) > _NOTES_NAME else "")
