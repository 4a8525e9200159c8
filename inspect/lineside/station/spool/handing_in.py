"""One record to the server, so that whatever was heard of an earlier try, it counts once.

A station's own record goes under its own UUID. Where the server stands in the way with an inspection of its own, that
one is this part's if it is of the very pictures that the part was asked about, no other part of ours has it, and the
station found nothing else by itself. Else this one is handed in as the next attempt: so what opened the gate, or
rejected the part, is kept with its pictures beside what the server found unheard.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lineside.client import Cause, Contradicted, InspectionAnswer, LinesideClient, NothingThere
from lineside.inspection.verdict import Verdict
from lineside.station.spool.outbox import RecordKind, WaitingRecord

_MOST_ATTEMPTS: Final = 1000  # of one part, as the API takes them


class StillOpen(Exception):
    """The server waits for views of that attempt; it closes at its deadline."""


@dataclass(frozen=True, slots=True)
class HandingIn:
    """Tells the server one record.

    Attributes:
        client: with a key of role station.
        station: whose records.
        is_taken: whether an inspection of the server is another part's than the one that is named; blocks.
    """

    client: LinesideClient
    station: str
    is_taken: Callable[[str, str], bool]

    async def hand_in(self, record: WaitingRecord) -> str | None:
        """Tell the server.

        Returns:
            Of an inspection: under which identifier the server has it.

        Raises:
            StillOpen: the part's attempt is not closed yet.
            ClientError: the server refuses, or is away.
        """
        if record.kind is RecordKind.INSPECTION:
            return await self._inspection(record)
        if record.kind is RecordKind.DISPOSITION:
            await self._disposition(record)
        else:
            await self._report(record)
        return None

    async def _inspection(self, record: WaitingRecord) -> str:
        """Hand it in as the attempt after the last; a part that passes often has many, so that one is searched for."""
        body = dict(record.body)
        closed, skipping = 0, None  # the last attempt known to have its verdict; the first known to skip one
        attempt = 1
        while True:
            if attempt > 1:
                body |= {"attempt": attempt, "cause": Cause.RETEST.value}
            try:
                await self.client.put_inspection(record.id, body, record.pictures)
            except Contradicted as refusal:
                if refusal.problem.kind == _OUT_OF_ORDER and attempt > closed + 1:
                    skipping = attempt
                else:
                    standing = await self._standing(record, refusal)
                    if standing is not None:
                        return standing
                    if attempt == _MOST_ATTEMPTS:
                        raise
                    closed = attempt
            else:
                return record.id
            attempt = min(2 * closed, _MOST_ATTEMPTS) if skipping is None else (closed + skipping) // 2
            attempt = max(attempt, closed + 1)

    async def _standing(self, record: WaitingRecord, refusal: Contradicted) -> str | None:
        """The inspection that is this part's, None if another pass of the part stands there, or the station found more.

        Raises:
            StillOpen: it has no verdict yet.
            Contradicted: the refusal is about something else.
        """
        if await self._find(record.id) is not None:
            return record.id  # an earlier try arrived, with another attempt's number
        named = refusal.problem.inspection_id
        if named is None:
            if refusal.problem.kind in _MAY_BE_OPEN:
                raise StillOpen(str(refusal)) from refusal
            raise refusal
        found = await self._find(named)
        if found is None:
            raise StillOpen(str(refusal)) from refusal
        if not self._is_ours(found, record) or not _says_as_much(found, record):
            return None
        return None if await asyncio.to_thread(self.is_taken, named, record.id) else named

    def _is_ours(self, found: InspectionAnswer, record: WaitingRecord) -> bool:
        """Whether the server judged pictures that it was sent for this very trigger."""
        sent = record.asked or {}
        judged = {frame.view: frame.digest for frame in found.frames}
        return found.station == self.station and bool(judged) and judged.items() <= sent.items()

    async def _find(self, inspection_id: str) -> InspectionAnswer | None:
        try:
            return await self.client.inspection(inspection_id)
        except NothingThere:
            return None

    async def _disposition(self, record: WaitingRecord) -> None:
        if record.inspection_id is None:
            raise ValueError(f"the disposition of {record.id} has no inspection yet")
        said: Mapping[str, Any] = record.body
        await self.client.dispose(
            record.inspection_id,
            kind=said["kind"],
            confirmed_by_sensor=said["confirmed_by_sensor"],
            at=datetime.fromisoformat(said["at"]),
            idempotency_key=f"{record.id}.disposition",
        )

    async def _report(self, record: WaitingRecord) -> None:
        said = {**record.body, "at": datetime.fromisoformat(record.body["at"])}
        await self.client.station_report(self.station, report_id=record.id, **said)


def _says_as_much(found: InspectionAnswer, record: WaitingRecord) -> bool:
    """Whether nothing that the station found is lost where its record gives way to the server's."""
    own = Verdict(record.body["verdict"])
    if own is Verdict.NOT_INSPECTED:
        return True
    kept = {frame.digest for frame in found.frames if frame.kept}
    return found.verdict is own and (own is Verdict.OK or all(each["digest"] in kept for each in record.body["frames"]))


_OUT_OF_ORDER: Final = "attempt-out-of-order"
_MAY_BE_OPEN: Final = frozenset({"attempt-closed", _OUT_OF_ORDER, "view-conflict"})
