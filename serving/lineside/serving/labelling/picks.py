"""Picks in the ledger: an inspection is picked once a project, and its images are kept from then on."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, exists, insert, or_, select, update

from lineside.datasets.sampling import PickReason
from lineside.inspection.verdict import Verdict
from lineside.serving.errors import LabelPickUnfit, UnknownInspection, UnknownLabelPick
from lineside.serving.labelling.composing import label_of
from lineside.serving.labelling.facts import facts_by_id, inspection_rows
from lineside.serving.labelling.projects import project_row
from lineside.serving.labelling.schemas import (
    LabelPickChanged,
    PickIn,
    PickMade,
    PickOut,
    PickState,
    PickWithdrawalIn,
)
from lineside.serving.labelling.settling import settle, withdraw_review
from lineside.serving.labelling.task_rows import tasks_of
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.label_tables import label_picks
from lineside.serving.ledger.rate_tables import known_parts
from lineside.serving.ledger.tables import frames, inspections
from lineside.serving.reviews import ReviewRecorded

EVENT_TYPE: Final = "label_pick.v1"

NOT_FOR_AUDITS: Final = frozenset(
    {
        PickReason.NEAR_THRESHOLD,
        PickReason.DISAGREEMENT,
        PickReason.RARE_CLASS,
        PickReason.DIVERSITY,
        PickReason.NOVELTY,
    }
)
"""Reasons that look at the part. An audit draw that is read because of its score no longer estimates escapes."""


def make(
    transaction: Transaction,
    project: str,
    items: Sequence[PickIn],
    *,
    seed: int,
    picked_by: str,
    stored_digests: Collection[str],
) -> list[PickMade]:
    """Pick inspections; those that are picked for the project already stay as they are.

    Args:
        transaction: where.
        project: for which.
        items: the inspections, each once.
        seed: of the queue that chose them.
        picked_by: who ran it.
        stored_digests: of the inspections' images, those that are in the image store.

    Raises:
        UnknownLabelProject: there is none of that name.
        UnknownInspection, LabelPickUnfit: nothing is picked then.
    """
    connection, plant = transaction.connection, transaction.plant
    project_row(connection, plant, project)
    wanted = [item.inspection_id for item in items]
    rows = _checked(connection, plant, items)
    known: dict[str, str] = {
        row.inspection_id: row.id
        for row in connection.execute(
            select(label_picks.c.id, label_picks.c.inspection_id).where(
                label_picks.c.plant == plant,
                label_picks.c.project == project,
                label_picks.c.inspection_id.in_(wanted),
            )
        )
    }
    now = transaction.now()
    new = [
        {
            "id": transaction.new_id(),
            "plant": plant,
            "project": project,
            "inspection_id": item.inspection_id,
            "reason": item.reason.value,
            "probability": _probability(item, rows[item.inspection_id]),
            "score": item.score,
            "seed": seed,
            "picked_at": now,
            "picked_by": picked_by,
            "state": PickState.WAITING.value,
            "change": 0,
        }
        for item in items
        if item.inspection_id not in known
    ]
    if new:
        connection.execute(insert(label_picks), new)
        connection.execute(
            update(frames)
            .where(
                frames.c.inspection_id.in_([each["inspection_id"] for each in new]),
                frames.c.digest.in_(stored_digests),
                ~frames.c.kept,
            )
            .values(kept=True)
        )
    made: dict[str, str] = {}
    for each in new:
        made[str(each["inspection_id"])] = str(each["id"])
        _append_event(transaction, each, rows[str(each["inspection_id"])], change="picked", by=picked_by)
    return [PickMade(id=made.get(name) or known[name], inspection_id=name, is_new=name in made) for name in wanted]


def withdraw(transaction: Transaction, pick_id: str, given: PickWithdrawalIn) -> tuple[str, ReviewRecorded | None]:
    """Take a pick back, with the review that its label was; once more changes nothing.

    Returns:
        The project of the pick, and the review that took another one back.

    Raises:
        UnknownLabelPick: there is none.
    """
    connection, plant = transaction.connection, transaction.plant
    row = _pick_row(connection, plant, pick_id)
    if row.withdrawn_at is not None:
        return row.project, None
    review = withdraw_review(transaction, pick_id, reason=given.reason, recorded_by=given.by)
    connection.execute(
        update(label_picks)
        .where(label_picks.c.id == pick_id)
        .values(withdrawn_at=transaction.now(), withdrawn_by=given.by, withdrawn_reason=given.reason, review_id=None)
    )
    settle(transaction, row.project, [pick_id], relabelled=(), recorded_by=given.by)
    inspection = inspection_rows(connection, [row.inspection_id])[row.inspection_id]
    _append_event(
        transaction, dict(row._mapping), inspection, change="withdrawn", by=given.by, withdrawal_reason=given.reason
    )
    return row.project, review


def get(connection: Connection, plant: str, pick_id: str) -> PickOut:
    """One pick.

    Raises:
        UnknownLabelPick: there is none.
    """
    return _records(connection, [_pick_row(connection, plant, pick_id)])[0]


def read_page(
    connection: Connection,
    plant: str,
    project: str,
    *,
    state: PickState | None,
    after_id: str | None,
    limit: int,
) -> tuple[tuple[PickOut, ...], str | None]:
    """Picks in the order in which they were made, and the last one if there are more.

    Args:
        connection: where to read.
        plant: the plant.
        project: for which.
        state: only those in this state.
        after_id: the last one of the page before.
        limit: how many.
    """
    query = select(label_picks).where(label_picks.c.plant == plant, label_picks.c.project == project)
    if state is not None:
        query = query.where(label_picks.c.state == state.value)
    if after_id is not None:
        query = query.where(label_picks.c.id > after_id)
    rows = connection.execute(query.order_by(label_picks.c.id).limit(limit + 1)).all()
    page = _records(connection, rows[:limit])
    return tuple(page), page[-1].id if len(rows) > limit else None


def read_changed(
    connection: Connection, plant: str, project: str, *, after: tuple[int, str], limit: int
) -> tuple[tuple[PickOut, ...], tuple[int, str] | None]:
    """Picks whose label changed, in the order of their last change, and the last one if there are more.

    Args:
        connection: where to read.
        plant: the plant.
        project: for which.
        after: change and id of the last one that is known.
        limit: how many.
    """
    change, pick_id = after
    column = label_picks.c
    rows = connection.execute(
        select(label_picks)
        .where(
            column.plant == plant,
            column.project == project,
            or_(column.change > change, and_(column.change == change, column.id > pick_id)),
        )
        .order_by(column.change, column.id)
        .limit(limit + 1)
    ).all()
    page = _records(connection, rows[:limit])
    return tuple(page), (page[-1].change, page[-1].id) if len(rows) > limit else None


def _checked(connection: Connection, plant: str, items: Sequence[PickIn]) -> Mapping[str, Row[Any]]:
    """The inspections, by id; refuse those that may not be picked."""
    wanted = [item.inspection_id for item in items]
    rows = {name: row for name, row in inspection_rows(connection, wanted).items() if row.plant == plant}
    known = _known_parts(connection, plant, wanted)
    for item in items:
        row = rows.get(item.inspection_id)
        if row is None:
            raise UnknownInspection(f"no inspection {item.inspection_id!r} in plant {plant!r}; nothing was picked")
        if row.verdict not in {Verdict.OK.value, Verdict.NG.value}:
            raise LabelPickUnfit(
                f"inspection {row.id} is {row.verdict or 'still open'}; only OK and NG are labelled. Nothing was picked"
            )
        if row.id in known:
            raise LabelPickUnfit(
                f"part {row.part_id!r} of inspection {row.id} is a known part: its truth is known. Nothing was picked"
            )
        if item.reason is PickReason.AUDIT and not row.audit:
            raise LabelPickUnfit(
                f"inspection {row.id} was not drawn by the audit; give the reason that it is picked for. Nothing was "
                "picked"
            )
        if row.audit and item.reason in NOT_FOR_AUDITS:
            raise LabelPickUnfit(
                f"inspection {row.id} is an audit draw and may not be chosen for its score ({item.reason.value}): pick "
                "it as 'audit', or leave it to chance. Nothing was picked"
            )
    return rows


def _known_parts(connection: Connection, plant: str, inspection_ids: Sequence[str]) -> set[str]:
    is_known = exists().where(
        known_parts.c.plant == plant,
        known_parts.c.part_id == inspections.c.part_id,
        or_(known_parts.c.valid_until.is_(None), inspections.c.opened_at < known_parts.c.valid_until),
    )
    return set(
        connection.execute(select(inspections.c.id).where(inspections.c.id.in_(inspection_ids), is_known)).scalars()
    )


def _probability(item: PickIn, inspection: Row[Any]) -> float | None:
    if item.probability is None and item.reason is PickReason.AUDIT:
        drawn: float | None = inspection.audit_probability
        return drawn
    return item.probability


def _pick_row(connection: Connection, plant: str, pick_id: str) -> Row[Any]:
    row = connection.execute(
        select(label_picks).where(label_picks.c.plant == plant, label_picks.c.id == pick_id)
    ).one_or_none()
    if row is None:
        raise UnknownLabelPick(f"no pick {pick_id!r}; GET /v1/label-picks lists them")
    return row


def _records(connection: Connection, rows: Sequence[Row[Any]]) -> list[PickOut]:
    facts = facts_by_id(connection, [row.inspection_id for row in rows])
    tasks = tasks_of(connection, [row.id for row in rows])
    return [
        PickOut(
            **dict(facts[row.inspection_id]),
            id=row.id,
            project=row.project,
            reason=PickReason(row.reason),
            probability=row.probability,
            score=row.score,
            seed=row.seed,
            picked_at=row.picked_at,
            picked_by=row.picked_by,
            state=PickState(row.state),
            change=row.change,
            review_id=row.review_id,
            label=label_of(tasks.get(row.id, ())) if row.state == PickState.LABELLED.value else None,
            tasks=tuple(tasks.get(row.id, ())),
        )
        for row in rows
    ]


def _append_event(
    transaction: Transaction,
    pick: Mapping[str, Any],
    inspection: Row[Any],
    *,
    change: Any,
    by: str,
    withdrawal_reason: str | None = None,
) -> None:
    data = LabelPickChanged(
        change=change,
        id=pick["id"],
        project=pick["project"],
        inspection_id=inspection.id,
        station=inspection.station,
        part_id=inspection.part_id,
        reason=PickReason(pick["reason"]),
        probability=pick["probability"],
        score=pick["score"],
        seed=pick["seed"],
        changed_by=by,
        withdrawal_reason=withdrawal_reason,
    )
    transaction.append_event(
        EVENT_TYPE, station=inspection.station, occurred_at=transaction.now(), data=data.model_dump(mode="json")
    )
