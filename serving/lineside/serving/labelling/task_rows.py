"""Label tasks in the ledger: made, pushed, and as records."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, exists, insert, select, update

from lineside.inspection.drawn_boxes import covers_frame
from lineside.inspection.tiling import Tile
from lineside.serving.errors import LabelTasksUnfit, UnknownLabelPick
from lineside.serving.labelling.schemas import PickState
from lineside.serving.labelling.task_schemas import LabelTaskIn, LabelTaskOut, PushedTask
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_attention, label_picks, label_tasks
from lineside.serving.ledger.tables import frames

_UNREAD: Final[Mapping[str, Any]] = {
    "label_studio_task_id": None,
    "pushed_at": None,
    "updated_at": None,
    "annotations": [],
    "attention": [],
}
"""A task that Label Studio does not have."""


def make(transaction: Transaction, project: str, items: Sequence[LabelTaskIn]) -> None:
    """Make the tasks of some picks; the same again changes nothing.

    Tasks of another tiling take the place of those that nothing was pushed of.

    Args:
        transaction: where.
        project: of the picks.
        items: all tasks of each pick that is named.

    Raises:
        UnknownLabelPick: a pick is none of this project.
        LabelTasksUnfit: the tasks do not show every view whole, or others were pushed.
    """
    connection = transaction.connection
    wanted: dict[str, list[LabelTaskIn]] = {}
    for item in items:
        wanted.setdefault(item.pick_id, []).append(item)
    inspections_of = _inspections_of(connection, transaction.plant, project, list(wanted))
    views = _views_of(connection, list(inspections_of.values()))
    standing = tasks_of(connection, list(wanted))
    gone: list[str] = []
    new: list[LabelTaskIn] = []
    for pick_id, tasks in wanted.items():
        known = standing.get(pick_id, [])
        if {task.id for task in known} == {task.id for task in tasks}:
            continue
        if any(task.label_studio_task_id is not None for task in known):
            raise LabelTasksUnfit(
                f"pick {pick_id} was pushed as {len(known)} tasks and these are others; keep the tile size it was "
                "pushed with, or withdraw the pick"
            )
        _check_shows_all(pick_id, tasks, views[inspections_of[pick_id]])
        gone += [task.id for task in known]
        new += tasks
    if gone:
        connection.execute(delete(label_tasks).where(label_tasks.c.id.in_(gone)))
    if new:
        now = transaction.now()
        connection.execute(
            insert(label_tasks),
            [
                {
                    "id": task.id,
                    "plant": transaction.plant,
                    "project": project,
                    "pick_id": task.pick_id,
                    "view": task.view,
                    "tile_xyxy_px": None if task.tile_xyxy_px is None else list(task.tile_xyxy_px),
                    "frame_width_px": task.frame_size_wh_px[0],
                    "frame_height_px": task.frame_size_wh_px[1],
                    "planned_at": now,
                    **_UNREAD,
                    "reading": None,
                    "minutes": 0.0,
                }
                for task in new
            ],
        )


def mark_pushed(transaction: Transaction, project: str, items: Sequence[PushedTask]) -> list[str]:
    """Write down which tasks Label Studio has; gives the picks that it changes something of.

    A task that is gone there is forgotten, unless somebody has read it: what he said stays.

    Raises:
        LabelTasksUnfit: one was never made.
    """
    known = tasks_by_id(transaction.connection, transaction.plant, project, [item.id for item in items])
    missing = [item.id for item in items if item.id not in known]
    if missing:
        raise LabelTasksUnfit(
            f"{len(missing)} tasks were never made, {missing[0]} first: POST /v1/label-tasks makes them"
        )
    now = transaction.now()
    gone = [item.id for item in items if item.label_studio_task_id is None and known[item.id].reading is None]
    gone = [task_id for task_id in gone if known[task_id].label_studio_task_id is not None]
    there: list[dict[str, Any]] = [
        {"of_task": item.id, "number": item.label_studio_task_id, "at": now}
        for item in items
        if item.label_studio_task_id is not None and known[item.id].label_studio_task_id != item.label_studio_task_id
    ]
    if gone:
        transaction.connection.execute(update(label_tasks).where(label_tasks.c.id.in_(gone)).values(**_UNREAD))
    if there:
        transaction.connection.execute(
            update(label_tasks)
            .where(label_tasks.c.id == bindparam("of_task"))
            .values(label_studio_task_id=bindparam("number"), pushed_at=bindparam("at")),
            there,
        )
    return list({known[task_id].pick_id: None for task_id in (*gone, *(each["of_task"] for each in there))})


def forget_unread(transaction: Transaction, project: str) -> None:
    """Have every task that nobody has read pushed anew: the Label Studio project is another one now."""
    connection, plant = transaction.connection, transaction.plant
    is_unread = (label_tasks.c.plant == plant, label_tasks.c.project == project, label_tasks.c.reading.is_(None))
    connection.execute(
        update(label_attention)
        .where(
            label_attention.c.plant == plant,
            label_attention.c.project == project,
            label_attention.c.settled_at.is_(None),
            label_attention.c.task_id.in_(select(label_tasks.c.id).where(*is_unread)),
        )
        .values(
            settled_at=transaction.now(), settled_by="lineside", settled_note="the task is pushed into another project"
        )
    )
    connection.execute(update(label_tasks).where(*is_unread).values(**_UNREAD))
    has_open = exists().where(label_attention.c.pick_id == label_picks.c.id, label_attention.c.settled_at.is_(None))
    connection.execute(
        update(label_picks)
        .where(
            label_picks.c.plant == plant,
            label_picks.c.project == project,
            label_picks.c.state.in_((PickState.PUSHED.value, PickState.ATTENTION.value)),
            ~has_open,
        )
        .values(state=PickState.WAITING.value)
    )


def read_page(
    connection: Connection, plant: str, project: str, *, is_pushed: bool | None, after_id: str | None, limit: int
) -> list[LabelTaskOut]:
    """Tasks by identifier, up to `limit`.

    Args:
        connection: where to read.
        plant: the plant.
        project: whose.
        is_pushed: only those that Label Studio has, or has not; None for all.
        after_id: the last one of the page before.
        limit: how many.
    """
    query = select(label_tasks).where(label_tasks.c.plant == plant, label_tasks.c.project == project)
    if is_pushed is not None:
        query = query.where(label_tasks.c.label_studio_task_id.is_not(None) == is_pushed)
    if is_pushed is False:
        is_withdrawn = exists().where(
            label_picks.c.id == label_tasks.c.pick_id, label_picks.c.state == PickState.WITHDRAWN.value
        )
        query = query.where(~is_withdrawn)
    if after_id is not None:
        query = query.where(label_tasks.c.id > after_id)
    return [record(row) for row in connection.execute(query.order_by(label_tasks.c.id).limit(limit))]


def tasks_by_id(connection: Connection, plant: str, project: str, task_ids: Sequence[str]) -> dict[str, LabelTaskOut]:
    """Some tasks of a project, by identifier; those that are none of it are left out."""
    rows = connection.execute(
        select(label_tasks).where(
            label_tasks.c.plant == plant, label_tasks.c.project == project, label_tasks.c.id.in_(task_ids)
        )
    )
    return {row.id: record(row) for row in rows}


def tasks_of(connection: Connection, pick_ids: Sequence[str]) -> Mapping[str, list[LabelTaskOut]]:
    """The tasks of some picks, by pick."""
    found: dict[str, list[LabelTaskOut]] = {}
    rows = connection.execute(select(label_tasks).where(label_tasks.c.pick_id.in_(pick_ids)).order_by(label_tasks.c.id))
    for row in rows:
        found.setdefault(row.pick_id, []).append(record(row))
    return found


def record(row: Row[Any]) -> LabelTaskOut:
    """A row as a record."""
    return LabelTaskOut.model_validate(
        {
            "id": row.id,
            "pick_id": row.pick_id,
            "view": row.view,
            "tile_xyxy_px": row.tile_xyxy_px,
            "frame_size_wh_px": (row.frame_width_px, row.frame_height_px),
            "label_studio_task_id": row.label_studio_task_id,
            "pushed_at": row.pushed_at,
            "updated_at": row.updated_at,
            "annotations": row.annotations,
            "reading": row.reading,
            "attention": row.attention,
            "minutes": row.minutes,
        }
    )


def _inspections_of(connection: Connection, plant: str, project: str, pick_ids: Sequence[str]) -> Mapping[str, str]:
    """The inspections of some picks, by pick."""
    rows = connection.execute(
        select(label_picks.c.id, label_picks.c.inspection_id).where(
            label_picks.c.plant == plant, label_picks.c.project == project, label_picks.c.id.in_(pick_ids)
        )
    )
    picks: dict[str, str] = {row.id: row.inspection_id for row in rows}
    for pick_id in pick_ids:
        if pick_id not in picks:
            raise UnknownLabelPick(f"no pick {pick_id!r} in project {project!r}; GET /v1/label-picks lists them")
    return picks


def _views_of(connection: Connection, inspection_ids: Sequence[str]) -> Mapping[str, set[str]]:
    views: dict[str, set[str]] = {}
    rows = connection.execute(
        select(frames.c.inspection_id, frames.c.view).where(frames.c.inspection_id.in_(inspection_ids))
    )
    for row in rows:
        views.setdefault(row.inspection_id, set()).add(row.view)
    return views


def _check_shows_all(pick_id: str, tasks: Sequence[LabelTaskIn], views: set[str]) -> None:
    """Refuse tasks that leave something unseen: a part on which people find nothing would pass for good."""
    shown = {task.view for task in tasks}
    if shown != views:
        raise LabelTasksUnfit(
            f"the tasks of pick {pick_id} show {', '.join(sorted(shown))}; its inspection has "
            f"{', '.join(sorted(views))}"
        )
    for view in views:
        of_view = [task for task in tasks if task.view == view]
        sizes = {task.frame_size_wh_px for task in of_view}
        if len(sizes) > 1:
            raise LabelTasksUnfit(f"the tasks of pick {pick_id} give view {view!r} {len(sizes)} sizes; it has one")
        size = sizes.pop()
        tiles = [Tile(*(task.tile_xyxy_px or (0, 0, *size))) for task in of_view]
        if not covers_frame(tiles, size):
            raise LabelTasksUnfit(f"the tiles of pick {pick_id} leave a part of view {view!r} unseen")
