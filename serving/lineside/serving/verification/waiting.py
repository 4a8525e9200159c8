"""What an inspection waits for at the review place: one function of what was drawn and what people have said."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lineside.inspection.verdict import Verdict
from lineside.serving.reviews import ReviewOut, ReviewStanding, standing_of
from lineside.serving.reviews.standing import taken_back


class WaitKind(StrEnum):
    """Why somebody should look at a part."""

    FLAGGED = "flagged"
    """NG, drawn for confirmation."""
    AUDIT = "audit"
    """Passed, drawn for the audit."""
    SECOND = "second"
    """Read once, drawn to be read again by another who is not told what the first one said."""
    CONFLICT = "conflict"
    """People disagree: a third settles it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One reading that is due.

    Attributes:
        kind: why.
        read_by: names of those whose reading stands, sorted: the next reader is another.
    """

    kind: WaitKind
    read_by: tuple[str, ...] = ()


def what_waits(
    verdict: Verdict, reviews: Sequence[ReviewOut], *, is_due: bool, is_read_twice: bool, is_audited: bool
) -> Wait | None:
    """The reading that an inspection waits for; None if it waits for none.

    A drawn part is read once; a drawn share of those is read a second time, and so is every escape that a reading of a
    passed part claims: people who see a defect where none is would raise the rate by as much as they err
    (statistics of rare events are that sensitive). Readings that disagree wait for a third person. A passed part that
    a report has settled is read all the same: else just those whose escapes were noticed would drop out of the audit.

    Args:
        verdict: of the inspection.
        reviews: all of it, withdrawn ones too.
        is_due: whether it was drawn, or is of a part of known truth.
        is_read_twice: whether it was drawn for a second reading.
        is_audited: whether one of the reviews reads it as an audit draw (`standings.audited`).
    """
    standing = standing_of(reviews)
    readers = tuple(sorted({review.reviewer for review in in_words(reviews)}))
    if standing is ReviewStanding.UNRESOLVED:
        return Wait(WaitKind.CONFLICT, readers)
    if not is_due or verdict is Verdict.NOT_INSPECTED:
        return None
    if standing is ReviewStanding.UNREVIEWED:
        return Wait(WaitKind.FLAGGED if verdict is Verdict.NG else WaitKind.AUDIT)
    if verdict is Verdict.OK and not is_audited:
        return Wait(WaitKind.AUDIT, readers)
    if len(readers) == 1 and (is_read_twice or standing is ReviewStanding.ESCAPE):
        return Wait(WaitKind.SECOND, readers)
    return None


def in_words(reviews: Sequence[ReviewOut]) -> list[ReviewOut]:
    """The reviews that say something of the part: neither a withdrawal nor what one took back."""
    gone = taken_back(reviews)
    return [review for review in reviews if review.id not in gone]
