"""Tasks that somebody deleted or added in Label Studio: deletions leave no trace, so both sides are compared."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from lineside.client import LinesideClient
from lineside.datasets.labelling import LabelStudio, StudioTask
from lineside.workflows.labelling.needing_people import MOST_AT_ONCE, Code, Need
from lineside.workflows.labelling.picks import KnownTask, LabelCounts, parse

_STRANGE = frozenset({Code.UNKNOWN_TASK.value, "duplicate_task"})


async def find_missing_tasks(
    client: LinesideClient, studio: LabelStudio, *, project: str, studio_project_id: int, counts: LabelCounts
) -> tuple[Need, ...]:
    """Tasks that were pushed and are gone; the server forgets those that nobody has read.

    Counts are compared first; ids, a page of a thousand at a time, only where they differ.

    Args:
        client: of our server.
        studio: Label Studio.
        project: the labelling project's name.
        studio_project_id: Label Studio's id of it.
        counts: what the server says there is now.

    Returns:
        What people are to be told. Once a person settles the entry of an unread task, the next push makes it anew.
    """
    strangers = await _strangers(client, project) if counts.open_attention else 0
    if await asyncio.to_thread(studio.task_count, studio_project_id) == counts.pushed_tasks + strangers:
        return ()
    pushed = [parse(KnownTask, said) async for said in client.label_tasks(project, pushed=True)]
    there = await asyncio.to_thread(studio.all_tasks, studio_project_id)
    missing = [task for task in pushed if UUID(task.id) not in there]
    unread = [task for task in missing if not task.is_read]
    for first in range(0, len(unread), MOST_AT_ONCE):
        gone = [{"id": task.id, "label_studio_task_id": None} for task in unread[first : first + MOST_AT_ONCE]]
        await client.mark_label_tasks_pushed(project, gone)
    return tuple(_deleted(task) for task in missing)


def strangers_among(tasks: Sequence[StudioTask]) -> tuple[Need, ...]:
    """Tasks that somebody added by hand."""
    return tuple(
        Need(
            code=Code.UNKNOWN_TASK,
            message=f"Label Studio's task {task.id} was not pushed by Lineside, so what is said of it counts nowhere: "
            "delete it there, or pick its part with `lineside labels queue`",
            label_studio_task_id=task.id,
        )
        for task in tasks
        if task.uuid is None
    )


async def _strangers(client: LinesideClient, project: str) -> int:
    """How many tasks that are none of ours, or second copies, are on the list."""
    return len(
        {entry["label_studio_task_id"] async for entry in client.label_attention(project) if entry["code"] in _STRANGE}
    )


def _deleted(task: KnownTask) -> Need:
    what = (
        "what was said of it stays; withdraw the pick to take that back"
        if task.is_read
        else "settle this to have the next push make it anew, or withdraw the pick"
    )
    return Need(
        code=Code.TASK_DELETED,
        message=f"Label Studio's task {task.label_studio_task_id} of view {task.view!r} was deleted there: {what}",
        task_id=task.id,
        pick_id=task.pick_id,
        label_studio_task_id=task.label_studio_task_id,
        occurrence=f"deleted {task.label_studio_task_id}" if task.is_read else None,
    )
