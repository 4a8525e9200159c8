"""What the tasks of a pick amount to, written down: its state, and the one review that its label is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from lineside.inspection.verdict import Verdict
from lineside.serving.labelling import attention
from lineside.serving.labelling.composing import MOST_BOXES, kind_of, label_of
from lineside.serving.labelling.facts import defects_by_id, inspection_rows
from lineside.serving.labelling.projects import next_change
from lineside.serving.labelling.schemas import AttentionIn, FoundDefect, LabelOut, PickState
from lineside.serving.labelling.task_rows import tasks_of
from lineside.serving.labelling.task_schemas import LabelTaskOut
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_picks
from lineside.serving.reviews import ReviewIn, ReviewKind, ReviewOut, ReviewRecorded, ReviewSource
from lineside.serving.reviews import store as review_store
from lineside.serving.reviews.standing import in_force

TOO_MANY_BOXES: Final = "too_many_boxes"
LABEL_OF_WITHDRAWN: Final = "label_of_withdrawn_pick"


@dataclass(frozen=True, slots=True)
class _Situation:
    """A pick and all that it depends on."""

    pick: Row[Any]
    inspection: Row[Any]
    defects: Sequence[FoundDefect]
    tasks: Sequence[LabelTaskOut]
    label: LabelOut | None


def settle(
    transaction: Transaction, project: str, pick_ids: Collection[str], *, relabelled: Collection[str], recorded_by: str
) -> Mapping[str, ReviewRecorded]:
    """Bring some picks up to date with their tasks and with the list of what needs a person.

    Args:
        transaction: the one that changed them.
        project: of the picks.
        pick_ids: which.
        relabelled: those of them whose readings changed.
        recorded_by: name of the key.

    Returns:
        The reviews that this recorded, by pick.
    """
    if not pick_ids:
        return {}
    connection = transaction.connection
    situations = _situations(connection, sorted(pick_ids))
    reviews: dict[str, ReviewRecorded] = {}
    review_ids: dict[str, str | None] = {}
    for each in situations:
        if each.pick.id in relabelled:
            recorded, review_ids[each.pick.id] = _review(transaction, each, recorded_by=recorded_by)
            if recorded is not None:
                reviews[each.pick.id] = recorded
    attention.raise_all(transaction, project, _troubles(situations, relabelled), raised_by=attention.OURSELVES)
    troubled = attention.open_picks(connection, [each.pick.id for each in situations])
    changed = []
    change: int | None = None  # one for all of the transaction
    for each in situations:
        pick = each.pick
        state = _state(each, is_troubled=pick.id in troubled)
        review_id = review_ids.get(pick.id, pick.review_id)
        was_labelled, is_labelled = pick.state == PickState.LABELLED.value, state is PickState.LABELLED
        is_changed = (pick.id in relabelled and is_labelled) or was_labelled != is_labelled
        if is_changed or state.value != pick.state or review_id != pick.review_id:
            if is_changed and change is None:
                change = next_change(transaction, project)
            number = change if is_changed else pick.change
            changed.append({"of_pick": pick.id, "to": state.value, "review": review_id, "number": number})
    if changed:
        connection.execute(
            update(label_picks)
            .where(label_picks.c.id == bindparam("of_pick"))
            .values(state=bindparam("to"), review_id=bindparam("review"), change=bindparam("number")),
            changed,
        )
    return reviews


def withdraw_review(transaction: Transaction, pick_id: str, *, reason: str, recorded_by: str) -> ReviewRecorded | None:
    """Take the review of a pick back, where one is in force."""
    each = _situations(transaction.connection, [pick_id])[0]
    _, current = _last_and_current(transaction.connection, each)
    if current is None:
        return None
    return _take_back(transaction, each, current, reason=reason, recorded_by=recorded_by)


def _situations(connection: Connection, pick_ids: Sequence[str]) -> list[_Situation]:
    wanted = select(label_picks).where(label_picks.c.id.in_(pick_ids)).order_by(label_picks.c.id)
    picks = connection.execute(wanted).all()
    inspection_ids = [pick.inspection_id for pick in picks]
    inspections = inspection_rows(connection, inspection_ids)
    defects = defects_by_id(connection, inspection_ids)
    tasks = tasks_of(connection, pick_ids)
    return [
        _Situation(
            pick=pick,
            inspection=inspections[pick.inspection_id],
            defects=defects.get(pick.inspection_id, ()),
            tasks=tasks.get(pick.id, ()),
            label=label_of(tasks.get(pick.id, ())),
        )
        for pick in picks
    ]


def _counts(each: _Situation) -> bool:
    """Whether a pick has a label that can be made into a review."""
    return each.label is not None and len(each.label.boxes) <= MOST_BOXES and each.pick.withdrawn_at is None


def _state(each: _Situation, *, is_troubled: bool) -> PickState:
    if each.pick.withdrawn_at is not None:
        return PickState.WITHDRAWN
    if _counts(each):
        return PickState.LABELLED
    if is_troubled:
        return PickState.ATTENTION
    is_pushed = bool(each.tasks) and all(task.label_studio_task_id is not None for task in each.tasks)
    return PickState.PUSHED if is_pushed else PickState.WAITING


def _troubles(situations: Sequence[_Situation], relabelled: Collection[str]) -> list[AttentionIn]:
    """What keeps the label of a pick from counting, although every task was read."""
    found = []
    for each in situations:
        if each.label is None or _counts(each) or each.pick.id not in relabelled:
            continue
        code, message = TOO_MANY_BOXES, f"{len(each.label.boxes)} boxes on one part; {MOST_BOXES} can be recorded"
        if each.pick.withdrawn_at is not None:
            code, message = (
                LABEL_OF_WITHDRAWN,
                (
                    f"{each.label.reviewer} labelled a part whose pick {each.pick.withdrawn_by} withdrew "
                    f"({each.pick.withdrawn_reason}): the label does not count; review the part if it should"
                ),
            )
        found.append(AttentionIn(code=code, message=message, pick_id=each.pick.id))
    return found


def _review(
    transaction: Transaction, each: _Situation, *, recorded_by: str
) -> tuple[ReviewRecorded | None, str | None]:
    """Record what a pick's label says now, if that is something else than before; gives the review in force too."""
    last, current = _last_and_current(transaction.connection, each)
    wanted = _wanted(each)
    if wanted is None:
        if current is None:
            return None, None
        reason = "its label was deleted, skipped, or needs a person"
        return _take_back(transaction, each, current, reason=reason, recorded_by=recorded_by), None
    if last is not None and _says_the_same(last, wanted):
        return None, last.id
    if current is not None:
        wanted = wanted.model_copy(update={"supersedes": current.id})
    recorded = review_store.record(transaction, each.inspection, wanted, recorded_by=recorded_by, stored_digests=())
    return recorded, recorded.id


