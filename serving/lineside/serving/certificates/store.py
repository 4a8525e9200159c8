"""Reading and writing certificates in the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, insert, select, update

from lineside.inspection.errors import CertificateRefused
from lineside.inspection.release import Certificate
from lineside.serving.certificates.book import CertificateEnd, CertificateRecord, EndCause
from lineside.serving.certificates.schemas import CertificateChanged, CertificateOut
from lineside.serving.errors import CertificateEnded
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.drift_tables import drift_alarms, drift_references
from lineside.serving.ledger.tables import certificates

EVENT_TYPE: Final = "certificate.v1"


def all_certificates(
    connection: Connection, plant: str
) -> tuple[tuple[CertificateRecord, ...], Mapping[str, CertificateRefused]]:
    """Every certificate that the plant's server ever accepted, in that order; and why some cannot be read, by id."""
    rows = connection.execute(select(certificates).where(certificates.c.plant == plant).order_by(certificates.c.id))
    records: list[CertificateRecord] = []
    unreadable: dict[str, CertificateRefused] = {}
    for row in rows:
        try:
            records.append(_record(row))
        except CertificateRefused as error:
            unreadable[row.id] = error
    return tuple(records), unreadable


def _record(row: Row[Any]) -> CertificateRecord:
    return CertificateRecord(
        id=row.id,
        digest=row.digest,
        certificate=Certificate.from_bytes(row.document.encode()),
        document=row.document,
        signature=row.signature,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
        end=None
        if row.ended_at is None
        else CertificateEnd(row.ended_at, row.ended_by, EndCause(row.ended_cause), row.ended_reason),
    )


@dataclass(frozen=True, slots=True)
class DriftSeen:
    """The last drift alarm of a line and release.

    Attributes:
        alarm_id: of the newest one that is open; else of the newest.
        raised_at: when, aware UTC.
        is_open: whether nobody has acknowledged it.
    """

    alarm_id: str
    raised_at: datetime
    is_open: bool


def drift_seen(connection: Connection, plant: str, *, line: str, release_digest: str) -> DriftSeen | None:
    """The drift alarm that a certificate of a line and release has to come after; None if none was ever raised."""
    row = connection.execute(
        select(drift_alarms.c.id, drift_alarms.c.raised_at, drift_alarms.c.acknowledged_at)
        .join(drift_references, drift_alarms.c.reference_id == drift_references.c.id)
        .where(
            drift_alarms.c.plant == plant,
            drift_references.c.line == line,
            drift_references.c.release_digest == release_digest,
        )
        .order_by(drift_alarms.c.acknowledged_at.is_not(None), drift_alarms.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else DriftSeen(row.id, row.raised_at, is_open=row.acknowledged_at is None)


def add(transaction: Transaction, record: CertificateRecord) -> None:
    """Insert an accepted certificate and append its event."""
    transaction.connection.execute(
        insert(certificates).values(
            id=record.id,
            plant=transaction.plant,
            digest=record.digest,
            document=record.document,
            signature=record.signature,
            accepted_at=record.accepted_at,
            accepted_by=record.accepted_by,
        )
    )
    _append_event(transaction, record, state="accepted", by=record.accepted_by, at=record.accepted_at)


def end(transaction: Transaction, record: CertificateRecord) -> None:
    """Write an end down and append its event.

    Args:
        transaction: where.
        record: with its end.

    Raises:
        CertificateEnded: it ended before.
        ValueError: it has no end.
    """
    ending = record.end
    if ending is None:
        raise ValueError(f"certificate {record.id} has no end to write down")
    changed = transaction.connection.execute(
        update(certificates)
        .where(certificates.c.id == record.id, certificates.c.ended_at.is_(None))
        .values(
            ended_at=ending.at,
            ended_by=ending.by,
            ended_cause=ending.cause.value,
            ended_reason=ending.reason,
        )
    )
    if changed.rowcount != 1:
        raise CertificateEnded(f"certificate {record.id} ended before")
    _append_event(transaction, record, state="ended", by=ending.by, at=ending.at)


def _append_event(
    transaction: Transaction,
    record: CertificateRecord,
    *,
    state: Literal["accepted", "ended"],
    by: str,
    at: datetime,
) -> None:
    change = CertificateChanged(state=state, certificate=CertificateOut.of(record), changed_by=by)
    transaction.append_event(EVENT_TYPE, station=None, occurred_at=at, data=change.model_dump(mode="json"))
