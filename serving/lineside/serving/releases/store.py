"""Reading and writing uploaded releases in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from lineside.inspection.release import Release
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import releases
from lineside.serving.releases.schemas import ReleaseUploaded

EVENT_TYPE = "release.v1"


def all_uploads(connection: Connection) -> Sequence[Row[Any]]:
    """Every uploaded release, newest first."""
    return connection.execute(select(releases).order_by(releases.c.uploaded_at.desc(), releases.c.digest)).all()


def add_upload(transaction: Transaction, release: Release, *, size_bytes: int, now: datetime, by: str) -> Row[Any]:
    """Insert an uploaded release with its event if it is not there; gives its row."""
    if _find(transaction.connection, release.digest) is None:
        transaction.connection.execute(
            insert(releases).values(
                digest=release.digest,
                name=release.name,
                version=release.version,
                size_bytes=size_bytes,
                uploaded_at=now,
                uploaded_by=by,
            )
        )
        uploaded = ReleaseUploaded(
            name=release.name,
            version=release.version,
            digest=release.digest,
            size_bytes=size_bytes,
            uploaded_by=by,
        )
        transaction.append_event(EVENT_TYPE, station=None, occurred_at=now, data=uploaded.model_dump(mode="json"))
    return transaction.connection.execute(select(releases).where(releases.c.digest == release.digest)).one()


def _find(connection: Connection, digest: str) -> Row[Any] | None:
    return connection.execute(select(releases).where(releases.c.digest == digest)).one_or_none()