def _take_back(
    transaction: Transaction, each: _Situation, current: ReviewOut, *, reason: str, recorded_by: str
) -> ReviewRecorded:
    withdrawal = ReviewIn(
        kind=ReviewKind.WITHDRAWN,
        source=ReviewSource.LABEL_STUDIO,
        reviewer=current.reviewer,
        at=max(transaction.now(), current.at),
        reason=reason,
        supersedes=current.id,
    )
    return review_store.record(transaction, each.inspection, withdrawal, recorded_by=recorded_by, stored_digests=())


def _last_and_current(connection: Connection, each: _Situation) -> tuple[ReviewOut | None, ReviewOut | None]:
    """The last review of the pick, and the same where nobody has replaced or withdrawn it since."""
    if each.pick.review_id is None:
        return None, None
    said = review_store.reviews_of(connection, each.inspection)
    last = next((review for review in said if review.id == each.pick.review_id), None)
    return last, last if last in in_force(said) else None


def _wanted(each: _Situation) -> ReviewIn | None:
    if each.label is None or not _counts(each):
        return None
    kind = kind_of(Verdict(each.inspection.verdict), each.defects, each.label)
    draws = kind in {ReviewKind.ESCAPE, ReviewKind.CORRECTED}
    return ReviewIn(
        kind=kind,
        source=ReviewSource.LABEL_STUDIO,
        reviewer=each.label.reviewer,
        at=each.label.at,
        boxes=each.label.boxes if draws else (),
        reason=each.label.comment,
    )


def _says_the_same(review: ReviewOut, wanted: ReviewIn) -> bool:
    return (review.kind, review.reviewer, review.boxes, review.reason) == (
        wanted.kind,
        wanted.reviewer,
        wanted.boxes,
        wanted.reason,
    )
