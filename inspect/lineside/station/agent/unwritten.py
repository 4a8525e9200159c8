"""What was not written of parts whose trigger stands on disk: written when the disk takes records again.

Without this such a part would have no verdict or no fate until the station's next start, which can only guess the fate.
There are never more of them than parts on their way: while the disk takes nothing, no trigger is taken.
"""

from collections import deque
from contextlib import suppress

from lineside.client.clock import Clock
from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.identity import nameless
from lineside.station.agent.journal import Journal
from lineside.station.spool import (
    DispositionRecord,
    JudgedRecord,
    RecordContradicts,
    SpoolError,
    StationJudgement,
    UnfinishedPart,
)

_WHY = "the part's verdict could not be written down"


class Unwritten:
    """Keeps it.

    Args:
        journal: that takes it, in the end.
        clock: the station's.
    """

    def __init__(self, journal: Journal, *, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._unjudged: set[str] = set()
        self._fates: deque[DispositionRecord] = deque()

    def keep_unjudged(self, attempt_id: str) -> None:
        """A part's verdict, if it had one, was not written: it had no permit, and is NOT_INSPECTED."""
        self._unjudged.add(attempt_id)

    def keep_fate(self, record: DispositionRecord) -> None:
        """Where a part went was not written."""
        self._fates.append(record)

    async def write(self) -> None:
        """Write what can be written; what the disk refuses again is kept, and what has no trigger there is let go."""
        try:
            if self._unjudged:
                await self._write_verdicts()
            while self._fates:
                await self._write_fate()
        except SpoolError:
            return

    async def _write_verdicts(self) -> None:
        handled = frozenset(self._unjudged)  # meanwhile others may come
        for part in await self._journal.unfinished():
            if part.verdict is None and part.id in handled:
                with suppress(RecordContradicts):  # it got its verdict in between
                    await self._journal.judged(self._not_inspected(part))
        self._unjudged -= handled

    async def _write_fate(self) -> None:
        record = self._fates.popleft()
        try:
            await self._journal.disposed(record)
        except RecordContradicts:
            return
        except SpoolError:
            self._fates.appendleft(record)
            raise

    def _not_inspected(self, part: UnfinishedPart) -> JudgedRecord:
        name = part.part_id or nameless(part.id, code=ReasonCode.STATION_FAULT, message=_WHY).part_id
        judgement = StationJudgement.not_inspected(ReasonCode.STATION_FAULT, _WHY)
        return JudgedRecord(part.id, name, judgement, part.at, max(self._clock.now(), part.at))
