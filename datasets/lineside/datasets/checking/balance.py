"""What a revision holds: parts, good and defective ones, boxes of each class, by split."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision

NOT_SPLIT = "no split"


@dataclass(frozen=True, slots=True)
class SplitBalance:
    """What one split holds.

    Attributes:
        name: the split, or "no split".
        images: how many.
        groups: how many boards or lots they are of.
        good: images of good parts.
        boxes: by class, 0 where there is none.
    """

    name: str
    images: int
    groups: int
    good: int
    boxes: Mapping[str, int]

    @property
    def defective(self) -> int:
        """Images with at least one defect."""
        return self.images - self.good


@dataclass(frozen=True, slots=True)
class Balance:
    """What a revision holds.

    Attributes:
        total: all images.
        splits: those that have images, in the order of `Split`, images without one last.
        largest_group: by class, the group with the most boxes of it and their number; without classes that have none.
        box_sides_px: by class, the smallest and the median shorter side of its boxes.
    """

    total: SplitBalance
    splits: tuple[SplitBalance, ...]
    largest_group: Mapping[str, tuple[str, int]]
    box_sides_px: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, revision: Revision) -> "Balance":
        """Count a revision."""
        sides: dict[str, list[float]] = {}
        by_group: dict[str, Counter[str]] = {}
        for image in revision.images:
            for box in image.boxes:
                sides.setdefault(box.class_name, []).append(shorter_side_px(box.box_xyxy_px))
                by_group.setdefault(box.class_name, Counter())[image.group] += 1
        parts: list[SplitBalance] = []
        for split in (*Split, None):
            images = [image for image in revision.images if image.split is split]
            if images:
                parts.append(_count(images, NOT_SPLIT if split is None else split.value, revision.classes))
        return cls(
            total=_count(revision.images, "all", revision.classes),
            splits=tuple(parts),
            largest_group={name: counts.most_common(1)[0] for name, counts in sorted(by_group.items())},
            box_sides_px={name: (min(each), sorted(each)[len(each) // 2]) for name, each in sorted(sides.items())},
        )

    def to_json(self) -> Mapping[str, Any]:
        """For programs."""
        return {
            "splits": {
                each.name: {
                    "images": each.images,
                    "groups": each.groups,
                    "good": each.good,
                    "defective": each.defective,
                    "boxes": dict(each.boxes),
                }
                for each in (self.total, *self.splits)
            },
            "largest_group": {
                name: {"group": group, "boxes": count} for name, (group, count) in self.largest_group.items()
            },
            "shorter_box_side_px": {
                name: {"smallest": smallest, "median": median} for name, (smallest, median) in self.box_sides_px.items()
            },
        }


def shorter_side_px(box_xyxy_px: tuple[float, float, float, float]) -> float:
    """The smaller one of a box's width and height."""
    left, top, right, bottom = box_xyxy_px
    return min(right - left, bottom - top)


def _count(images: Iterable[LabelledImage], name: str, classes: Iterable[str]) -> SplitBalance:
    held = list(images)
    boxes = Counter(box.class_name for image in held for box in image.boxes)
    return SplitBalance(
        name=name,
        images=len(held),
        groups=len({image.group for image in held}),
        good=sum(not image.boxes for image in held),
        boxes={each: boxes[each] for each in classes},
    )
