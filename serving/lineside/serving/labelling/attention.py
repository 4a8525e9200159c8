"""What needs a person, in the ledger: raised once, settled by a person or by what happens in Label Studio."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update

from lineside.serving.errors import LabelAttentionSettled, UnknownLabelAttention
from lineside.serving.labelling.schemas import AttentionIn, AttentionOut, SettlementIn
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_attention, label_picks, label_tasks

EVENT_TYPE: Final = "label_attention.v1"
OURSELVES: Final = "lineside"
"""Who settles what no longer is."""

_SUBJECT: Final = ("inspection_id", "pick_id", "task_id", "label_studio_task_id")


def raise_all(
    transaction: Transaction, project: str, items: Sequence[AttentionIn], *, raised_by: str
) -> list[AttentionOut]:
    """Put things on the list, each with its event; what is there already is not put there twice.

    Args:
        transaction: where.
        project: whose list.
        items: what needs a person; the pick and the inspection of a task are looked up.
        raised_by: who says so.

    Returns:
        The entries, in the order of `items`.
    """
    if not items:
        return []
    items = _with_subjects(transaction.connection, items)
    known = {_key(entry): entry for entry in _alike(transaction.connection, transaction.plant, project, items)}
    now = transaction.now()
    new: list[AttentionOut] = []
    entries = []
    for item in items:
        entry = known.get(_key(item))
        if entry is None:
            entry = AttentionOut(
                id=transaction.new_id(),
                project=project,
                **item.model_dump(),
                raised_at=now,
                raised_by=raised_by,
                settled_at=None,
                settled_by=None,
                settled_note=None,
            )
            known[_key(item)] = entry
            new.append(entry)
        entries.append(entry)
    if new:
        transaction.connection.execute(
            insert(label_attention), [{**entry.model_dump(), "plant": transaction.plant} for entry in new]
        )
    for entry in new:
        _append_event(transaction, entry)
    return entries


def settle_one(transaction: Transaction, attention_id: str, given: SettlementIn) -> AttentionOut:
    """Take an entry off the list.

    Raises:
        UnknownLabelAttention: there is none.
        LabelAttentionSettled: somebody else settled it before, or in other words.
    """
    row = transaction.connection.execute(
        select(label_attention).where(
            label_attention.c.plant == transaction.plant, label_attention.c.id == attention_id
        )
    ).one_or_none()
    if row is None:
        raise UnknownLabelAttention(f"nothing {attention_id!r} is on the list; GET /v1/label-attention shows it")
    entry = _out(row)
    if (entry.settled_by, entry.settled_note) == (given.by, given.note):
        return entry
    if entry.settled_at is not None:
        raise LabelAttentionSettled(
            f"{entry.settled_by} settled {attention_id} at {entry.settled_at:%Y-%m-%d %H:%M} UTC: {entry.settled_note}"
        )
    return _settle(transaction, [entry], by=given.by, note=given.note)[0]


def settle_gone(transaction: Transaction, project: str, gone: Iterable[tuple[str, str, str]]) -> None:
    """Take off the list what is no longer so.

    Args:
        transaction: where.
        project: whose list.
        gone: task, code and message of each.
    """
    wanted = set(gone)
    if not wanted:
        return
    rows = transaction.connection.execute(
        select(label_attention).where(
            label_attention.c.plant == transaction.plant,
            label_attention.c.project == project,
            label_attention.c.settled_at.is_(None),
            label_attention.c.task_id.in_({task_id for task_id, _, _ in wanted}),
        )
    )
    entries = [_out(row) for row in rows if (row.task_id, row.code, row.message) in wanted]
    _settle(transaction, entries, by=OURSELVES, note="it is no longer so in Label Studio")


def open_picks(connection: Connection, pick_ids: Sequence[str]) -> set[str]:
    """Those of some picks about which something on the list needs a person."""
    rows = connection.execute(
        select(label_attention.c.pick_id).where(
            label_attention.c.pick_id.in_(pick_ids), label_attention.c.settled_at.is_(None)
        )
    )
    return set(rows.scalars())


def read_page(
    connection: Connection,
    plant: str,
    project: str | None,
    *,
    is_settled: bool | None,
    after_id: str | None,
    limit: int,
) -> list[AttentionOut]:
    """Entries of the list, oldest first, up to `limit`.

    Args:
        connection: where to read.
        plant: the plant.
        project: of one project; None for all.
        is_settled: only settled or open ones; None for both.
        after_id: the last one of the page before.
        limit: how many.
    """
    query = select(label_attention).where(label_attention.c.plant == plant)
    if project is not None:
        query = query.where(label_attention.c.project == project)
    if is_settled is not None:
        settled_at = label_attention.c.settled_at
        query = query.where(settled_at.is_not(None) if is_settled else settled_at.is_(None))
    if after_id is not None:
        query = query.where(label_attention.c.id > after_id)
    return [_out(row) for row in connection.execute(query.order_by(label_attention.c.id).limit(limit))]


def _settle(transaction: Transaction, entries: Sequence[AttentionOut], *, by: str, note: str) -> list[AttentionOut]:
    if not entries:
        return []
    now = transaction.now()
    transaction.connection.execute(
        update(label_attention)
        .where(label_attention.c.id == bindparam("of_entry"))
        .values(settled_at=now, settled_by=by, settled_note=note),
        [{"of_entry": entry.id} for entry in entries],
    )
    settled = [
        entry.model_copy(update={"settled_at": now, "settled_by": by, "settled_note": note}) for entry in entries
    ]
    for entry in settled:
        _append_event(transaction, entry)
    return settled


def _with_subjects(connection: Connection, items: Sequence[AttentionIn]) -> list[AttentionIn]:
    """The same, with the pick of each task and the inspection of each pick."""
    task_ids = {item.task_id for item in items if item.task_id is not None and item.pick_id is None}
    picks_of = {}
    if task_ids:
        rows = connection.execute(select(label_tasks.c.id, label_tasks.c.pick_id).where(label_tasks.c.id.in_(task_ids)))
        picks_of = {row.id: row.pick_id for row in rows}
    filled = [item.model_copy(update={"pick_id": item.pick_id or picks_of.get(item.task_id or "")}) for item in items]
    pick_ids = {item.pick_id for item in filled if item.pick_id is not None and item.inspection_id is None}
    inspections_of = {}
    if pick_ids:
        rows = connection.execute(
            select(label_picks.c.id, label_picks.c.inspection_id).where(label_picks.c.id.in_(pick_ids))
        )
        inspections_of = {row.id: row.inspection_id for row in rows}
    return [
        item.model_copy(update={"inspection_id": item.inspection_id or inspections_of.get(item.pick_id or "")})
        for item in filled
    ]


def _alike(connection: Connection, plant: str, project: str, items: Sequence[AttentionIn]) -> list[AttentionOut]:
    """What is on the list and may be one of the items."""
    occurrences = {item.occurrence for item in items if item.occurrence is not None}
    column = label_attention.c
    is_of_a_task = column.task_id.in_({item.task_id for item in items if item.task_id is not None})
    picks = {item.pick_id for item in items if item.task_id is None}
    is_of_a_pick = and_(column.task_id.is_(None), or_(column.pick_id.is_(None), column.pick_id.in_(picks - {None})))
    is_open = column.settled_at.is_(None)
    is_again = or_(is_open, and_(column.occurrence.is_not(None), column.occurrence.in_(occurrences)))
    rows = connection.execute(
        select(label_attention)
        .where(
            column.plant == plant,
            column.project == project,
            column.code.in_({item.code for item in items}),
            or_(is_of_a_task, is_of_a_pick),
            is_again if occurrences else is_open,
        )
        .order_by(column.id)
    )
    return [_out(row) for row in rows]


def _key(item: AttentionIn | AttentionOut) -> tuple[Any, ...]:
    # What happens once is told by its occurrence; the words for it may change.
    said = item.message if item.occurrence is None else None
    return item.code, said, item.occurrence, *(getattr(item, name) for name in _SUBJECT)


def _append_event(transaction: Transaction, entry: AttentionOut) -> None:
    transaction.append_event(
        EVENT_TYPE,
        station=None,
        occurred_at=entry.settled_at or entry.raised_at,
        data=entry.model_dump(mode="json"),
    )


def _out(row: Row[Any]) -> AttentionOut:
    return AttentionOut(**{name: getattr(row, name) for name in AttentionOut.model_fields})
