"""What of the spool still has to reach the server, in order, and what became of it there.

The order is strict, with one exception: where a part went is told after its verdict, whichever was written first.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lineside.station.spool.database import count, disk, transaction
from lineside.station.spool.errors import RecordContradicts
from lineside.station.spool.limits import SpoolLimits
from lineside.station.spool.picture_folder import PictureFolder


class RecordKind(StrEnum):
    """What is told."""

    INSPECTION = "inspection"
    DISPOSITION = "disposition"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """One record that is next.

    Attributes:
        sequence: the spool's own order.
        kind: what it is.
        id: the part's or the report's UUID.
        body: as the API takes it.
        inspection_id: of a disposition: the inspection that it is about.
        asked: of an inspection: digests by view of what the server may have judged; None if it was not asked.
        pictures: of an inspection: those that are still kept, by view.
    """

    sequence: int
    kind: RecordKind
    id: str
    body: Mapping[str, Any]
    inspection_id: str | None = None
    asked: Mapping[str, str] | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Outbox:
    """The queue to the server; thread-safe, blocking.

    Args:
        connection: the spool's.
        guard: held while it is used.
        pictures: where they lie.
        limits: how many settled parts are remembered.
        on_taken: told, under the guard, of each record that no longer waits.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        guard: threading.RLock,
        pictures: PictureFolder,
        limits: SpoolLimits,
        *,
        on_taken: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._guard = guard
        self._pictures = pictures
        self._limits = limits
        self._on_taken = on_taken

    def first(self) -> WaitingRecord | None:
        """The record that is next; None if nothing waits.

        Raises:
            SpoolBroken: the disk fails.
        """
        with self._guard, disk("reading the spool"):
            row = self._connection.execute(_FIRST).fetchone()
            if row is None:
                return None
            kind = RecordKind(row["kind"])
            return WaitingRecord(
                sequence=row["sequence"],
                kind=kind,
                id=row["id"],
                body=json.loads(row["body"]),
                inspection_id=row["inspection_id"] if kind is RecordKind.DISPOSITION else None,
                asked=None if row["asked"] is None else json.loads(row["asked"]),
                pictures=self._pictures_of(row["id"]) if kind is RecordKind.INSPECTION else {},
            )

    def is_taken(self, inspection_id: str, attempt_id: str) -> bool:
        """Whether an inspection of the server is another part's of this spool than the one that is named.

        Raises:
            SpoolBroken: the disk fails.
        """
        with self._guard, disk("reading the spool"):
            found = self._connection.execute(_TAKEN, {"inspection": inspection_id, "part": attempt_id})
            return found.fetchone() is not None

    def settle(self, record: WaitingRecord, *, inspection_id: str | None = None) -> None:
        """The server has it.

        Args:
            record: as `first` gave it.
            inspection_id: of an inspection: under which the server has it.

        Raises:
            RecordContradicts: another part of ours is that inspection already; nothing has changed.
            DiskFull, SpoolBroken: it is not written down; told again, the server will give the same answer.
        """
        with self._guard:  # also while files go: the next part may have the very same picture
            with self._writing() as connection:
                connection.execute("DELETE FROM queue WHERE sequence = ?", (record.sequence,))
                if record.kind is RecordKind.INSPECTION:
                    self._settle_inspection(connection, record, inspection_id or record.id)
                elif record.kind is RecordKind.DISPOSITION:
                    connection.execute("UPDATE parts SET disposition_state = 'settled' WHERE id = ?", (record.id,))
                else:
                    count(connection, "reports_settled", 1)
                gone = self._release_pictures(connection, record) if record.kind is RecordKind.INSPECTION else []
                self._forget(connection)
            self._on_taken()
            self._pictures.remove(gone)

    def park(self, record: WaitingRecord, *, trouble: str) -> None:
        """The server will never take it: put it aside with its reason, and with it what depends on it.

        Args:
            record: as `first` gave it.
            trouble: what the server said.
        """
        with self._writing() as connection:
            connection.execute(
                "UPDATE queue SET state = 'parked', trouble = ? WHERE sequence = ?", (trouble, record.sequence)
            )
            if record.kind is RecordKind.INSPECTION:
                connection.execute("UPDATE parts SET verdict_state = 'parked' WHERE id = ?", (record.id,))
                connection.execute(
                    "UPDATE queue SET state = 'parked', trouble = 'its inspection is parked' "
                    "WHERE kind = 'disposition' AND id = ?",
                    (record.id,),
                )
                connection.execute(
                    "UPDATE parts SET disposition_state = 'parked' WHERE id = ? AND disposition_state = 'waiting'",
                    (record.id,),
                )
            elif record.kind is RecordKind.DISPOSITION:
                connection.execute("UPDATE parts SET disposition_state = 'parked' WHERE id = ?", (record.id,))

    def unpark(self) -> int:
        """Let everything that is parked be tried once more; gives how many records."""
        with self._writing() as connection:
            connection.execute("UPDATE parts SET verdict_state = 'waiting' WHERE verdict_state = 'parked'")
            connection.execute("UPDATE parts SET disposition_state = 'waiting' WHERE disposition_state = 'parked'")
            changed = connection.execute("UPDATE queue SET state = 'waiting', trouble = NULL WHERE state = 'parked'")
            return changed.rowcount

    @staticmethod
    def _settle_inspection(connection: sqlite3.Connection, record: WaitingRecord, inspection_id: str) -> None:
        try:
            connection.execute(
                "UPDATE parts SET verdict_state = 'settled', inspection_id = ? WHERE id = ?",
                (inspection_id, record.id),
            )
        except sqlite3.IntegrityError as error:
            raise RecordContradicts(f"inspection {inspection_id} is another part of this station") from error

    def _pictures_of(self, attempt_id: str) -> dict[str, bytes]:
        uses = self._connection.execute(
            "SELECT view, digest FROM picture_uses WHERE id = ? ORDER BY view", (attempt_id,)
        ).fetchall()
        read = {use["view"]: self._pictures.read(use["digest"]) for use in uses}
        return {view: body for view, body in read.items() if body is not None}

    @staticmethod
    def _release_pictures(connection: sqlite3.Connection, record: WaitingRecord) -> list[str]:
        """Forget a part's pictures; gives the digests that no part names any more."""
        connection.execute("DELETE FROM picture_uses WHERE id = ?", (record.id,))
        digests = [frame["digest"] for frame in record.body["frames"]]
        return [
            digest
            for digest in digests
            if connection.execute(
                "DELETE FROM pictures WHERE digest = ? AND NOT EXISTS "
                "(SELECT 1 FROM picture_uses WHERE digest = pictures.digest)",
                (digest,),
            ).rowcount
        ]

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Drop the oldest settled parts; they stay counted."""
        gone = connection.execute(
            "DELETE FROM parts WHERE verdict_state = 'settled' AND disposition_state = 'settled' "
            "AND sequence <= (SELECT MAX(sequence) FROM parts) - ?",
            (self._limits.keep_parts,),
        ).rowcount
        if gone:
            count(connection, "parts_forgotten", gone)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._guard, disk("writing down what the server has"), transaction(self._connection):
            yield self._connection


_TAKEN = "SELECT 1 FROM parts WHERE (inspection_id = :inspection OR id = :inspection) AND id != :part"
_FIRST = """
SELECT queue.*, parts.inspection_id AS inspection_id, parts.asked AS asked
FROM queue LEFT JOIN parts ON parts.id = queue.id AND queue.kind != 'report'
WHERE queue.state = 'waiting' AND (queue.kind != 'disposition' OR parts.verdict_state = 'settled')
ORDER BY queue.sequence LIMIT 1
"""
