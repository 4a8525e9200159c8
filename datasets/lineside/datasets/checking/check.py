"""The check of a revision, from its labels to its pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lineside.datasets.checking.balance import NOT_SPLIT, Balance
from lineside.datasets.checking.findings import Case, CheckReport, Finding, FindingKind, Level
from lineside.datasets.checking.labels import find_label_faults
from lineside.datasets.checking.pictures import find_copies, read_pictures
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.leaks import find_leaks_by_identity
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.datasets.splits import MAKING_SPLITS, PROTECTED_SPLITS
from lineside.inspection.catalogue import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What counts as a fault.

    Attributes:
        catalogue: what the classes must be in; None checks no class.
        tiny_px: boxes with a shorter side below this are listed.
        rare_boxes: classes with fewer boxes are listed.
        one_sided_share: a class with more of its boxes in one group is listed.
        is_searching_copies: compare the pictures with each other, which takes some tenths of a second for each.
    """

    catalogue: Catalogue | None = None
    tiny_px: float = 6.0
    rare_boxes: int = 20
    one_sided_share: float = 0.6
    is_searching_copies: bool = True


def _ignore(*_: object) -> None:
    """Nobody listens."""


def check_revision(
    store: RevisionStore,
    revision: Revision,
    options: CheckOptions,
    *,
    on_image: Callable[[int, int], None] = _ignore,
) -> CheckReport:
    """Check a revision.

    Args:
        store: where its pictures are.
        revision: what is checked.
        options: what counts as a fault.
        on_image: called after each picture, with how many are done and how many there are; twice through where copies
            are searched.

    Returns:
        What was found, errors first. A broken picture is a finding, not an error of the check.
    """
    balance = Balance.of(revision)
    findings = list(find_label_faults(revision, options.catalogue, tiny_px=options.tiny_px))
    findings += _find_leaks(revision.images)
    findings += _find_imbalance(revision, balance, options)
    pictures = read_pictures(revision, store, on_image=on_image, is_fingerprinting=options.is_searching_copies)
    findings += pictures.findings()
    if options.is_searching_copies:
        findings += _judge_copies(list(find_copies(revision, store, pictures.fingerprints, on_image=on_image)))
    return CheckReport(
        revision_id=revision.id,
        source=revision.source,
        balance=balance,
        findings=tuple(
            sorted(findings, key=lambda each: (each.level is not Level.ERROR, list(FindingKind).index(each.kind)))
        ),
        is_searched_for_copies=options.is_searching_copies,
    )


def _find_leaks(images: Sequence[LabelledImage]) -> Iterator[Finding]:
    cases: list[Case] = []
    order = (*PROTECTED_SPLITS, *MAKING_SPLITS)
    for position, split in enumerate(order):
        ours = [image for image in images if image.split is split]
        others = [image for image in images if image.split in order[position + 1 :]]
        leaks = find_leaks_by_identity(ours, others)
        cases += [Case(leak.protected, leak.detail, other_image=leak.used) for leak in leaks]
    if cases:
        yield Finding(
            FindingKind.LEAK,
            Level.ERROR,
            f"{len(cases)} image(s) are tied to another split by picture, ancestor, part or group: figures from these "
            "splits are too good; `lineside dataset split` keeps together what belongs together",
            tuple(cases),
        )


def _judge_copies(pairs: Sequence[tuple[LabelledImage, LabelledImage]]) -> Iterator[Finding]:
    """Copies on both sides of the protected border are errors, others need a look."""
    leaking: list[Case] = []
    harmless: list[Case] = []
    for first, second in pairs:
        is_leak = _is_judging(first.split, second.split) or _is_judging(second.split, first.split)
        names = f"{first.split or NOT_SPLIT}; the same shot as {second.name} ({second.split or NOT_SPLIT})"
        case = Case(first.name, names, other_image=second.name)
        (leaking if is_leak else harmless).append(case)
    if leaking:
        yield Finding(
            FindingKind.LEAK,
            Level.ERROR,
            f"{len(leaking)} picture(s) that judge a model are copies of pictures that it is made from: leave one side "
            "out, or give both one group and split again",
            tuple(leaking),
        )
    if harmless:
        yield Finding(
            FindingKind.COPIES,
            Level.WARNING,
            f"{len(harmless)} pair(s) of pictures show one shot: they count twice, and after another split they could "
            "lie on both sides; give both one group, or leave one out",
            tuple(harmless),
        )


def _is_judging(one: Split | None, other: Split | None) -> bool:
    return one in PROTECTED_SPLITS and other in MAKING_SPLITS


def _find_imbalance(revision: Revision, balance: Balance, options: CheckOptions) -> Iterator[Finding]:
    total = balance.total
    for name, count in total.boxes.items():
        if count < options.rare_boxes:
            yield Finding(
                FindingKind.RARE_CLASS,
                Level.WARNING,
                f"class {name!r} has {count} box(es), fewer than {options.rare_boxes}: nothing can be said about how "
                "well it is found",
                tuple(_examples(revision, name)),
            )
    for name, (group, count) in balance.largest_group.items():
        if total.groups > 1 and count > options.one_sided_share * total.boxes[name]:
            yield Finding(
                FindingKind.ONE_SIDED_GROUP,
                Level.WARNING,
                f"{count} of {total.boxes[name]} boxes of class {name!r} are of the group {group!r}: a model may learn "
                "the group, and a split cannot spread them",
            )
    for split in balance.splits:
        if split.name == NOT_SPLIT:
            continue
        missing = [name for name, count in split.boxes.items() if count == 0 and total.boxes[name] > 0]
        if missing:
            yield Finding(
                FindingKind.CLASS_MISSING_IN_SPLIT,
                Level.WARNING,
                f"split {split.name} has no box of {', '.join(missing)}: "
                + ("it cannot be learned" if split.name == Split.TRAIN else "nothing can be said about it there"),
            )
        if split.good == 0:
            yield Finding(
                FindingKind.NO_GOOD_PARTS,
                Level.WARNING,
                f"split {split.name} has no good part: "
                + ("false calls are not learned away" if split.name == Split.TRAIN else "overkill cannot be measured"),
            )
        if split.defective == 0:
            yield Finding(
                FindingKind.NO_DEFECTS,
                Level.WARNING,
                f"split {split.name} has no defective part: escapes cannot be measured",
            )
    unsplit = [image for image in revision.images if image.split is None]
    if unsplit and len(unsplit) < len(revision.images):
        yield Finding(
            FindingKind.NOT_SPLIT,
            Level.WARNING,
            f"{len(unsplit)} of {len(revision.images)} images are in no split; nothing uses them",
        )


def _examples(revision: Revision, class_name: str) -> Iterator[Case]:
    for image in revision.images:
        boxes = tuple(box for box in image.boxes if box.class_name == class_name)
        if boxes:
            yield Case(image.name, boxes=boxes)
