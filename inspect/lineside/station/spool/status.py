"""What waits in a spool, what was put aside, and how much room there is."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lineside.station.spool.database import connect_reader, disk
from lineside.station.spool.room import Worth


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that the server will not take as it is.

    Attributes:
        kind: "inspection", "disposition" or "report".
        id: the part's or the report's UUID.
        trouble: what the server said.
        recorded_at: when it was written, as the station's clock had it.
    """

    kind: str
    id: str
    trouble: str
    recorded_at: str


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """How a spool stands.

    Attributes:
        station: whose.
        waiting: records that wait for the server, by kind.
        oldest_at: when the first of them was written; None if nothing waits.
        parked: what was put aside, the oldest first.
        picture_bytes: of the pictures that wait, by verdict.
        pictures_dropped: pictures that made way for others since the spool began, by verdict; an NG one never does.
        reports_sent: reports that the server has.
    """

    station: str
    waiting: Mapping[str, int]
    oldest_at: str | None
    parked: tuple[ParkedRecord, ...]
    picture_bytes: Mapping[str, int]
    pictures_dropped: Mapping[str, int]
    reports_sent: int


def spool_status(folder: Path) -> SpoolStatus:
    """Look into a spool, also beside a station that runs.

    Raises:
        SpoolMissing: there is none.
        SpoolBroken: it cannot be read.
    """
    with closing(connect_reader(folder)) as connection, disk(f"reading the spool in {folder}"):
        owner = connection.execute("SELECT station FROM owner").fetchone()
        waiting = connection.execute("SELECT kind, COUNT(*) FROM queue WHERE state = 'waiting' GROUP BY kind")
        oldest = connection.execute("SELECT recorded_at FROM queue WHERE state = 'waiting' ORDER BY sequence LIMIT 1")
        parked = connection.execute(
            "SELECT kind, id, trouble, recorded_at FROM queue WHERE state = 'parked' ORDER BY sequence"
        )
        sizes = connection.execute("SELECT worth, SUM(size_bytes) FROM pictures GROUP BY worth")
        counters = {row[0]: int(row[1]) for row in connection.execute("SELECT name, count FROM counters")}
        first = oldest.fetchone()
        return SpoolStatus(
            station="" if owner is None else str(owner[0]),
            waiting={row[0]: int(row[1]) for row in waiting},
            oldest_at=None if first is None else str(first[0]),
            parked=tuple(ParkedRecord(row[0], row[1], row[2] or "", row[3]) for row in parked),
            picture_bytes={Worth(row[0]).name: int(row[1]) for row in sizes},
            pictures_dropped={
                name.removeprefix(_DROPPED): count for name, count in counters.items() if name.startswith(_DROPPED)
            },
            reports_sent=counters.get("reports_settled", 0),
        )


_DROPPED = "pictures_dropped_"
