"""What the reviews of one inspection amount to: one function, used wherever it is asked."""

from collections.abc import Sequence
from typing import Protocol

from lineside.serving.reviews.schemas import ReviewBox, ReviewKind, ReviewStanding


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
    def boxes(self) -> tuple[ReviewBox, ...]:
        """The defects as drawn."""
        ...

    @property
    def supersedes(self) -> str | None:
        """The review that it replaces."""
        ...


_SAYS_DEFECTIVE = frozenset({ReviewKind.CONFIRMED, ReviewKind.CORRECTED})


def standing_of(reviews: Sequence[Reviewed]) -> ReviewStanding:
    """Where an inspection stands.

    A review that another one replaces no longer counts. Those left must agree: of an NG part, `confirmed` and
    `corrected` do (the part is defective; the corrected boxes count), unless two corrections draw different boxes.
    Everything else that differs is unresolved, and counts nowhere until somebody settles it by superseding.

    Args:
        reviews: all of one inspection, in any order.
    """
    replaced = {review.supersedes for review in reviews}
    left = [review for review in reviews if review.id not in replaced]
    kinds = {review.kind for review in left}
    if not kinds:
        return ReviewStanding.UNREVIEWED
    if ReviewKind.CORRECTED in kinds and kinds <= _SAYS_DEFECTIVE:
        drawings = {frozenset(_drawn(review)) for review in left if review.kind is ReviewKind.CORRECTED}
        return ReviewStanding.CORRECTED if len(drawings) == 1 else ReviewStanding.UNRESOLVED
    if len(kinds) > 1:
        return ReviewStanding.UNRESOLVED
    return ReviewStanding(kinds.pop().value)


def _drawn(review: Reviewed) -> list[tuple[str, str, tuple[float, float, float, float]]]:
    return [(box.view, box.class_name, box.box_xyxy_px) for box in review.boxes]
