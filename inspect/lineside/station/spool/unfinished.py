"""Parts that a crash left without a verdict or without a fate, and the record that closes one."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.spool.judgement import StationJudgement
from lineside.station.spool.records import JudgedRecord

MOST_IN_EVIDENCE: Final = 100
"""Of such parts' names, with up to 200 characters each, in a report's evidence: the server takes 64 KiB."""

_MOST_LISTED: Final = 20


def listed(names: Sequence[str]) -> str:
    """The first of many names, for a message to people."""
    return ", ".join(names[:_MOST_LISTED]) + (" ..." if len(names) > _MOST_LISTED else "")


@dataclass(frozen=True, slots=True)
class UnfinishedPart:
    """A part that has its trigger and not yet everything else.

    Attributes:
        id: of the trigger.
        acquisition_id: the PLC's.
        encoder: counts at the trigger.
        at: aware instant of the trigger.
        part_id: which part; None if that was not known yet.
        asked: digests by view of what the server was about to be asked with; None if it was not asked.
        verdict: None without one.
        has_disposition: whether it is known where it went.
    """

    id: str
    acquisition_id: int
    encoder: int
    at: datetime
    part_id: str | None
    asked: Mapping[str, str] | None
    verdict: Verdict | None
    has_disposition: bool


def unfinished_parts(connection: sqlite3.Connection) -> tuple[UnfinishedPart, ...]:
    """All of them, in the spool's order."""
    rows = connection.execute("SELECT * FROM parts WHERE verdict IS NULL OR lane IS NULL ORDER BY sequence")
    return tuple(
        UnfinishedPart(
            id=row["id"],
            acquisition_id=row["acquisition_id"],
            encoder=row["encoder"],
            at=datetime.fromisoformat(row["triggered_at"]),
            part_id=row["part_id"],
            asked=None if row["asked"] is None else json.loads(row["asked"]),
            verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
            has_disposition=row["lane"] is not None,
        )
        for row in rows
    )


def interrupted(part: UnfinishedPart, *, nameless: str, at: datetime) -> JudgedRecord:
    """The verdict of a part that the station was busy with when it died; it had no permit.

    The server may have judged it all the same: then its inspection is the one that stays.

    Args:
        part: without a verdict.
        nameless: what to call a part whose name was not known yet.
        at: aware instant, now.
    """
    judgement = StationJudgement.not_inspected(
        ReasonCode.INTERRUPTED, "the station stopped before the part had its verdict"
    )
    return JudgedRecord(part.id, part.part_id or nameless, judgement, part.at, at)
