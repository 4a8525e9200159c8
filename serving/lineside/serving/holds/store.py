"""Reading and writing holds in the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from lineside.serving.errors import HoldReleased, UnknownHold
from lineside.serving.holds.schemas import HoldChanged, HoldOut, HoldState
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.context_tables import holds

EVENT_TYPE: Final = "hold.v1"


def hold(
    transaction: Transaction,
    *,
    station: str | None,
    lot: str | None,
    reason: str,
    by: str,
    evidence: Sequence[Mapping[str, Any]],
) -> HoldOut:
    """Hold parts back; while they are, another reason changes nothing and the standing hold is given back."""
    standing = open_hold(transaction.connection, transaction.plant, station=station, lot=lot)
    if standing is not None:
        return standing
    hold_id, now = transaction.new_id(), transaction.now()
    transaction.connection.execute(
        insert(holds).values(
            id=hold_id,
            plant=transaction.plant,
            station=station,
            lot=lot,
            state=HoldState.HELD.value,
            reason=reason,
            evidence=[dict(each) for each in evidence],
            by=by,
            at=now,
        )
    )
    held = find(transaction.connection, transaction.plant, hold_id)
    _append_event(transaction, held, reason=reason, changed_by=by)
    return held


def release(transaction: Transaction, hold_id: str, *, reason: str, by: str) -> HoldOut:
    """Let held parts go on; the very same release again changes nothing.

    Raises:
        UnknownHold: there is none.
        HoldReleased: it was released before, by somebody else or for another reason.
    """
    found = find(transaction.connection, transaction.plant, hold_id)
    if found.state is HoldState.RELEASED:
        if (found.released_by, found.release_reason) == (by, reason):
            return found
        raise HoldReleased(
            f"hold {hold_id} was released by {found.released_by} at {found.released_at:%Y-%m-%d %H:%M} UTC; set a new "
            "one if the parts must be held again"
        )
    transaction.connection.execute(
        update(holds)
        .where(holds.c.id == hold_id)
        .values(state=HoldState.RELEASED.value, released_by=by, released_at=transaction.now(), release_reason=reason)
    )
    released = find(transaction.connection, transaction.plant, hold_id)
    _append_event(transaction, released, reason=reason, changed_by=by)
    return released


def find(connection: Connection, plant: str, hold_id: str) -> HoldOut:
    """One hold.

    Raises:
        UnknownHold: there is none.
    """
    row = connection.execute(select(holds).where(holds.c.plant == plant, holds.c.id == hold_id)).one_or_none()
    if row is None:
        raise UnknownHold(f"no hold {hold_id!r}; GET /v1/holds lists them")
    return _out(row)


def open_hold(connection: Connection, plant: str, *, station: str | None, lot: str | None) -> HoldOut | None:
    """The hold that stands on a station's parts or on a lot's; None if they may go on."""
    row = connection.execute(
        select(holds)
        .where(
            holds.c.plant == plant,
            holds.c.state == HoldState.HELD.value,
            holds.c.station.is_(None) if station is None else holds.c.station == station,
            holds.c.lot.is_(None) if lot is None else holds.c.lot == lot,
        )
        .limit(1)
    ).one_or_none()
    return None if row is None else _out(row)


def all_holds(
    connection: Connection,
    plant: str,
    *,
    state: HoldState | None = None,
    station: str | None = None,
    lot: str | None = None,
    limit: int | None = None,
) -> Sequence[HoldOut]:
    """Holds, newest first.

    Args:
        connection: where to read.
        plant: whose.
        state: only these.
        station: only this station's.
        lot: only this lot's; with a station too, both.
        limit: how many at most; None for all.
    """
    query = select(holds).where(holds.c.plant == plant)
    if state is not None:
        query = query.where(holds.c.state == state.value)
    named = [holds.c.station == station] if station is not None else []
    named += [holds.c.lot == lot] if lot is not None else []
    if named:
        query = query.where(or_(*named))
    return [_out(row) for row in connection.execute(query.order_by(holds.c.id.desc()).limit(limit))]


def holds_where(connection: Connection, plant: str, condition: ColumnElement[bool]) -> Sequence[HoldOut]:
    """The holds that a condition is true of, newest first."""
    rows = connection.execute(select(holds).where(holds.c.plant == plant, condition).order_by(holds.c.id.desc()))
    return [_out(row) for row in rows]


def _out(row: Row[Any]) -> HoldOut:
    return HoldOut(
        id=row.id,
        station=row.station,
        lot=row.lot,
        state=HoldState(row.state),
        reason=row.reason,
        evidence=tuple(row.evidence),
        by=row.by,
        at=row.at,
        released_by=row.released_by,
        released_at=row.released_at,
        release_reason=row.release_reason,
    )


def _append_event(transaction: Transaction, hold: HoldOut, *, reason: str, changed_by: str) -> None:
    changed = HoldChanged(
        station=hold.station,
        state=hold.state.value,
        reason=reason,
        changed_by=changed_by,
        lot=hold.lot,
        hold_id=hold.id,
        evidence=hold.evidence,
    )
    transaction.append_event(
        EVENT_TYPE, station=hold.station, occurred_at=transaction.now(), data=changed.model_dump(mode="json")
    )
