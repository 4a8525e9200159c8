"""States of tasks as Label Studio has them, taken over: each is heeded once, and a later one stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, update

from lineside.serving.labelling import attention, settling
from lineside.serving.labelling.composing import fault_of, listed, minutes_of
from lineside.serving.labelling.projects import project_row
from lineside.serving.labelling.schemas import AttentionIn
from lineside.serving.labelling.task_rows import tasks_by_id
from lineside.serving.labelling.task_schemas import (
    LabelTaskOut,
    StateOutcome,
    TaskAttention,
    TaskStateAnswer,
    TaskStateIn,
)
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_tasks
from lineside.serving.reviews import ReviewRecorded


@dataclass
class _Work:
    """What a request comes to, before it is written."""

    tasks: dict[str, LabelTaskOut]
    outcomes: list[StateOutcome] = field(default_factory=list)
    written: dict[str, None] = field(default_factory=dict)  # tasks, in order
    touched: set[str] = field(default_factory=set)  # picks whose state may be another one
    relabelled: set[str] = field(default_factory=set)  # picks of which a reading changed
    raised: list[AttentionIn] = field(default_factory=list)
    gone: list[tuple[str, str, str]] = field(default_factory=list)


def apply(
    transaction: Transaction, project: str, items: Sequence[TaskStateIn], *, recorded_by: str
) -> tuple[list[TaskStateAnswer], Mapping[str, ReviewRecorded]]:
    """Take over states, and make the labels that they complete into reviews, all in one transaction.

    Args:
        transaction: where.
        project: whose tasks.
        items: states; of one task given twice the later one stands.
        recorded_by: name of the key.

    Returns:
        What became of each, and the reviews that were recorded, by pick.

    Raises:
        UnknownLabelProject: there is none of that name.
    """
    plant = transaction.plant
    classes = project_row(transaction.connection, plant, project).classes
    work = _Work(tasks_by_id(transaction.connection, plant, project, sorted({item.id for item in items})))
    for item in items:
        work.outcomes.append(_consider(work, item, classes))
    _write(transaction, work)
    attention.raise_all(transaction, project, work.raised, raised_by=recorded_by)
    attention.settle_gone(transaction, project, work.gone)
    reviews = settling.settle(transaction, project, work.touched, relabelled=work.relabelled, recorded_by=recorded_by)
    return [_answer(work, item, outcome, reviews) for item, outcome in zip(items, work.outcomes, strict=True)], reviews


def _consider(work: _Work, item: TaskStateIn, classes: Sequence[str]) -> StateOutcome:
    """See what a state changes, and remember it."""
    task = work.tasks.get(item.id)
    if task is None:
        if item.annotations:
            work.raised.append(_stray(item, "unknown_task", "no task of this project has that id"))
        return StateOutcome.UNKNOWN
    if task.label_studio_task_id not in {None, item.label_studio_task_id}:
        if item.annotations:
            words = f"a second copy of task {task.label_studio_task_id}"
            work.raised.append(_stray(item, "duplicate_task", words))
        return StateOutcome.DUPLICATE
    if task.updated_at is not None and item.updated_at < task.updated_at:
        return StateOutcome.STALE
    after = _after(task, item, classes)
    same = after.model_copy(update={"updated_at": task.updated_at, "pushed_at": task.pushed_at}) == task
    if after != task:
        work.tasks[task.id] = after
        work.written[task.id] = None
    if same:
        return StateOutcome.UNCHANGED
    work.touched.add(task.pick_id)
    if after.reading != task.reading:
        work.relabelled.add(task.pick_id)
    before_said, after_said = set(task.attention), set(after.attention)
    work.raised += [
        AttentionIn(
            code=each.code, message=each.message, task_id=task.id, label_studio_task_id=item.label_studio_task_id
        )
        for each in after.attention
        if each not in before_said
    ]
    work.gone += [(task.id, each.code, each.message) for each in task.attention if each not in after_said]
    return StateOutcome.APPLIED


def _after(task: LabelTaskOut, item: TaskStateIn, classes: Sequence[str]) -> LabelTaskOut:
    """The task once its new state is taken over."""
    fault = fault_of(item, task, classes)
    troubles = dict.fromkeys(item.attention)
    if fault is not None:
        troubles.setdefault(TaskAttention(code=fault[0], message=fault[1]))
    return task.model_copy(
        update={
            "label_studio_task_id": item.label_studio_task_id,
            "updated_at": item.updated_at,
            "annotations": item.annotations,
            "reading": None if fault is not None else item.reading,
            "attention": tuple(troubles),
            "minutes": max(task.minutes, minutes_of(item)),  # time that was spent stays spent
        }
    )


def _write(transaction: Transaction, work: _Work) -> None:
    if not work.written:
        return
    now = transaction.now()
    rows: list[dict[str, Any]] = []
    for task_id in work.written:
        task = work.tasks[task_id]
        body = task.model_dump(mode="json", include={"annotations", "reading", "attention"})
        rows.append(
            {
                "of_task": task.id,
                "number": task.label_studio_task_id,
                "pushed": task.pushed_at or now,
                "updated": task.updated_at,
                "said": body["annotations"],
                "read": body["reading"],
                "troubles": body["attention"],
                "spent": task.minutes,
            }
        )
    column = label_tasks.c
    transaction.connection.execute(
        update(label_tasks)
        .where(column.id == bindparam("of_task"))
        .values(
            label_studio_task_id=bindparam("number"),
            pushed_at=bindparam("pushed"),
            updated_at=bindparam("updated"),
            annotations=bindparam("said"),
            reading=bindparam("read"),
            attention=bindparam("troubles"),
            minutes=bindparam("spent"),
        ),
        rows,
    )


def _stray(item: TaskStateIn, code: str, words: str) -> AttentionIn:
    people = listed(sorted({each.annotator for each in item.annotations if each.annotator})) or "somebody"
    return AttentionIn(
        code=code,
        message=(
            f"{people} worked on Label Studio's task {item.label_studio_task_id}, and {words} ({item.id}): what was "
            "said there does not count. Say it again on the right task, or delete this one"
        ),
        task_id=item.id,
        label_studio_task_id=item.label_studio_task_id,
        occurrence=max(each.updated_at for each in item.annotations).isoformat(),
    )


def _answer(
    work: _Work, item: TaskStateIn, outcome: StateOutcome, reviews: Mapping[str, ReviewRecorded]
) -> TaskStateAnswer:
    task = work.tasks.get(item.id)
    review = None if task is None else reviews.get(task.pick_id)
    return TaskStateAnswer(
        id=item.id,
        outcome=outcome,
        pick_id=None if task is None else task.pick_id,
        review_id=None if review is None else review.id,
        review_kind=None if review is None else review.kind,
    )
