"""The watch for drift: follows the ledger's inspections, and says when a line is no longer what it was.

It runs beside the verdicts and never before one: it reads what is durable, on reader threads, and looks on a worker
thread.
"""

import asyncio
from collections import Counter, OrderedDict
from contextlib import suppress
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from lineside.inspection.errors import LinesideError
from lineside.serving.certificates.service import CertificateService
from lineside.serving.clock import Clock
from lineside.serving.drift import store
from lineside.serving.drift.schemas import AcknowledgementIn, AlarmOut, DriftList, DriftOut, DriftState
from lineside.serving.drift.scope import DriftScope, SeenPart
from lineside.serving.drift.store import ReferenceRow, StoredBatch
from lineside.serving.drift.watched import MOST_BATCHES, Watched, watched_out
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.metrics import Metrics
from lineside.serving.settings import Settings
from lineside.statistics.drift import BATCH_PARTS, Reference, WatchLimits
from lineside.statistics.errors import TooFewParts

_log = structlog.get_logger(__name__)

_READ_EVERY_S = 5.0
_EVENTS_AT_ONCE = 500  # about a megabyte of JSON
_MOST_SCOPES = 64  # in memory, some megabytes each, and all that had a part lately; others are read again when needed
_LONGEST_WAIT = 20_000  # events; for a scope without a part within them no half full batch is kept


