"""Reading tasks: those that changed, and those that have our ids."""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lineside.datasets.labelling import answers
from lineside.datasets.labelling.config import TASK_UUID
from lineside.datasets.labelling.connection import Connection
from lineside.datasets.labelling.errors import ProjectGone
from lineside.datasets.labelling.records import StudioTask

UUIDS_A_REQUEST = 100
"""4.5 kB of address; proxies take 8."""

_TASK_PAGE = 1000


def updated_tasks(
    connection: Connection, project_id: int, since: datetime | None, *, page_size: int
) -> Iterator[StudioTask]:
    """Tasks that changed at or after `since`, by the instant of their change.

    Pages by number would skip tasks: one that changes meanwhile moves to the end and pulls the rest forward. So each
    request asks for the tasks from the last instant seen on, and further pages only of one instant.
    """
    start, page = since, 1
    seen_at_start: set[int] = set()
    while True:
        tasks = _page(connection, project_id, _changed(start), page=page, page_size=page_size, fields="all")
        for task in tasks:
            if task.updated_at != start or task.id not in seen_at_start:
                yield task
        if len(tasks) < page_size:
            return
        last = tasks[-1].updated_at
        if last == start:
            page += 1
            seen_at_start |= {task.id for task in tasks}
        else:
            start, page = last, 1
            seen_at_start = {task.id for task in tasks if task.updated_at == last}


def tasks_by_uuid(connection: Connection, project_id: int, uuids: Collection[UUID]) -> Mapping[UUID, tuple[int, ...]]:
    """Task ids of our ids, in rising order; an id without a task is left out."""
    wanted = sorted(str(uuid) for uuid in uuids)
    found: dict[UUID, tuple[int, ...]] = {}
    for first in range(0, len(wanted), UUIDS_A_REQUEST):
        chunk = wanted[first : first + UUIDS_A_REQUEST]
        asked = {"filter": f"filter:tasks:data.{TASK_UUID}", "operator": "in_list", "type": "List", "value": chunk}
        found |= _by_uuid(connection, project_id, [asked])
    return {uuid: found[uuid] for uuid in uuids if uuid in found}


def uuids_of_project(connection: Connection, project_id: int) -> Mapping[UUID, tuple[int, ...]]:
    """Our id -> task ids, of every task that has one."""
    return _by_uuid(connection, project_id, [])


def _by_uuid(connection: Connection, project_id: int, filters: list[Any]) -> dict[UUID, tuple[int, ...]]:
    found: dict[UUID, tuple[int, ...]] = {}
    page = 1
    while True:
        query = {"filters": {"conjunction": "and", "items": filters}, "ordering": ["tasks:id"]}
        tasks = _page(connection, project_id, query, page=page, page_size=_TASK_PAGE, fields="task_only")
        for task in tasks:
            if task.uuid is not None and task.id not in found.get(task.uuid, ()):
                found[task.uuid] = (*found.get(task.uuid, ()), task.id)
        if len(tasks) < _TASK_PAGE:
            return found
        page += 1


def _page(
    connection: Connection, project_id: int, query: dict[str, Any], *, page: int, page_size: int, fields: str
) -> list[StudioTask]:
    params = {
        "project": project_id,
        "query": json.dumps(query),
        "page": page,
        "page_size": page_size,
        "fields": fields,
        "resolve_uri": "false",
    }
    try:
        return answers.read_tasks(connection.get("api/tasks", params))
    except ProjectGone:
        if page == 1:
            raise
        return []  # a page past the end is answered 404, as a missing project is


def _changed(since: datetime | None) -> dict[str, Any]:
    ordering = ["tasks:updated_at"]
    if since is None:
        return {"ordering": ordering}
    value = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    changed = {
        "filter": "filter:tasks:updated_at",
        "operator": "greater_or_equal",
        "type": "Datetime",
        "value": value,
    }
    return {"filters": {"conjunction": "and", "items": [changed]}, "ordering": ordering}
