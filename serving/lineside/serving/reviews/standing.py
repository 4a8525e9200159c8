"""What the reviews of one inspection amount to: one function, used wherever it is asked."""

from collections.abc import Sequence
from itertools import combinations
from typing import Protocol, TypeVar

from lineside.inspection.drawn_boxes import ClassBox, are_same_boxes
from lineside.serving.reviews.schemas import ReviewBox, ReviewKind, ReviewSource, ReviewStanding


class Reviewed(Protocol):
    """What the standing depends on."""

    @property
    def id(self) -> str:
        """Identifier of the review."""
        ...

    @property
    def kind(self) -> ReviewKind:
        """What it says."""
        ...

    @property
    def source(self) -> ReviewSource:
        """Where it comes from."""
        ...

    @property
    def reviewer(self) -> str:
        """Who says it."""
        ...

    @property
    def boxes(self) -> tuple[ReviewBox, ...]:
        """The defects as drawn."""
        ...

    @property
    def supersedes(self) -> str | None:
        """The review that it replaces."""
        ...


R = TypeVar("R", bound=Reviewed)

_ALIKE_IOU = 0.5
"""From this overlap on, two boxes of a class are one defect drawn by two people, as for a task's annotators."""

_SAYS_DEFECTIVE = frozenset({ReviewKind.CONFIRMED, ReviewKind.CORRECTED})


def standing_of(reviews: Sequence[Reviewed]) -> ReviewStanding:
    """Where an inspection stands.

    A review that another one replaces no longer counts, nor does one that was taken back. Those left must agree: of
    an NG part, `confirmed` and `corrected` do (the part is defective; the corrected boxes count), unless two
    corrections draw different boxes (held against each other class by class, one to one, overlapping by half at
    least). Everything else that differs is unresolved, and counts nowhere until somebody settles it by superseding.

    Args:
        reviews: all of one inspection, in any order.
    """
    left = in_force(reviews)
    kinds = {review.kind for review in left}
    if not kinds:
        return ReviewStanding.UNREVIEWED
    if ReviewKind.CORRECTED in kinds and kinds <= _SAYS_DEFECTIVE:
        drawings = [review.boxes for review in left if review.kind is ReviewKind.CORRECTED]
        agree = all(_are_alike(one, other) for one, other in combinations(drawings, 2))
        return ReviewStanding.CORRECTED if agree else ReviewStanding.UNRESOLVED
    if len(kinds) > 1:
        return ReviewStanding.UNRESOLVED
    return ReviewStanding(kinds.pop().value)


def in_force(reviews: Sequence[R]) -> list[R]:
    """The reviews that were neither taken back nor replaced by one that stands."""
    gone = taken_back(reviews)
    said = [review for review in reviews if review.id not in gone]
    replaced = {review.supersedes for review in said}
    return [review for review in said if review.id not in replaced]


def taken_back(reviews: Sequence[Reviewed]) -> frozenset[str]:
    """The identifiers of the reviews that were taken back, and of the withdrawals that did it.

    A withdrawal takes back the review that it supersedes, with what the same person had said before it; Label Studio
    counts as one person. What somebody else had said, and it replaced, stands again.
    """
    by_id = {review.id: review for review in reviews}
    found: set[str] = set()
    for withdrawal in reviews:
        if withdrawal.kind is not ReviewKind.WITHDRAWN:
            continue
        found.add(withdrawal.id)
        last = by_id.get(withdrawal.supersedes or "")
        each = last
        while last is not None and each is not None and _voice(each) == _voice(last):
            found.add(each.id)
            each = by_id.get(each.supersedes or "")
    return frozenset(found)


def first_readings(reviews: Sequence[R]) -> dict[str, R]:
    """What each person said when first reading the part, by name; who says it twice has read it once.

    A review that replaces one which stands is no reading: its author settles what was said before, or thinks again.

    Args:
        reviews: all of one inspection, oldest first.
    """
    gone = taken_back(reviews)
    readings: dict[str, R] = {}
    for review in reviews:
        if review.id not in gone and (review.supersedes is None or review.supersedes in gone):
            readings.setdefault(review.reviewer, review)
    return readings


def _voice(review: Reviewed) -> tuple[ReviewSource, str]:
    is_label = review.source is ReviewSource.LABEL_STUDIO
    return review.source, "" if is_label else review.reviewer


def _are_alike(one: Sequence[ReviewBox], other: Sequence[ReviewBox]) -> bool:
    """Whether two people drew the same defects: nobody draws a box twice to the pixel."""

    def of_view(boxes: Sequence[ReviewBox], view: str) -> list[ClassBox]:
        return [ClassBox(box.class_name, box.box_xyxy_px) for box in boxes if box.view == view]

    views = {box.view for box in (*one, *other)}
    return all(are_same_boxes(of_view(one, view), of_view(other, view), min_iou=_ALIKE_IOU) for view in views)
