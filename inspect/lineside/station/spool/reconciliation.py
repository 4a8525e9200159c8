"""Does it add up: triggers, verdicts and fates in the spool, and what the server has of them; each gap by its part."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from lineside.client import KeyRefused, LinesideClient, NothingThere
from lineside.station.rig import Lane
from lineside.station.spool.database import connect_reader, disk
from lineside.station.spool.wire import DISPOSITION_KINDS


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
    OTHER_DISPOSITION_AT_SERVER = "other_disposition_at_server"
    """The server has the part on another lane."""
    DISPOSITION_TWICE_AT_SERVER = "disposition_twice_at_server"
    """The server has it on a lane more than once; what became of it later, e.g. scrapped, is not counted."""
    REPORT_WAITS = "report_waits"
    REPORT_PARKED = "report_parked"
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
        report_id: of a report that the server does not have; None for all else.
    """

    kind: GapKind
    attempt_id: str | None
    acquisition_id: int | None
    part_id: str | None
    inspection_id: str | None = None
    report_id: str | None = None


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
        gaps: everything that does not add up, in the order of the triggers; then reports.
        unknown_not_sought: why it was not looked whether the server has parts that the station does not know; None if
            it was.
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
    unknown_not_sought: str | None = None

    @property
    def is_even(self) -> bool:
        """Whether everything adds up that was looked at."""
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
        known = _Known.of(connection)
        has_forgotten = _counter(connection, "parts_forgotten") > 0
    gaps = list(found.gaps)
    for row in rows:
        gaps += await _at_server(row, client)
    not_sought = "the spool does not remember its oldest parts one by one any more" if has_forgotten else None
    if known.since is not None and not has_forgotten:
        try:
            gaps += await _unknown(client, found.station, known)
        except KeyRefused:
            not_sought = "the key may not list inspections; a quality engineer's may"
    return replace(found, checked_at_server=len(rows), unknown_not_sought=not_sought, gaps=tuple(gaps))


@dataclass(frozen=True, slots=True)
class _Known:
    """What a spool knows of the server's inspections.

    Attributes:
        names: of its parts' inspections.
        asked: by part, the digests by view of what the server was asked with, each time.
        since: when the first part was triggered; None without parts.
    """

    names: frozenset[str]
    asked: Mapping[str, Sequence[Mapping[str, str]]]
    since: str | None

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Self:
        """Read it."""
        asked: dict[str, list[Mapping[str, str]]] = {}
        for part_id, digests in connection.execute("SELECT part_id, asked FROM parts WHERE asked IS NOT NULL"):
            asked.setdefault(part_id, []).append(json.loads(digests))
        return cls(
            frozenset(row[0] for row in connection.execute("SELECT COALESCE(inspection_id, id) FROM parts")),
            asked,
            connection.execute("SELECT MIN(triggered_at) FROM parts").fetchone()[0],
        )

    def explains(self, stored: Mapping[str, Any]) -> bool:
        """Whether it is an answer that was not heard: the station's own verdict stands as another attempt."""
        judged = {frame["view"]: frame["digest"] for frame in stored["frames"]}
        sent = self.asked.get(stored["part_id"], ())
        return stored["judged_by"] == "server" and bool(judged) and any(judged.items() <= each.items() for each in sent)


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
        gaps=tuple(_gaps(connection)),
        unknown_not_sought="the server was not asked",
    )


def _gaps(connection: sqlite3.Connection) -> Iterator[Gap]:
    for part in connection.execute(_UNEVEN):
        yield from _gaps_of(part)
    for report_id, state in connection.execute(_REPORTS):
        yield Gap(_REPORT_GAPS[state], None, None, None, report_id=report_id)


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
    lanes = [each["kind"] for each in stored["dispositions"] if each["kind"] in _LANES]
    if part["disposition_state"] == "settled" and not lanes:
        gaps.append(_gap(GapKind.DISPOSITION_MISSING_AT_SERVER, part))
    elif part["lane"] is not None and set(lanes) - {DISPOSITION_KINDS[Lane(part["lane"])]}:
        gaps.append(_gap(GapKind.OTHER_DISPOSITION_AT_SERVER, part))
    if len(lanes) > 1:
        gaps.append(_gap(GapKind.DISPOSITION_TWICE_AT_SERVER, part))
    return gaps


async def _unknown(client: LinesideClient, station: str, known: _Known) -> list[Gap]:
    """What the server has of this station and the station does not know.

    Raises:
        KeyRefused: the key may not list inspections.
    """
    return [
        Gap(GapKind.UNKNOWN_TO_STATION, None, None, item["part_id"], item["id"])
        async for item in client.inspections(station=station, limit=500, **{"from": str(known.since)})
        if item["id"] not in known.names and not known.explains(await client.stored_inspection(item["id"]))
    ]


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
_REPORTS = "SELECT id, state FROM queue WHERE kind = 'report' ORDER BY sequence"
_REPORT_GAPS: Final = {"waiting": GapKind.REPORT_WAITS, "parked": GapKind.REPORT_PARKED}
_LANES: Final = frozenset(DISPOSITION_KINDS.values())
_ACKNOWLEDGED = "SELECT * FROM parts WHERE verdict_state = 'settled' ORDER BY sequence DESC LIMIT ?"
