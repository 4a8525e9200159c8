"""Labelling projects and their leases in the ledger."""

import math
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from lineside.serving.errors import LabelLeaseHeld, UnknownLabelProject
from lineside.serving.labelling.project_schemas import (
    CatalogueRef,
    LabelCounts,
    LabelProjectIn,
    LabelProjectOut,
    LeaseIn,
    LeaseOut,
    LeasePurpose,
    WebhookRef,
)
from lineside.serving.labelling.schemas import PickState
from lineside.serving.labelling.task_rows import forget_unread
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_attention, label_picks, label_projects, label_tasks

_NEVER_BACK = ("pulled_at", "hinted_at")


def put(transaction: Transaction, name: str, given: LabelProjectIn, *, changed_by: str) -> LabelProjectOut:
    """Make a project, or change what the request names of it; the same again changes nothing."""
    connection, plant = transaction.connection, transaction.plant
    row = _find(connection, plant, name)
    now = transaction.now()
    if row is None:
        connection.execute(
            insert(label_projects),
            {
                "plant": plant,
                "name": name,
                "classes": [],
                "revision_change": 0,
                "change": 0,
                "created_at": now,
                "created_by": changed_by,
                "updated_at": now,
            },
        )
        row = project_row(connection, plant, name)
    changed = _changed(row, given)
    if changed:
        connection.execute(
            update(label_projects)
            .where(label_projects.c.plant == plant, label_projects.c.name == name)
            .values(**changed, updated_at=now)
        )
        if "label_studio_project_id" in changed and row.label_studio_project_id is not None:
            forget_unread(transaction, name)
    return get(connection, plant, name, now=now)


def get(connection: Connection, plant: str, name: str, *, now: datetime) -> LabelProjectOut:
    """One project.

    Raises:
        UnknownLabelProject: there is none.
    """
    return _out(connection, project_row(connection, plant, name), now)


def read_all(connection: Connection, plant: str, *, now: datetime) -> tuple[LabelProjectOut, ...]:
    """Every project, by name."""
    rows = connection.execute(
        select(label_projects).where(label_projects.c.plant == plant).order_by(label_projects.c.name)
    )
    return tuple(_out(connection, row, now) for row in rows.all())


def project_row(connection: Connection, plant: str, name: str) -> Row[Any]:
    """The row of a project.

    Raises:
        UnknownLabelProject: there is none.
    """
    row = _find(connection, plant, name)
    if row is None:
        raise UnknownLabelProject(
            f"no labelling project {name!r}; `lineside labels push` makes it, or PUT /v1/label-projects/{name}"
        )
    return row


def next_change(transaction: Transaction, name: str) -> int:
    """Count one more change of a project's labels."""
    found: int = transaction.connection.execute(
        update(label_projects)
        .where(label_projects.c.plant == transaction.plant, label_projects.c.name == name)
        .values(change=label_projects.c.change + 1)
        .returning(label_projects.c.change)
    ).scalar_one()
    return found


def hint(transaction: Transaction, *, label_studio_project_id: int) -> tuple[str, ...]:
    """Write down that something may have changed in a Label Studio project; gives the names of ours that it is."""
    rows = transaction.connection.execute(
        update(label_projects)
        .where(
            label_projects.c.plant == transaction.plant,
            label_projects.c.label_studio_project_id == label_studio_project_id,
        )
        .values(hinted_at=transaction.now())
        .returning(label_projects.c.name)
    )
    return tuple(sorted(rows.scalars()))


def take_lease(transaction: Transaction, name: str, wanted: LeaseIn) -> LeaseOut:
    """Let one holder work on a project for a while; he renews it in the same way.

    Raises:
        UnknownLabelProject: there is none.
        LabelLeaseHeld: somebody else works on it.
    """
    row = project_row(transaction.connection, transaction.plant, name)
    now = transaction.now()
    held = _lease(row, now)
    if held is not None and held.holder != wanted.holder:
        raise LabelLeaseHeld(
            f"{held.holder} works on labelling project {name!r} ({held.purpose.value}) until "
            f"{held.until:%Y-%m-%d %H:%M:%S} UTC; wait, or end that one and let its time run out",
            retry_after_s=max(1, math.ceil((held.until - now).total_seconds())),
        )
    lease = LeaseOut(holder=wanted.holder, purpose=wanted.purpose, until=now + timedelta(seconds=wanted.seconds))
    _write_lease(transaction, name, lease)
    return lease


