"""Reading tasks: those that people worked on, and those that have our ids.

Nothing is read by page number: a task that changes meanwhile moves to the end of an order by change, the rest moves
forward, and the next page skips one. Each request asks for what comes after the last task seen, and is done when the
server counts no more than it sent, whatever largest page it allows.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lineside.datasets.labelling import answers
from lineside.datasets.labelling.answers import TaskPage
from lineside.datasets.labelling.config import TASK_UUID
from lineside.datasets.labelling.connection import Connection
from lineside.datasets.labelling.errors import AnswerUnreadable
from lineside.datasets.labelling.records import StudioTask, TaskCopy

UUIDS_A_REQUEST = 100
"""4.5 kB of address; proxies take 8."""

_COPIES_PAGE = 1000

_Filter = dict[str, Any]


def touched_tasks(
    connection: Connection, project_id: int, since: datetime | None, *, page_size: int
) -> Iterator[StudioTask]:
    """Tasks that people worked on and that changed at or after `since`, by the instant of their change; all if None.

    Label Studio needs some 10 ms to write out a task, and most of a project's wait for somebody: they stay there.
    """
    if page_size < 1:
        raise ValueError(f"pages of {page_size} tasks; expected at least 1")
    operator, start = "greater_or_equal", since
    while True:
        asked = _touched(operator, start)
        page = _read(connection, project_id, asked, "or", order="updated_at", page_size=page_size)
        if start is not None and page.tasks and page.tasks[0].updated_at < start:
            raise AnswerUnreadable(
                "Label Studio answers with tasks from before the instant asked for: it does not know filters within "
                "filters, which came with version 1.23"
            )
        if page.is_last:
            yield from page.tasks
            return
        last = page.tasks[-1].updated_at
        if page.tasks[0].updated_at == last:
            # More tasks of one instant than a page: an action on many at once.
            yield from _of_instant(connection, project_id, last, page_size=page_size)
            operator, start = "greater", last
        else:
            yield from (task for task in page.tasks if task.updated_at < last)
            operator, start = "greater_or_equal", last


def copies_of(connection: Connection, project_id: int, uuids: Collection[UUID]) -> Mapping[UUID, tuple[TaskCopy, ...]]:
    """The tasks of our ids, the one to keep first; an id without a task is left out."""
    wanted = sorted(str(uuid) for uuid in uuids)
    found: dict[UUID, tuple[TaskCopy, ...]] = {}
    for first in range(0, len(wanted), UUIDS_A_REQUEST):
        chunk = wanted[first : first + UUIDS_A_REQUEST]
        asked = {"filter": f"filter:tasks:data.{TASK_UUID}", "operator": "in_list", "type": "List", "value": chunk}
        found |= _copies(connection, project_id, [asked])
    return {uuid: found[uuid] for uuid in uuids if uuid in found}


def copies_in_project(connection: Connection, project_id: int) -> Mapping[UUID, tuple[TaskCopy, ...]]:
    """Every task that has an id of ours."""
    return _copies(connection, project_id, [])


def _copies(connection: Connection, project_id: int, filters: list[_Filter]) -> dict[UUID, tuple[TaskCopy, ...]]:
    found: dict[UUID, list[TaskCopy]] = {}
    for page in _by_id(connection, project_id, filters, page_size=_COPIES_PAGE, fields="task_only"):
        for copy in page.copies:
            if copy.uuid is not None:
                found.setdefault(copy.uuid, []).append(copy)
    return {
        uuid: tuple(sorted(copies, key=lambda copy: (-copy.annotation_count, copy.id)))
        for uuid, copies in found.items()
    }


def _of_instant(connection: Connection, project_id: int, instant: datetime, *, page_size: int) -> Iterator[StudioTask]:
    at = _text(instant)
    same = {
        "filter": "filter:tasks:updated_at",
        "operator": "in",
        "type": "Datetime",
        "value": {"min": at, "max": at},
    }
    for page in _by_id(connection, project_id, [same], page_size=page_size, fields="all"):
        yield from page.tasks


def _touched(operator: str, since: datetime | None) -> list[_Filter]:
    """That somebody labelled or skipped a task, or once did: deleting an annotation notes who did it."""
    touched: list[_Filter] = [
        {"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0},
        {"filter": "filter:tasks:cancelled_annotations", "operator": "greater", "type": "Number", "value": 0},
        {"filter": "filter:tasks:updated_by", "operator": "empty", "type": "List", "value": False},
    ]
    if since is None:
        return touched
    return [each | {"child_filter": _changed(operator, since)} for each in touched]


def _by_id(
    connection: Connection, project_id: int, filters: list[_Filter], *, page_size: int, fields: str
) -> Iterator[TaskPage]:
    after: list[_Filter] = []
    while True:
        asked = filters + after
        page = _read(connection, project_id, asked, "and", order="id", page_size=page_size, fields=fields)
        yield page
        if page.is_last:
            return
        after = [
            {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": page.tasks[-1].id},
        ]


def _read(
    connection: Connection,
    project_id: int,
    filters: list[_Filter],
    conjunction: str,
    *,
    order: str,
    page_size: int,
    fields: str = "all",
) -> TaskPage:
    query: dict[str, Any] = {"ordering": [f"tasks:{order}"]}
    if filters:
        query["filters"] = {"conjunction": conjunction, "items": filters}
    params = {
        "project": project_id,
        "query": json.dumps(query),
        "page": 1,
        "page_size": page_size,
        "fields": fields,
        "resolve_uri": "false",
    }
    return answers.read_tasks(connection.get("api/tasks", params))


def _changed(operator: str, instant: datetime) -> _Filter:
    return {"filter": "filter:tasks:updated_at", "operator": operator, "type": "Datetime", "value": _text(instant)}


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
