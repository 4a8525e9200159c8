"""Does it add up: triggers, verdicts and fates in the spool, and what the server has of them; each gap by its part."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from lineside.client import KeyRefused, LinesideClient, NothingThere
from lineside.station.spool.database import connect_reader, disk


class GapKind(StrEnum):
    """What is missing, or is there once too often."""

    NO_VERDICT = "no_verdict"
    NO_DISPOSITION = "no_disposition"
    VERDICT_WAITS = "verdict_waits"
    """The server does not have it yet."""
    DISPOSITION_WAITS = "disposition_waits"
    VERDICT_PARKED = "verdict_parked"
    """The server refused it for good; `lineside station status` shows why."""
    DISPOSITION_PARKED = "disposition_parked"
    MISSING_AT_SERVER = "missing_at_server"
    """The server had taken it and has it no more, e.g. after a backup was restored."""
    OTHER_AT_SERVER = "other_at_server"
    """The server has another part or another verdict under that name."""
    DISPOSITION_MISSING_AT_SERVER = "disposition_missing_at_server"
    DISPOSITION_TWICE_AT_SERVER = "disposition_twice_at_server"
    UNKNOWN_TO_STATION = "unknown_to_station"
    """The server has an inspection of this station that no trigger here stands for."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that does not add up.

    Attributes:
        kind: what.
        attempt_id: of the trigger; None for what the station does not know.
        acquisition_id: the PLC's; None as above.
        part_id: which part, None if that was never known.
        inspection_id: the server's name of it, None if it has none.
    """

    kind: GapKind
    attempt_id: str | None
    acquisition_id: int | None
    part_id: str | None
    inspection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The counts of one station since its spool began.

    Attributes:
        station: whose.
        triggers: parts that stood at the camera.
        verdicts: of them, those with one.
        dispositions: of them, those whose fate is known.
        verdicts_at_server: those that the server has acknowledged.
        dispositions_at_server: as above.
        judged_by: verdicts that are remembered one by one, by who gave them.
        checked_at_server: parts that the server was asked about; 0 if it was not.
        gaps: everything that does not add up, in the order of the triggers.
    """

    station: str
    triggers: int
    verdicts: int
    dispositions: int
    verdicts_at_server: int
    dispositions_at_server: int
    judged_by: Mapping[str, int]
    checked_at_server: int
    gaps: tuple[Gap, ...]

    @property
    def is_even(self) -> bool:
        """Whether everything adds up."""
        counts = {
            self.triggers,
            self.verdicts,
            self.dispositions,
            self.verdicts_at_server,
            self.dispositions_at_server,
        }
        return not self.gaps and len(counts) == 1


def reconcile(folder: Path) -> Reconciliation:
    """Add up a spool, also beside a station that runs.

    Raises:
        SpoolMissing: there is none.
        SpoolBroken: it cannot be read.
    """
    with closing(connect_reader(folder)) as connection, disk(f"reading the spool in {folder}"):
        return _added_up(connection)


async def reconcile_with_server(folder: Path, client: LinesideClient, *, most: int = 1000) -> Reconciliation:
    """Add up a spool, and ask the server for the newest parts that it acknowledged.

    Args:
        folder: the spool's.
        client: with a key of role station; one that may list inspections also finds those that the station misses.
        most: how many parts are asked for.

    Raises:
        SpoolMissing, SpoolBroken: as `reconcile`.
        ClientError: the server is away, or refuses.
    """
    with closing(connect_reader(folder)) as connection, disk(f"reading the spool in {folder}"):
        found = _added_up(connection)
        rows = connection.execute(_ACKNOWLEDGED, (most,)).fetchall()
        known = {row[0] for row in connection.execute("SELECT COALESCE(inspection_id, id) FROM parts")}
        first = connection.execute("SELECT MIN(triggered_at) FROM parts").fetchone()[0]
        has_forgotten = _counter(connection, "parts_forgotten") > 0
    gaps = list(found.gaps)
    for row in rows:
        gaps += await _at_server(row, client)
    if first is not None and not has_forgotten:
        gaps += await _unknown(client, found.station, known=known, since=first)
    return replace(found, checked_at_server=len(rows), gaps=tuple(gaps))