def end_lease(transaction: Transaction, name: str, *, holder: str) -> None:
    """Let a project go; harmless where somebody else holds it, or nobody does.

    Raises:
        UnknownLabelProject: there is none.
    """
    row = project_row(transaction.connection, transaction.plant, name)
    if row.lease_holder == holder:
        _write_lease(transaction, name, None)


def _write_lease(transaction: Transaction, name: str, lease: LeaseOut | None) -> None:
    transaction.connection.execute(
        update(label_projects)
        .where(label_projects.c.plant == transaction.plant, label_projects.c.name == name)
        .values(
            lease_holder=None if lease is None else lease.holder,
            lease_purpose=None if lease is None else lease.purpose.value,
            lease_until=None if lease is None else lease.until,
        )
    )


def _find(connection: Connection, plant: str, name: str) -> Row[Any] | None:
    return connection.execute(
        select(label_projects).where(label_projects.c.plant == plant, label_projects.c.name == name)
    ).one_or_none()


def _changed(row: Row[Any], given: LabelProjectIn) -> dict[str, Any]:
    """The columns that a request changes."""
    named = given.model_fields_set
    wanted: dict[str, Any] = {
        field: getattr(given, field) for field in ("label_studio_url", "label_studio_project_id", "revision")
    }
    wanted["classes"] = list(given.classes)
    wanted["webhook"] = None if given.webhook is None else given.webhook.model_dump(mode="json")
    wanted["revision_change"] = min(given.revision_change, row.change)
    wanted = {name: value for name, value in wanted.items() if name in named}
    if "catalogue" in named:
        wanted["catalogue_id"] = None if given.catalogue is None else given.catalogue.id
        wanted["catalogue_version"] = None if given.catalogue is None else given.catalogue.version
    for name in _NEVER_BACK:
        wanted[name] = _later(getattr(row, name), getattr(given, name))
    is_other_project = wanted.get("label_studio_project_id", row.label_studio_project_id) != row.label_studio_project_id
    wanted["cursor"] = given.cursor if is_other_project else _later(row.cursor, given.cursor)
    return {name: value for name, value in wanted.items() if value != getattr(row, name)}


def _later(known: datetime | None, given: datetime | None) -> datetime | None:
    if known is None or given is None:
        return known or given
    return max(known, given)


def _lease(row: Row[Any], now: datetime) -> LeaseOut | None:
    if row.lease_until is None or row.lease_until <= now:
        return None
    return LeaseOut(holder=row.lease_holder, purpose=LeasePurpose(row.lease_purpose), until=row.lease_until)


def _out(connection: Connection, row: Row[Any], now: datetime) -> LabelProjectOut:
    is_of_project = (label_picks.c.plant == row.plant, label_picks.c.project == row.name)
    states: dict[str, int] = {
        found.state: found.number
        for found in connection.execute(
            select(label_picks.c.state, func.count().label("number"))
            .where(*is_of_project)
            .group_by(label_picks.c.state)
        )
    }
    open_attention = connection.execute(
        select(func.count()).where(
            label_attention.c.plant == row.plant,
            label_attention.c.project == row.name,
            label_attention.c.settled_at.is_(None),
        )
    ).scalar_one()
    tasks = connection.execute(
        select(
            func.coalesce(func.sum(label_tasks.c.minutes), 0.0).label("minutes"),
            func.count(label_tasks.c.label_studio_task_id).label("pushed"),
        ).where(label_tasks.c.plant == row.plant, label_tasks.c.project == row.name)
    ).one()
    catalogue = None
    if row.catalogue_id is not None:
        catalogue = CatalogueRef(id=row.catalogue_id, version=row.catalogue_version)
    return LabelProjectOut(
        name=row.name,
        label_studio_url=row.label_studio_url,
        label_studio_project_id=row.label_studio_project_id,
        catalogue=catalogue,
        classes=tuple(row.classes),
        revision=row.revision,
        revision_change=row.revision_change,
        change=row.change,
        cursor=row.cursor,
        pulled_at=row.pulled_at,
        hinted_at=row.hinted_at,
        webhook=None if row.webhook is None else WebhookRef.model_validate(row.webhook),
        lease=_lease(row, now),
        counts=LabelCounts(
            **{state.value: states.get(state.value, 0) for state in PickState},
            open_attention=open_attention,
            pushed_tasks=tasks.pushed,
        ),
        minutes=round(tasks.minutes, 3),
        created_at=row.created_at,
        created_by=row.created_by,
    )
