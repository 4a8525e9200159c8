"""What the labels show without looking at a picture: boxes drawn twice, tiny ones, classes nobody defined."""

from collections.abc import Iterable, Iterator
from itertools import combinations

from lineside.datasets.checking.balance import shorter_side_px
from lineside.datasets.checking.findings import Case, Finding, FindingKind, Level
from lineside.datasets.labelled import LabelledBox, LabelledImage
from lineside.datasets.revisions import Revision
from lineside.inspection.catalogue import Catalogue

NEARLY_IDENTICAL_IOU = 0.85
"""Two boxes with more in common are one defect drawn twice: neighbours do not cover each other so."""


def find_label_faults(revision: Revision, catalogue: Catalogue | None, *, tiny_px: float) -> Iterator[Finding]:
    """Look at classes and boxes.

    Args:
        revision: what is looked at.
        catalogue: what the classes must be in; None checks no class.
        tiny_px: a shorter side below this is tiny.
    """
    if catalogue is not None:
        yield from _unknown_classes(revision, catalogue)
    yield from _boxes_twice(revision.images)
    tiny = [
        Case(image.name, f"{box.class_name}: {shorter_side_px(box.box_xyxy_px):.1f} px", (box,))
        for image in revision.images
        for box in image.boxes
        if shorter_side_px(box.box_xyxy_px) < tiny_px
    ]
    if tiny:
        yield Finding(
            FindingKind.TINY_BOX,
            Level.WARNING,
            f"{len(tiny)} boxes have a side below {tiny_px:g} px: a detector that works on squares of 8 px hardly sees "
            "them; check the labels, or take larger pictures",
            tuple(tiny),
        )


def iou(first: LabelledBox, second: LabelledBox) -> float:
    """Intersection over union, in [0, 1]."""
    left, top = (max(a, b) for a, b in zip(first.box_xyxy_px[:2], second.box_xyxy_px[:2], strict=True))
    right, bottom = (min(a, b) for a, b in zip(first.box_xyxy_px[2:], second.box_xyxy_px[2:], strict=True))
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    return shared / (first.area_px + second.area_px - shared)


def _unknown_classes(revision: Revision, catalogue: Catalogue) -> Iterator[Finding]:
    for name in revision.classes:
        if name in catalogue.classes:
            continue
        cases = tuple(
            Case(image.name, boxes=boxes)
            for image in revision.images
            if (boxes := tuple(box for box in image.boxes if box.class_name == name))
        )
        yield Finding(
            FindingKind.UNKNOWN_CLASS,
            Level.ERROR,
            f"class {name!r} ({sum(len(case.boxes) for case in cases)} boxes) is not in the catalogue "
            f"{catalogue.id!r} version {catalogue.version}, which has {', '.join(catalogue.classes)}",
            cases,
        )


def _boxes_twice(images: Iterable[LabelledImage]) -> Iterator[Finding]:
    same: list[Case] = []
    different: list[Case] = []
    for image in images:
        for first, second in combinations(image.boxes, 2):
            if iou(first, second) < NEARLY_IDENTICAL_IOU:
                continue
            is_same = first.class_name == second.class_name
            words = first.class_name if is_same else f"{first.class_name} and {second.class_name}"
            (same if is_same else different).append(Case(image.name, words, (first, second)))
    if same:
        yield Finding(
            FindingKind.DUPLICATE_BOX,
            Level.ERROR,
            f"{len(same)} pair(s) of nearly identical boxes of one class: the second one can never be found, so every "
            "figure counts a miss; delete one of each",
            tuple(same),
        )
    if different:
        yield Finding(
            FindingKind.TWO_CLASSES,
            Level.WARNING,
            f"{len(different)} place(s) are boxed as two classes: a detector that names one is wrong about the other; "
            "decide which it is, or join the classes in the catalogue",
            tuple(different),
        )
