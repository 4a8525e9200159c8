"""The spool, off the event loop: what is written is on disk when the call returns, in the order of the calls.

A disk that is full or fails is told once, and told again when it takes records; in between nothing gets a permit.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog

from lineside.station.agent.workers import Workers
from lineside.station.spool import (
    AnsweredRecord,
    AskedRecord,
    DiskFull,
    DispositionRecord,
    JudgedRecord,
    ReportRecord,
    Spool,
    SpoolBroken,
    SpoolFull,
    TriggerRecord,
    UnfinishedPart,
)

_log = structlog.get_logger("lineside.station")

Record = TypeVar("Record", TriggerRecord, AskedRecord, AnsweredRecord, JudgedRecord, DispositionRecord, ReportRecord)


class Journal:
    """Writes records down.

    Args:
        spool: open; closed by its owner.
        workers: whose disk thread writes.
        on_full: told when the disk takes no more, in words.
        on_back: told when it takes records again.
    """

    def __init__(
        self, spool: Spool, workers: Workers, *, on_full: Callable[[str], None], on_back: Callable[[], None]
    ) -> None:
        self._spool = spool
        self._workers = workers
        self._on_full = on_full
        self._on_back = on_back
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why the last record was not written; None if it was."""
        return self._trouble

    async def triggered(self, record: TriggerRecord) -> None:
        """A part stood at the camera."""
        await self._write(self._spool.record_trigger, record)

    async def asked(self, record: AskedRecord) -> None:
        """The server is about to be asked."""
        await self._write(self._spool.record_asked, record)

    async def answered(self, record: AnsweredRecord) -> None:
        """The server gave its verdict."""
        await self._write(self._spool.record_answered, record)

    async def judged(self, record: JudgedRecord) -> None:
        """The station has a verdict of its own."""
        await self._write(self._spool.record_inspection, record)

    async def disposed(self, record: DispositionRecord) -> None:
        """A part went somewhere."""
        await self._write(self._spool.record_disposition, record)

    async def reported(self, record: ReportRecord) -> None:
        """The station met something."""
        await self._write(self._spool.record_report, record)

    async def all_well(self, attempt_id: str) -> None:
        """All master samples passed, the last of them at this part.

        Raises:
            SpoolError: that is not on disk: the masters of before count as the last.
        """
        await self._workers.on_disk(self._spool.record_all_well, attempt_id)

    async def in_doubt(self) -> Mapping[str | None, tuple[str, ...]]:
        """By lot, the inspections since all master samples passed, as the server knows them."""
        return await self._workers.on_disk(self._spool.in_doubt)

    async def unfinished(self) -> tuple[UnfinishedPart, ...]:
        """The parts that have their trigger and not yet everything else."""
        return await self._workers.on_disk(self._spool.unfinished)

    async def _write(self, write: Callable[[Record], None], record: Record) -> None:
        try:
            await self._workers.on_disk(write, record)
        except (DiskFull, SpoolFull, SpoolBroken) as error:
            was_well, self._trouble = self._trouble is None, str(error)
            if was_well:
                _log.error("disk_takes_nothing", why=str(error))
                self._on_full(str(error))
            raise
        if self._trouble is not None:
            self._trouble = None
            _log.info("disk_takes_records_again")
            self._on_back()