class DriftService:
    """Watches every station of a plant. One for each app.

    Args:
        settings: how many parts make a reference period, when it looks, and at what risk.
        clock: what alarms are dated by.
        ledger: what it reads and writes.
        certificates: those of a line and release end with an alarm there.
        metrics: told of open alarms.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        certificates: CertificateService,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._certificates = certificates
        self._metrics = metrics
        self._limits = WatchLimits(
            risk_per_look=settings.drift_risk_per_look,
            window_parts=settings.drift_window_parts,
            look_parts=settings.drift_look_parts,
        )
        self._watched: OrderedDict[DriftScope, Watched] = OrderedDict()
        self._position: int | None = None
        self._failure: str | None = None
        self._working = asyncio.Lock()
        self._stopping = asyncio.Event()

    async def run_forever(self) -> None:
        """Follow the ledger until `stop`; a failure is logged once it begins, and the next try goes on."""
        while not self._stopping.is_set():
            try:
                await self.catch_up()
                self._failure = None
            except (LinesideError, OSError) as error:
                if self._failure is None:
                    _log.error("drift_watch_failed", reason=str(error))
                self._failure = str(error)
            except Exception as error:  # noqa: BLE001 - a fault of the watch must not end the server that judges
                if self._failure is None:
                    _log.error("drift_watch_failed", exc_info=error)
                self._failure = f"{type(error).__name__}: {error}"
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _READ_EVERY_S)

    def stop(self) -> None:
        """End `run_forever` soon."""
        self._stopping.set()

    async def catch_up(self) -> None:
        """Take every inspection that is durable, and look where a look is due."""
        async with self._working:
            try:
                while not self._stopping.is_set():
                    if self._position is None:
                        self._position = await self._begin()
                    if await self._read_on(self._position):
                        return
            except BaseException:
                # What is in memory may be ahead of the ledger now: read both again, the parts from the last batch on.
                self._watched.clear()
                self._position = None
                raise

    async def states(self, station: str | None = None) -> DriftList:
        """How every station stands: what it judged last, and whatever has an open alarm.

        Args:
            station: only this one.
        """
        plant = self._ledger.plant

        def read(connection: Connection) -> tuple[tuple[ReferenceRow, ...], tuple[AlarmOut, ...]]:
            return store.current_references(connection, plant), store.open_alarms(connection, plant)

        rows, alarms = await self._ledger.read(read)
        by_reference = {alarm.watched.reference_id: alarm for alarm in alarms}
        items = [self._state(row, by_reference.get(row.id)) for row in rows if station in {None, row.scope.station}]
        return DriftList(
            items=tuple(items),
            failure=self._failure,
            looks_every_parts=self._limits.look_parts,
            risk_per_look=self._limits.risk_per_look,
        )

    async def acknowledge(self, alarm_id: str, given: AcknowledgementIn, *, by: str) -> AlarmOut:
        """A person looked after an alarm.

        Raises:
            UnknownDriftAlarm: there is none.
            DriftAlarmAcknowledged: somebody did before.
        """
        async with self._working:
            alarm = await self._ledger.write(partial(store.acknowledge, alarm_id=alarm_id, given=given, by=by))
            for scope, watched in tuple(self._watched.items()):
                if watched.row.id == alarm.watched.reference_id:
                    if given.reference == "keep":
                        watched.restart()
                    else:
                        del self._watched[scope]
        await self._tell()
        _log.info("drift_alarm_acknowledged", station=alarm.watched.station, by=by, reason=given.reason)
        return alarm

    async def health_series(
        self, station: str, view: str, measure: str, start: datetime, end: datetime
    ) -> tuple[tuple[datetime, float], ...]:
        """How a measure of a station's pictures went, as means of 50 parts, each at the instant of its last part.

        Args:
            station: whose pictures.
            view: which of them.
            measure: one of `PICTURE_MEASURES`, e.g. "mean" for the light or "sharpness" for the focus.
            start: aware; batches that ended from then on.
            end: aware; and before that.
        """
        plant, figure = self._ledger.plant, f"{view}/{measure}"
        return await self._ledger.read(
            lambda connection: store.means_of(connection, plant, station, figure, start=start, end=end)
        )

    async def _begin(self) -> int:
        """Where to read on; a watch that never ran begins with the present."""
        plant = self._ledger.plant
        await self._tell()
        found = await self._ledger.read(lambda connection: store.cursor(connection, plant))
        if found is not None:
            return found
        present = self._ledger.last_sequence
        await self._ledger.write(lambda transaction: store.set_cursor(transaction, present))
        return present

    async def _read_on(self, position: int) -> bool:
        """Take the next inspections; whether there are no more."""
        chunk = await self._ledger.read(
            partial(store.parts_after, plant=self._ledger.plant, sequence=position, limit=_EVENTS_AT_ONCE)
        )
        for part in chunk.parts:
            watched = await self._of(part)
            completed = watched.add(part)
            if completed is not None:
                await self._completed(watched, *completed)
        self._position = chunk.position
        if not chunk.is_last:
            resume_at = self._resume_at(chunk.position)
            await self._ledger.write(lambda transaction: store.set_cursor(transaction, resume_at))
        self._let_go_of_the_idle(chunk.position)
        return chunk.is_last

    def _let_go_of_the_idle(self, position: int) -> None:
        """Keep memory bounded; a scope with parts on the way stays, or its batches would never fill."""
        while len(self._watched) > _MOST_SCOPES:
            idle_longest = next(iter(self._watched))
            if self._watched[idle_longest].last_sequence >= position - _LONGEST_WAIT:
                return
            del self._watched[idle_longest]

    async def _of(self, part: SeenPart) -> Watched:
        """What is in memory of a part's scope, or what the ledger has of it, or the beginning of a new reference."""
        watched = self._watched.get(part.scope)
        if watched is None:
            watched = await self._ledger.read(partial(self._restored, scope=part.scope))
            if watched is None:
                row = ReferenceRow(self._ledger.new_id(), part.scope, part.threshold, part.at, part.at)
                await self._ledger.write(partial(store.add_reference, row=row))
                watched = Watched(row)
            self._watched[part.scope] = watched
        self._watched.move_to_end(part.scope)
        return watched

    def _restored(self, connection: Connection, scope: DriftScope) -> Watched | None:
        row = store.find_reference(connection, self._ledger.plant, scope)
        if row is None:
            return None
        watched = Watched(row, last_sequence=store.last_sequence(connection, row.id))
        if row.frozen_batches is None or row.since_batch is None:
            first = max(0, row.batches - max(MOST_BATCHES, self._settings.drift_reference_parts // BATCH_PARTS))
            watched.taken = list(store.batches_between(connection, row.id, first, row.batches))
            return watched
        taken = store.batches_between(connection, row.id, 0, row.frozen_batches)
        watched.reference = Reference.of([stored.batch for stored in taken], threshold=row.threshold)
        first = max(row.since_batch, row.batches - MOST_BATCHES)
        watched.since.extend(store.batches_between(connection, row.id, first, row.batches))
        watched.looked_at = row.frozen_at if row.look is None else row.look.at
        watched.parts_to_look = sum(
            stored.batch.size for stored in watched.since if row.look is None or stored.last_at > row.look.at
        )
        alarms = store.open_alarms(connection, self._ledger.plant)
        watched.has_alarm = any(alarm.watched.reference_id == row.id for alarm in alarms)
        return watched

    async def _completed(self, watched: Watched, stored: StoredBatch, parts: tuple[SeenPart, ...]) -> None:
        """Write a batch down, with what follows from it."""
        is_frozen = await asyncio.to_thread(watched.freeze, wanted_parts=self._settings.drift_reference_parts)
        alarm = await self._look(watched)
        row = watched.row
        resume_at = self._resume_at(stored.last_sequence)
        needless = _needless_parts(watched, has_just_frozen=is_frozen)

        def write(transaction: Transaction) -> None:
            store.add_batch(transaction, row.id, stored, parts)
            store.save_reference(transaction, row)
            for ordinals in needless:
                store.forget_parts(transaction, row.id, first=ordinals.start, before=ordinals.stop)
            if alarm is not None:
                store.add_alarm(transaction, alarm)
            store.set_cursor(transaction, resume_at)

        if alarm is not None:
            # First: after a crash in between, the batch is read and looked at again, and no guarantee outlives it.
            await self._end_certificates(row.scope, alarm)
        await self._ledger.write(write)
        if is_frozen:
            _log.info("drift_reference_frozen", station=row.scope.station, parts=row.batches * BATCH_PARTS)
        if alarm is not None:
            await self._end_certificates(row.scope, alarm)  # one that came in between: from now on it is refused
            watched.has_alarm = True
            await self._tell()
            _log.error("drift_alarm", station=row.scope.station, reason=alarm.message)

    async def _end_certificates(self, scope: DriftScope, alarm: AlarmOut) -> None:
        await self._certificates.end_for(line=scope.line, release_digest=scope.release_digest, reason=alarm.message)

    async def _look(self, watched: Watched) -> AlarmOut | None:
        settings = self._settings
        if not watched.is_due(look_parts=self._limits.look_parts, look_s=settings.drift_look_minutes * 60.0):
            return None
        try:
            result = await asyncio.to_thread(watched.look, self._limits)
        except TooFewParts:  # none of the parts since was inspected: nothing to hold against anything
            return None
        return watched.alarm(self._ledger.new_id(), result, now=self._clock.now(), limits=self._limits)

    def _resume_at(self, sequence: int) -> int:
        """The sequence after which to read after a restart: before the first part that is in no batch."""
        waiting = [watched.filling[0].sequence - 1 for watched in self._watched.values() if watched.filling]
        return min([sequence, *(one for one in waiting if one >= sequence - _LONGEST_WAIT)])

    async def _tell(self) -> None:
        """Keep the metrics in step with the open alarms."""
        alarms = await self._ledger.read(partial(store.open_alarms, plant=self._ledger.plant))
        numbers = Counter((alarm.watched.line, alarm.watched.station, alarm.watched.release_name) for alarm in alarms)
        self._metrics.drift_alarms_stand(numbers)

    def _state(self, row: ReferenceRow, alarm: AlarmOut | None) -> DriftOut:
        held = self._watched.get(row.scope)
        filling = len(held.filling) if held is not None and held.row.id == row.id else 0
        frozen, total = row.frozen_batches, row.batches * BATCH_PARTS + filling
        state = DriftState.OK
        if frozen is None:
            state = DriftState.TOO_FEW_PARTS
        elif alarm is not None:
            state = DriftState.ALARM
        elif row.look is None:
            state = DriftState.LOOKING
        return DriftOut(
            state=state,
            watched=watched_out(row),
            seen_at=row.seen_at,
            reference_from=row.opened_at,
            reference_frozen_at=row.frozen_at,
            reference_parts=total if frozen is None else frozen * BATCH_PARTS,
            reference_parts_wanted=self._settings.drift_reference_parts,
            parts_since=0 if frozen is None else total - (row.since_batch or 0) * BATCH_PARTS,
            look=row.look,
            alarm=alarm,
        )


def _needless_parts(watched: Watched, *, has_just_frozen: bool) -> tuple[range, ...]:
    """Ordinals of the batches whose single parts no test needs any more; of those forgotten before hardly any again.

    Each batch makes one other needless, and the ledger's one writer, which the verdicts wait for, must not look through
    all that ever were: with 10 million parts that took 0.2 s for each batch.
    """
    row = watched.row
    held = len(watched.taken) if watched.reference is None else len(watched.reference.batches)
    begins = (row.batches if row.frozen_batches is None else row.frozen_batches) - held
    found = []
    if watched.reference is None or has_just_frozen:  # parts from before the reference, when hardly one was inspected
        found.append(range(0 if has_just_frozen else max(0, begins - 1), begins))
    if row.frozen_batches is not None:
        oldest = row.batches - MOST_BATCHES
        found.append(range(max(row.frozen_batches, oldest - 1), oldest))
    return tuple(ordinals for ordinals in found if ordinals)