def _added_up(connection: sqlite3.Connection) -> Reconciliation:
    owner = connection.execute("SELECT station FROM owner").fetchone()
    row = connection.execute(_COUNTS).fetchone()
    forgotten = _counter(connection, "parts_forgotten")
    judged_by = connection.execute(
        "SELECT judged_by, COUNT(*) FROM parts WHERE verdict IS NOT NULL GROUP BY judged_by ORDER BY judged_by"
    )
    return Reconciliation(
        station="" if owner is None else str(owner[0]),
        triggers=forgotten + int(row["triggers"]),
        verdicts=forgotten + int(row["verdicts"]),
        dispositions=forgotten + int(row["dispositions"]),
        verdicts_at_server=forgotten + int(row["verdicts_at_server"]),
        dispositions_at_server=forgotten + int(row["dispositions_at_server"]),
        judged_by={each[0]: int(each[1]) for each in judged_by},
        checked_at_server=0,
        gaps=tuple(gap for part in connection.execute(_UNEVEN) for gap in _gaps_of(part)),
    )


def _gaps_of(part: sqlite3.Row) -> Iterator[Gap]:
    kinds = {
        GapKind.NO_VERDICT: part["verdict"] is None,
        GapKind.NO_DISPOSITION: part["lane"] is None,
        GapKind.VERDICT_WAITS: part["verdict_state"] == "waiting",
        GapKind.DISPOSITION_WAITS: part["disposition_state"] == "waiting",
        GapKind.VERDICT_PARKED: part["verdict_state"] == "parked",
        GapKind.DISPOSITION_PARKED: part["disposition_state"] == "parked",
    }
    return (_gap(kind, part) for kind, is_so in kinds.items() if is_so)


def _gap(kind: GapKind, part: sqlite3.Row) -> Gap:
    return Gap(kind, part["id"], part["acquisition_id"], part["part_id"], part["inspection_id"])


async def _at_server(part: sqlite3.Row, client: LinesideClient) -> list[Gap]:
    try:
        stored = await client.stored_inspection(part["inspection_id"])
    except NothingThere:
        return [_gap(GapKind.MISSING_AT_SERVER, part)]
    gaps = []
    is_same = stored["part_id"] == part["part_id"] and (
        stored["judged_by"] != part["judged_by"] or stored["verdict"] == part["verdict"]
    )
    if not is_same:
        gaps.append(_gap(GapKind.OTHER_AT_SERVER, part))
    told = len(stored["dispositions"])
    if part["disposition_state"] == "settled" and told == 0:
        gaps.append(_gap(GapKind.DISPOSITION_MISSING_AT_SERVER, part))
    if told > 1:
        gaps.append(_gap(GapKind.DISPOSITION_TWICE_AT_SERVER, part))
    return gaps


async def _unknown(client: LinesideClient, station: str, *, known: set[Any], since: str) -> list[Gap]:
    """What the server has of this station and the station does not know; nothing where the key may not list."""
    try:
        return [
            Gap(GapKind.UNKNOWN_TO_STATION, None, None, item["part_id"], item["id"])
            async for item in client.inspections(station=station, limit=500, **{"from": since})
            if item["id"] not in known
        ]
    except KeyRefused:
        return []


def _counter(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT count FROM counters WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


_COUNTS = """
SELECT COUNT(*) AS triggers, COUNT(verdict) AS verdicts, COUNT(lane) AS dispositions,
    COALESCE(SUM(verdict_state = 'settled'), 0) AS verdicts_at_server,
    COALESCE(SUM(disposition_state = 'settled'), 0) AS dispositions_at_server
FROM parts
"""
_UNEVEN = """
SELECT * FROM parts
WHERE verdict_state IS NOT 'settled' OR disposition_state IS NOT 'settled' ORDER BY sequence
"""
_ACKNOWLEDGED = "SELECT * FROM parts WHERE verdict_state = 'settled' ORDER BY sequence DESC LIMIT ?"
