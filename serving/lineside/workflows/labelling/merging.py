"""A revision's images after what people said: added, labelled anew, taken away, or disputed because they judge."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from lineside.datasets.labelled import LabelledBox, LabelledImage
from lineside.datasets.splits import PROTECTED_SPLITS
from lineside.workflows.labelling.labelled_views import image_name

_SAME_WITHIN_PX = 0.01
"""Boxes travel as percentages of the picture and come back with rounding errors far below this."""


@dataclass(frozen=True, slots=True)
class MergedLabels:
    """The images of a child revision, and what makes them differ from the parent's.

    Attributes:
        images: all of them.
        added: names of new ones.
        relabelled: names of those with other labels than before.
        removed: names of those of which nothing is said any more.
        disputed: names of images that judge models and of which people now say something else; they stay as they
            were.
        kept: names of those that were labelled anew by a reading that is gone, so that nobody knows what to put in
            its place; they stay as they are.
    """

    images: tuple[LabelledImage, ...]
    added: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether the images differ from the parent's."""
        return bool(self.added or self.relabelled or self.removed)


@dataclass(frozen=True, slots=True)
class WithdrawnView:
    """A view of which nothing is said any more: its annotation was deleted, skipped or is in conflict.

    Attributes:
        part_id: the part.
        inspection_id: the inspection.
        view: the view.
        digest: lowercase hex SHA-256 of its picture.
    """

    part_id: str
    inspection_id: str
    view: str
    digest: str

    @property
    def name(self) -> str:
        """What its image is called if it has one of its own."""
        return image_name(self.part_id, self.inspection_id, self.view)


def merge_labels(
    parent: Iterable[LabelledImage], labelled: Sequence[LabelledImage], *, withdrawn: Collection[WithdrawnView] = ()
) -> MergedLabels:
    """Lay labels over a revision's images.

    An image is the parent's when it has its name or shows the same picture. Of several labels of one picture the last
    counts. What judges models is never changed.

    Args:
        parent: images of the parent revision; none for a first one.
        labelled: what people said, oldest first.
        withdrawn: views of which nothing is said any more.
    """
    images = {image.name: image for image in parent}
    before = dict(images)
    name_of: dict[str, str] = {}
    for image in before.values():
        name_of.setdefault(image.image.sha256, image.name)
    disputed: dict[str, None] = {}
    for new in labelled:
        name = new.name if new.name in images else name_of.get(new.image.sha256, new.name)
        present = images.get(name)
        if present is None:
            images[name] = new
            name_of[new.image.sha256] = name
        elif present.split in PROTECTED_SPLITS:
            if not same_labels(present, new):
                disputed[name] = None
            else:
                disputed.pop(name, None)
        elif not same_labels(present, new):
            images[name] = _with_labels(present, new)
    kept: dict[str, None] = {}
    said = {new.name for new in labelled}
    for view in withdrawn:
        if view.name in said:
            continue
        present = images.get(view.name)
        if present is not None and present.split in PROTECTED_SPLITS:
            disputed[view.name] = None
        elif present is not None:
            del images[view.name]
        elif view.digest in name_of and name_of[view.digest] in images:
            kept[name_of[view.digest]] = None
    return MergedLabels(
        images=tuple(images.values()),
        added=tuple(sorted(set(images) - set(before))),
        relabelled=tuple(sorted(name for name in set(images) & set(before) if images[name] != before[name])),
        removed=tuple(sorted(set(before) - set(images))),
        disputed=tuple(sorted(disputed)),
        kept=tuple(sorted(kept)),
    )


def same_labels(first: LabelledImage, second: LabelledImage) -> bool:
    """Whether two images have the same boxes of the same classes, in whatever order."""
    left = list(second.boxes)
    for box in first.boxes:
        match = next((other for other in left if _same_box(box, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def classes_with(parent: Sequence[str], used: Collection[str], *, catalogue: Sequence[str]) -> tuple[str, ...]:
    """The class list of a child: the parent's in its order, then what is new, as the catalogue orders it.

    A model numbers its classes by that order, so that what is there may not move. A first revision has the whole
    catalogue.
    """
    if not parent:
        return tuple(catalogue)
    new = [name for name in catalogue if name in used and name not in parent]
    return (*parent, *new)


def _with_labels(present: LabelledImage, new: LabelledImage) -> LabelledImage:
    origin = new.origin if new.name == present.name else present.origin
    return replace(present, boxes=new.boxes, is_declared_good=new.is_declared_good, origin=origin)


def _same_box(one: LabelledBox, other: LabelledBox) -> bool:
    return one.class_name == other.class_name and all(
        abs(first - second) <= _SAME_WITHIN_PX for first, second in zip(one.box_xyxy_px, other.box_xyxy_px, strict=True)
    )
