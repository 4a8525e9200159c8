"""One record to the server, so that whatever was heard of an earlier try, it counts once.

A station's own record goes under its own UUID. Where the server stands in the way with an inspection of its own, that
one is kept if it is of the very pictures that this part was asked about; if it is of an earlier pass of the part, this
one is handed in as the next attempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lineside.client import Cause, Contradicted, InspectionAnswer, LinesideClient, NothingThere
from lineside.station.spool.outbox import RecordKind, WaitingRecord

_MOST_ATTEMPTS: Final = 20  # of one part; the API takes 1000


class StillOpen(Exception):
    """The server waits for views of that attempt; it closes at its deadline."""


@dataclass(frozen=True, slots=True)
class HandingIn:
    """Tells the server one record.

    Attributes:
        client: with a key of role station.
        station: whose records.
    """

    client: LinesideClient
    station: str

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
        body = dict(record.body)
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            if attempt > 1:
                body |= {"attempt": attempt, "cause": Cause.RETEST.value}
            try:
                await self.client.put_inspection(record.id, body, record.pictures)
            except Contradicted as refusal:
                standing = await self._standing(record, refusal)
                if standing is None:
                    continue
                return standing
            return record.id
        raise StillOpen(f"part {body['part_id']!r} has {_MOST_ATTEMPTS} attempts already")

    async def _standing(self, record: WaitingRecord, refusal: Contradicted) -> str | None:
        """The inspection that is this part's, None if another pass of the part stands there.

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
        return named if self._is_ours(found, record) else None

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


_MAY_BE_OPEN: Final = frozenset({"attempt-closed", "attempt-out-of-order", "view-conflict"})
