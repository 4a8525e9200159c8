"""The labelling loop's writes: some at a time, because verdicts wait for the same writer."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, select

from lineside.serving.images import ImageStore
from lineside.serving.labelling import attention, picks, states, task_rows
from lineside.serving.labelling.projects import project_row
from lineside.serving.labelling.schemas import (
    AttentionIn,
    AttentionOut,
    AttentionsIn,
    PickIn,
    PickMade,
    PickOut,
    PicksIn,
    PickWithdrawalIn,
    SettlementIn,
)
from lineside.serving.labelling.settling import settle
from lineside.serving.labelling.task_schemas import (
    LabelTaskIn,
    LabelTaskOut,
    LabelTasksIn,
    PushedTask,
    PushedTasksIn,
    TaskStateAnswer,
    TaskStateIn,
    TaskStatesIn,
)
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.label_tables import label_tasks
from lineside.serving.ledger.tables import frames, shadow_results
from lineside.serving.shadowing.service import Shadowing

T = TypeVar("T")

AT_ONCE: Final = 25
"""Picks in one write: some 50 ms of the writer's time where each of them becomes a review."""

_PUSHED_AT_ONCE: Final = 100  # tasks; nothing but numbers and states is written


class LabelService:
    """Writes what the labelling programs say; each call may come again.

    Args:
        ledger: where it stands.
        images: where the pictures are.
        shadowing: hears of reviews.
    """

    def __init__(self, *, ledger: Ledger, images: ImageStore, shadowing: Shadowing) -> None:
        self._ledger = ledger
        self._images = images
        self._shadowing = shadowing

    async def pick(self, given: PicksIn, *, key_name: str) -> list[PickMade]:
        """Pick inspections for labelling."""
        made: list[PickMade] = []
        for some in _batches(given.items):
            digests = await self._ledger.read(partial(_digests, inspection_ids=[item.inspection_id for item in some]))
            stored = await asyncio.to_thread(_stored, self._images, digests)
            made += await self._ledger.write(partial(_pick, given=given, some=some, stored=stored, key_name=key_name))
        return made

    async def withdraw(self, pick_id: str, given: PickWithdrawalIn) -> PickOut:
        """Take a pick back."""

        def write(transaction: Transaction) -> tuple[PickOut, bool]:
            _, review = picks.withdraw(transaction, pick_id, given)
            return picks.get(transaction.connection, transaction.plant, pick_id), review is not None

        pick, is_reviewed = await self._ledger.write(write)
        if is_reviewed:
            await self._shadowing.reviewed(pick.inspection_id)
        return pick

    async def make_tasks(self, given: LabelTasksIn) -> list[LabelTaskOut]:
        """Make tasks; all of a pick are in the request."""
        by_pick: dict[str, list[LabelTaskIn]] = {}
        for item in given.items:
            by_pick.setdefault(item.pick_id, []).append(item)
        for some in _batches(list(by_pick.values())):
            items = [task for tasks in some for task in tasks]
            await self._ledger.write(partial(_make_tasks, project=given.project, items=items))
        return await self._tasks(given.project, [item.id for item in given.items])

    async def mark_pushed(self, given: PushedTasksIn) -> list[LabelTaskOut]:
        """Write down which tasks Label Studio has."""
        for some in _batches(given.items, at_once=_PUSHED_AT_ONCE):
            await self._ledger.write(partial(_mark_pushed, project=given.project, items=some))
        return await self._tasks(given.project, [item.id for item in given.items])

    async def apply_states(self, given: TaskStatesIn, *, recorded_by: str) -> list[TaskStateAnswer]:
        """Take over what Label Studio says of tasks, all tasks of a pick in one transaction."""
        pick_of = await self._ledger.read(partial(_picks_of, task_ids=[item.id for item in given.items]))
        together: dict[str, list[int]] = {}
        for position, item in enumerate(given.items):
            together.setdefault(pick_of.get(item.id, item.id), []).append(position)
        answers: dict[int, TaskStateAnswer] = {}
        for some in _batches(list(together.values())):
            positions = [position for group in some for position in group]
            items = [given.items[position] for position in positions]
            found, reviewed = await self._ledger.write(
                partial(_apply, project=given.project, items=items, recorded_by=recorded_by)
            )
            answers.update(zip(positions, found, strict=True))
            for inspection_id in reviewed:
                await self._shadowing.reviewed(inspection_id)
        return [answers[position] for position in range(len(given.items))]

    async def raise_attention(self, given: AttentionsIn, *, raised_by: str) -> list[AttentionOut]:
        """Put things on the list of what needs a person."""
        entries: list[AttentionOut] = []
        for some in _batches(given.items):
            entries += await self._ledger.write(partial(_raise, project=given.project, items=some, raised_by=raised_by))
        return entries

    async def settle_attention(self, attention_id: str, given: SettlementIn) -> AttentionOut:
        """Take something off that list."""

        def write(transaction: Transaction) -> AttentionOut:
            entry = attention.settle_one(transaction, attention_id, given)
            if entry.pick_id is not None:
                settle(transaction, entry.project, [entry.pick_id], relabelled=(), recorded_by=given.by)
            return entry

        return await self._ledger.write(write)

    async def _tasks(self, project: str, task_ids: Sequence[str]) -> list[LabelTaskOut]:
        plant = self._ledger.plant
        found = await self._ledger.read(lambda connection: task_rows.tasks_by_id(connection, plant, project, task_ids))
        return [found[task_id] for task_id in task_ids]


