"""The labels that a retraining learns from: why each part was labelled, by whom, and what that took."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision

IMPORTED = "imported"
"""The reason of an image that no queue picked."""

_LEARNT = (Split.TRAIN, Split.VAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNote:
    """How a part came to its label.

    Attributes:
        inspection_id: whose picture was labelled.
        part_id: the part.
        reason: why it was picked.
        annotator: who said it.
        minutes: that it took.
        task_urls: where its tasks are in Label Studio.
    """

    inspection_id: str
    part_id: str
    reason: str
    annotator: str
    minutes: float
    task_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelNotes:
    """What is known of the labels of a project.

    Attributes:
        by_inspection: notes by inspection id.
    """

    by_inspection: Mapping[str, LabelNote] = field(default_factory=dict)

    def of(self, image: LabelledImage) -> LabelNote | None:
        """The note of an image that was pulled: its name holds the inspection's id; None of any other."""
        _, _, rest = image.name.partition("/")
        return self.by_inspection.get(rest.partition("/")[0])

    def to_json(self) -> list[dict[str, Any]]:
        """As `from_json` takes it."""
        return [asdict(each) for each in self.by_inspection.values()]

    @classmethod
    def from_json(cls, records: Iterable[Mapping[str, Any]]) -> "LabelNotes":
        """Read what `to_json` gave."""
        notes = (LabelNote(**{**each, "task_urls": tuple(each["task_urls"])}) for each in records)
        return cls({note.inspection_id: note for note in notes})


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """The new labels of one reason.

    Attributes:
        reason: why they were labelled.
        train: images that are learnt from.
        val: images that choose.
        defective: of both.
        minutes: that people spent on them; None where nobody noted it.
    """

    reason: str
    train: int
    val: int
    defective: int
    minutes: float | None


def newly_labelled(
    revision: Revision, *, learnt_by_live: Iterable[LabelledImage] | None, joined: Mapping[str, str]
) -> tuple[LabelledImage, ...]:
    """The images of train and val that the live release has not learnt from, or not with these labels.

    Args:
        revision: that the candidate learns from.
        learnt_by_live: images of the revision that the live release was trained on; none for one that was trained on
            generated images alone; None where nobody knows: then those count that got their split now or were picked.
        joined: names of the images that got their split in this retraining.
    """
    images = revision.of_split(*_LEARNT)
    if learnt_by_live is None:
        return tuple(image for image in images if image.name in joined or image.origin is not None)
    known = {_said(image) for image in learnt_by_live if image.split in _LEARNT}
    return tuple(image for image in images if _said(image) not in known)


def by_reason(images: Sequence[LabelledImage], notes: LabelNotes) -> tuple[ReasonRow, ...]:
    """Count images by the reason for which they were labelled, the most frequent first."""
    groups: dict[str, list[LabelledImage]] = {}
    for image in images:
        groups.setdefault(reason_of(image, notes), []).append(image)
    rows = [_row(reason, members, notes) for reason, members in groups.items()]
    return tuple(sorted(rows, key=lambda row: (-(row.train + row.val), row.reason)))


def reason_of(image: LabelledImage, notes: LabelNotes) -> str:
    """Why an image was labelled."""
    note = notes.of(image)
    if note is not None:
        return note.reason
    return IMPORTED if image.origin is None else image.origin.reason


def minutes_of(images: Iterable[LabelledImage], notes: LabelNotes) -> float | None:
    """What people spent on these images, each part once; None where nothing was noted of any."""
    found = {note.inspection_id: note.minutes for image in images if (note := notes.of(image)) is not None}
    return sum(found.values()) if found else None


def _row(reason: str, images: Sequence[LabelledImage], notes: LabelNotes) -> ReasonRow:
    splits = Counter(image.split for image in images)
    return ReasonRow(
        reason,
        splits[Split.TRAIN],
        splits[Split.VAL],
        sum(bool(image.boxes) for image in images),
        minutes_of(images, notes),
    )


def _said(image: LabelledImage) -> tuple[object, ...]:
    return image.image.sha256, frozenset((box.class_name, box.box_xyxy_px) for box in image.boxes)
