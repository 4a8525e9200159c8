"""The spool: what a station must not forget, durable before it acts on it.

Every `record_` method returns when its record would survive a power cut, and raises `SpoolError` when it would not;
the part that it is about then gets no permit. The methods block for a disk's sync, some milliseconds: call them off
the event loop. The spool is thread-safe. Its order is its own: a clock that steps back reorders nothing.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lineside.client.clock import Clock, SystemClock
from lineside.client.file_lock import FileLock
from lineside.inspection.canonical_json import canonical_json
from lineside.station.spool import wire
from lineside.station.spool.database import connect, count, disk, transaction
from lineside.station.spool.errors import RecordContradicts, SpoolFull, SpoolInUse
from lineside.station.spool.limits import SpoolLimits
from lineside.station.spool.outbox import Outbox
from lineside.station.spool.picture_folder import PictureFolder
from lineside.station.spool.records import (
    AnsweredRecord,
    AskedRecord,
    DispositionRecord,
    JudgedRecord,
    ReportRecord,
    TriggerRecord,
)
from lineside.station.spool.room import WORTH_OF, RoomPlan, plan_room
from lineside.station.spool.unfinished import UnfinishedPart, unfinished_parts

_LOCK_NAME: Final = "spool.lock"
_ALL_WELL: Final = "all_well_at_sequence"


class Spool:
    """A folder with a station's records and pictures; `with` is its life.

    Args:
        folder: created when missing.
        station: whose records.
        limits: how much it may hold.
        clock: tells when a record was written.

    Raises:
        SpoolInUse: another process writes there.
        DiskFull, SpoolBroken: the disk does not let us.
        RecordContradicts: the folder holds another station's records.
    """

    def __init__(
        self, folder: Path, *, station: str, limits: SpoolLimits | None = None, clock: Clock | None = None
    ) -> None:
        self._station = station
        self._limits = limits or SpoolLimits()
        self._clock = clock or SystemClock()
        self._guard = threading.RLock()
        self._lock = FileLock(folder / _LOCK_NAME)
        with disk(f"opening the spool in {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            self._take_lock(folder)
        try:
            self._connection = connect(folder)
            try:
                with disk(f"opening the spool in {folder}"):
                    self._claim(folder)
                    self._pictures = PictureFolder(folder / "pictures")
                    self._pictures.sweep(
                        frozenset(row[0] for row in self._connection.execute("SELECT digest FROM pictures"))
                    )
                    self._queued = int(self._connection.execute("SELECT COUNT(*) FROM queue").fetchone()[0])
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self.outbox = Outbox(self._connection, self._guard, self._pictures, self._limits, on_taken=self._one_less)

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file; what was recorded stands."""
        with self._guard:
            self._connection.close()
            self._lock.release()

    @property
    def station(self) -> str:
        """Whose records these are."""
        return self._station

    def record_trigger(self, record: TriggerRecord) -> None:
        """Write down that a part stood at the camera.

        Raises:
            SpoolFull: as many records wait as may.
            DiskFull, SpoolBroken: it is not on disk.
            RecordContradicts: its UUID stands for another trigger.
        """
        body = canonical_json(
            {
                "acquisition_id": record.acquisition_id,
                "encoder": record.encoder,
                "at": record.at.isoformat(),
                "part_id": record.part_id,
                "lot": record.lot,
            }
        )
        with self._writing("recording a trigger") as connection:
            earlier = connection.execute("SELECT trigger_digest FROM parts WHERE id = ?", (record.id,)).fetchone()
            if earlier is not None:
                _check_same("trigger", record.id, earlier[0], _digest(body))
                return
            self._check_room()
            connection.execute(
                "INSERT INTO parts (id, acquisition_id, encoder, triggered_at, trigger_digest, part_id, lot) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    record.id,
                    record.acquisition_id,
                    record.encoder,
                    record.at.isoformat(),
                    _digest(body),
                    record.part_id,
                    record.lot,
                ),
            )

    def record_asked(self, record: AskedRecord) -> None:
        """Write down that the server is about to be asked.

        Raises:
            DiskFull, SpoolBroken: it is not on disk: do not ask.
            RecordContradicts: its part has no trigger, or its verdict already.
        """
        asked = canonical_json(dict(record.digests))
        with self._writing("recording that the server is asked") as connection:
            part = self._part(connection, record.id)
            if part["verdict"] is not None or part["asked"] not in (None, asked):
                raise RecordContradicts(f"part {record.id} was asked for already, or has its verdict")
            connection.execute(
                "UPDATE parts SET part_id = ?, asked = ? WHERE id = ?", (record.part_id, asked, record.id)
            )

    def record_answered(self, record: AnsweredRecord) -> None:
        """Write down the server's verdict.

        Raises:
            DiskFull, SpoolBroken: it is not on disk.
            RecordContradicts: its part has no trigger or another verdict, or that answer is another part's already.
        """
        body = canonical_json({"inspection_id": record.inspection_id, "verdict": record.verdict.value})
        with self._writing("recording a verdict") as connection:
            part = self._part(connection, record.id)
            if part["verdict"] is not None:
                _check_same("verdict", record.id, part["verdict_digest"], _digest(body))
                return
            _check_name(part, record.part_id)
            owner = connection.execute("SELECT id FROM parts WHERE inspection_id = ?", (record.inspection_id,))
            if (other := owner.fetchone()) is not None:
                raise RecordContradicts(f"the server's inspection {record.inspection_id} is of part {other[0]} already")
            connection.execute(
                "UPDATE parts SET part_id = ?, verdict = ?, verdict_digest = ?, verdict_state = 'settled', "
                "judged_by = 'server', inspection_id = ? WHERE id = ?",
                (record.part_id, record.verdict.value, _digest(body), record.inspection_id, record.id),
            )

    def record_inspection(self, record: JudgedRecord) -> None:
        """Write down a verdict of the station's own, with its pictures.

        Raises:
            SpoolFull: NG pictures leave no room; the part can be written down as NOT_INSPECTED.
            DiskFull, SpoolBroken: it is not on disk.
            RecordContradicts: its part has no trigger, or another verdict.
        """
        body = canonical_json(wire.inspection_body(record, station=self._station))
        verdict = record.judgement.verdict
        with self._guard:  # also while files go: what is handed in meanwhile may have the very same picture
            written: tuple[str, ...] = ()
            try:
                with self._writing("recording a verdict") as connection:
                    part = self._part(connection, record.id)
                    if part["verdict"] is not None:
                        _check_same("verdict", record.id, part["verdict_digest"], _digest(body))
                        return
                    _check_name(part, record.part_id)
                    missing = self._missing_pictures(connection, record)
                    plan = plan_room(
                        connection,
                        need_bytes=sum(map(len, missing.values())),
                        named=frozenset(view.encoded.digest for view in record.views.values()),
                        worth=WORTH_OF[verdict],
                        max_bytes=self._limits.max_bytes,
                    )
                    written = tuple(missing)
                    if plan.takes:
                        for digest, picture in missing.items():
                            self._pictures.write(digest, picture)
                    self._drop(connection, plan)
                    self._note_pictures(connection, record, missing, takes=plan.takes)
                    connection.execute(
                        "UPDATE parts SET part_id = ?, verdict = ?, verdict_digest = ?, verdict_state = 'waiting', "
                        "judged_by = 'station' WHERE id = ?",
                        (record.part_id, verdict.value, _digest(body), record.id),
                    )
                    self._queue(connection, "inspection", record.id, body, state="waiting")
            except BaseException:
                self._pictures.remove(written)  # no record names them: they were not there before
                raise
            self._pictures.remove(plan.dropped)

    def record_disposition(self, record: DispositionRecord) -> None:
        """Write down where a part went.

        Raises:
            DiskFull, SpoolBroken: it is not on disk.
            RecordContradicts: its part has no trigger, or went elsewhere before.
        """
        body = canonical_json(wire.disposition_body(record))
        with self._writing("recording a disposition") as connection:
            part = self._part(connection, record.id)
            if part["disposition_digest"] is not None:
                _check_same("disposition", record.id, part["disposition_digest"], _digest(body))
                return
            state = "parked" if part["verdict_state"] == "parked" else "waiting"
            connection.execute(
                "UPDATE parts SET lane = ?, disposition_digest = ?, disposition_state = ? WHERE id = ?",
                (record.lane.value, _digest(body), state, record.id),
            )
            self._queue(connection, "disposition", record.id, body, state=state)

    def record_report(self, record: ReportRecord) -> None:
        """Write down something that the station met.

        Raises:
            SpoolFull: as many records wait as may.
            DiskFull, SpoolBroken: it is not on disk.
            RecordContradicts: its UUID stands for another report that waits.
        """
        body = canonical_json(wire.report_body(record))
        with self._writing("recording a report") as connection:
            earlier = connection.execute(
                "SELECT body FROM queue WHERE kind = 'report' AND id = ?", (record.id,)
            ).fetchone()
            if earlier is not None:
                _check_same("report", record.id, _digest(earlier[0]), _digest(body))
                return
            self._check_room()
            self._queue(connection, "report", record.id, body, state="waiting")

    def unfinished(self) -> tuple[UnfinishedPart, ...]:
        """Parts without a verdict or without a fate, in order: after a start, those that a crash interrupted."""
        with self._guard, disk("reading the spool"):
            return unfinished_parts(self._connection)

    def has_part(self, part_id: str) -> bool:
        """Whether a part of this name was at the camera, as far as is remembered; all that the server lacks are."""
        with self._guard, disk("reading the spool"):
            found = self._connection.execute("SELECT 1 FROM parts WHERE part_id = ? LIMIT 1", (part_id,))
            return found.fetchone() is not None

    def record_all_well(self, attempt_id: str) -> None:
        """Write down that the station was shown to see well at this part: parts before it are in no doubt later.

        Raises:
            DiskFull, SpoolBroken: it is not on disk.
            RecordContradicts: the part has no trigger.
        """
        with self._writing("recording that all masters passed") as connection:
            sequence = self._part(connection, attempt_id)["sequence"]
            connection.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (_ALL_WELL, sequence))

    def in_doubt(self) -> Mapping[str | None, tuple[str, ...]]:
        """By lot, the inspections since all was well, as the server knows or will know them, in order.

        Of a station that never was, all that are remembered.
        """
        found: dict[str | None, list[str]] = {}
        with self._guard, disk("reading the spool"):
            rows = self._connection.execute(
                "SELECT lot, COALESCE(inspection_id, id) FROM parts WHERE verdict IS NOT NULL AND sequence > "
                "COALESCE((SELECT count FROM counters WHERE name = ?), 0) ORDER BY sequence",
                (_ALL_WELL,),
            )
            for lot, inspection in rows:
                found.setdefault(lot, []).append(inspection)
        return {lot: tuple(inspections) for lot, inspections in found.items()}

    def _missing_pictures(self, connection: sqlite3.Connection, record: JudgedRecord) -> dict[str, bytes]:
        """The pictures that are not kept yet, by digest."""
        bodies = {view.encoded.digest: view.encoded.body for view in record.views.values()}
        return {
            digest: body
            for digest, body in bodies.items()
            if connection.execute("SELECT 1 FROM pictures WHERE digest = ?", (digest,)).fetchone() is None
        }

    def _note_pictures(
        self, connection: sqlite3.Connection, record: JudgedRecord, missing: Mapping[str, bytes], *, takes: bool
    ) -> None:
        worth = WORTH_OF[record.judgement.verdict]
        for name, view in record.views.items():
            digest = view.encoded.digest
            if digest in missing and not takes:
                count(connection, f"pictures_dropped_{record.judgement.verdict.value}", 1)
                continue
            connection.execute(
                "INSERT INTO pictures (digest, size_bytes, worth, sequence) VALUES (?, ?, ?, "
                "(SELECT sequence FROM parts WHERE id = ?)) "
                "ON CONFLICT (digest) DO UPDATE SET worth = MAX(worth, excluded.worth)",
                (digest, len(view.encoded.body), worth, record.id),
            )
            connection.execute(
                "INSERT INTO picture_uses (id, view, digest) VALUES (?, ?, ?)", (record.id, name, digest)
            )

    def _drop(self, connection: sqlite3.Connection, plan: RoomPlan) -> None:
        for digest in plan.dropped:
            row = connection.execute("DELETE FROM pictures WHERE digest = ? RETURNING worth", (digest,)).fetchone()
            connection.execute("DELETE FROM picture_uses WHERE digest = ?", (digest,))
            verdict = next(verdict for verdict, worth in WORTH_OF.items() if worth == row[0])
            count(connection, f"pictures_dropped_{verdict.value}", 1)

    def _queue(self, connection: sqlite3.Connection, kind: str, record_id: str, body: str, *, state: str) -> None:
        connection.execute(
            "INSERT INTO queue (kind, id, body, state, recorded_at) VALUES (?, ?, ?, ?, ?)",
            (kind, record_id, body, state, self._clock.now().isoformat()),
        )
        self._queued += 1

    def _one_less(self) -> None:
        self._queued -= 1

    def _check_room(self) -> None:
        if self._queued >= self._limits.max_records:
            raise SpoolFull(
                f"{self._queued} records wait for the server and {self._limits.max_records} may: get it back, or give "
                "the spool more room in the station's file"
            )

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        with self._guard, disk(what):
            before = self._queued
            try:
                with transaction(self._connection):
                    yield self._connection
            except BaseException:
                self._queued = before
                raise

    @staticmethod
    def _part(connection: sqlite3.Connection, attempt_id: str) -> sqlite3.Row:
        found: sqlite3.Row | None = connection.execute("SELECT * FROM parts WHERE id = ?", (attempt_id,)).fetchone()
        if found is None:
            raise RecordContradicts(f"part {attempt_id} has no trigger: record that first")
        return found

    def _take_lock(self, folder: Path) -> None:
        if not self._lock.acquire(note=self._station):
            raise SpoolInUse(f"another process writes in the spool {folder}: does the station run already?")

    def _claim(self, folder: Path) -> None:
        with transaction(self._connection):
            owner = self._connection.execute("SELECT station FROM owner").fetchone()
            if owner is None:
                self._connection.execute("INSERT INTO owner VALUES (?)", (self._station,))
            elif owner[0] != self._station:
                raise RecordContradicts(
                    f"the spool in {folder} holds records of station {owner[0]!r}, not of {self._station!r}: give each "
                    "station its own folder"
                )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _check_same(what: str, record_id: str, earlier: str, digest: str) -> None:
    if earlier != digest:
        raise RecordContradicts(f"the {what} of {record_id} is written down already, and it says otherwise")


def _check_name(part: sqlite3.Row, part_id: str) -> None:
    if part["asked"] is not None and part["part_id"] != part_id:
        raise RecordContradicts(f"the server was asked about part {part['part_id']!r}; the verdict is of {part_id!r}")
