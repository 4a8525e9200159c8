"""Reading and writing deployments in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from lineside.inspection.release import Deployment
from lineside.serving.deployments.book import DeploymentRecord, Withdrawal
from lineside.serving.deployments.schemas import DeploymentChanged, DeploymentOut
from lineside.serving.errors import DeploymentWithdrawn
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import deployments

EVENT_TYPE = "deployment.v1"
_ACCEPTED: Final = "accepted"
_WITHDRAWN: Final = "withdrawn"


def all_deployments(connection: Connection, plant: str) -> Sequence[DeploymentRecord]:
    """Every deployment that the plant's server ever accepted, by serial.

    Raises:
        DeploymentRefused: what the ledger holds is no deployment.
    """
    rows = connection.execute(select(deployments).where(deployments.c.plant == plant).order_by(deployments.c.serial))
    return [
        DeploymentRecord(
            id=row.id,
            deployment=Deployment.from_bytes(row.document.encode()),
            document=row.document,
            signature=row.signature,
            accepted_at=row.accepted_at,
            accepted_by=row.accepted_by,
            withdrawal=None
            if row.withdrawn_at is None
            else Withdrawal(row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason),
        )
        for row in rows
    ]


def add(transaction: Transaction, record: DeploymentRecord) -> None:
    """Insert an accepted deployment and append its event."""
    transaction.connection.execute(
        insert(deployments).values(
            id=record.id,
            plant=transaction.plant,
            serial=record.serial,
            document=record.document,
            signature=record.signature,
            mode=record.deployment.mode.value,
            state=_ACCEPTED,
            accepted_at=record.accepted_at,
            accepted_by=record.accepted_by,
        )
    )
    _append_event(transaction, record, changed_by=record.accepted_by, at=record.accepted_at)


def withdraw(transaction: Transaction, record: DeploymentRecord) -> None:
    """Write a withdrawal down and append its event.

    Args:
        transaction: where.
        record: with its withdrawal.

    Raises:
        DeploymentWithdrawn: it was withdrawn before.
    """
    withdrawal = record.withdrawal
    if withdrawal is None:
        raise ValueError(f"deployment {record.id} has no withdrawal to write down")
    changed = transaction.connection.execute(
        update(deployments)
        .where(deployments.c.id == record.id, deployments.c.state == _ACCEPTED)
        .values(
            state=_WITHDRAWN,
            withdrawn_at=withdrawal.at,
            withdrawn_by=withdrawal.by,
            withdrawn_reason=withdrawal.reason,
        )
    )
    if changed.rowcount != 1:
        raise DeploymentWithdrawn(f"deployment {record.id} was withdrawn before")
    _append_event(transaction, record, changed_by=withdrawal.by, at=withdrawal.at)


def _append_event(transaction: Transaction, record: DeploymentRecord, *, changed_by: str, at: datetime) -> None:
    change = DeploymentChanged(
        state=_ACCEPTED if record.withdrawal is None else _WITHDRAWN,
        deployment=DeploymentOut.of(record),
        changed_by=changed_by,
    )
    transaction.append_event(EVENT_TYPE, station=None, occurred_at=at, data=change.model_dump(mode="json"))