def _batches(items: Sequence[T], *, at_once: int = AT_ONCE) -> Iterator[Sequence[T]]:
    return (items[start : start + at_once] for start in range(0, len(items), at_once))


def _digests(connection: Connection, *, inspection_ids: Sequence[str]) -> set[str]:
    return set(connection.execute(select(frames.c.digest).where(frames.c.inspection_id.in_(inspection_ids))).scalars())


def _stored(images: ImageStore, digests: Collection[str]) -> list[str]:
    return [digest for digest in digests if images.contains(digest)]


def _picks_of(connection: Connection, *, task_ids: Sequence[str]) -> dict[str, str]:
    rows = connection.execute(select(label_tasks.c.id, label_tasks.c.pick_id).where(label_tasks.c.id.in_(task_ids)))
    return {row.id: row.pick_id for row in rows}


def _pick(
    transaction: Transaction, *, given: PicksIn, some: Sequence[PickIn], stored: Collection[str], key_name: str
) -> list[PickMade]:
    return picks.make(
        transaction,
        given.project,
        some,
        seed=given.seed,
        picked_by=given.picked_by or key_name,
        stored_digests=stored,
    )


def _make_tasks(transaction: Transaction, *, project: str, items: Sequence[LabelTaskIn]) -> None:
    task_rows.make(transaction, project, items)
    pick_ids = {item.pick_id for item in items}
    settle(transaction, project, pick_ids, relabelled=(), recorded_by=attention.OURSELVES)


def _mark_pushed(transaction: Transaction, *, project: str, items: Sequence[PushedTask]) -> None:
    changed = task_rows.mark_pushed(transaction, project, items)
    settle(transaction, project, changed, relabelled=(), recorded_by=attention.OURSELVES)


def _apply(
    transaction: Transaction, *, project: str, items: Sequence[TaskStateIn], recorded_by: str
) -> tuple[list[TaskStateAnswer], list[str]]:
    """The answers, and the inspections reviewed that two releases see differently."""
    answers, reviews = states.apply(transaction, project, items, recorded_by=recorded_by)
    inspection_ids = [review.inspection_id for review in reviews.values()]
    disputed = transaction.connection.execute(
        select(shadow_results.c.inspection_id).where(shadow_results.c.inspection_id.in_(inspection_ids)).distinct()
    )
    return answers, sorted(disputed.scalars()) if inspection_ids else []


def _raise(
    transaction: Transaction, *, project: str, items: Sequence[AttentionIn], raised_by: str
) -> list[AttentionOut]:
    project_row(transaction.connection, transaction.plant, project)
    entries = attention.raise_all(transaction, project, items, raised_by=raised_by)
    pick_ids = {entry.pick_id for entry in entries if entry.pick_id is not None}
    settle(transaction, project, pick_ids, relabelled=(), recorded_by=raised_by)
    return entries
