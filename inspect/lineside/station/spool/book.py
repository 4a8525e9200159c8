"""The parts that stand in a spool, one by one."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.spool.database import connect_reader, disk


@dataclass(frozen=True, slots=True)
class BookedPart:
    """One trigger, and what came of it.

    Attributes:
        attempt_id: the station's name of it.
        acquisition_id: the PLC's.
        part_id: which part; None while that is not known.
        verdict: None while there is none.
        judged_by: "server" or "station"; None while there is no verdict.
        lane: where it went, as far as the station knows; None while it does not.
        inspection_id: the server's name of it; None while the server does not have it.
    """

    attempt_id: str
    acquisition_id: int
    part_id: str | None
    verdict: Verdict | None
    judged_by: str | None
    lane: Lane | None
    inspection_id: str | None


def booked_parts(folder: Path) -> tuple[BookedPart, ...]:
    """The parts that a spool remembers one by one, in the order of their triggers.

    Raises:
        SpoolMissing: there is none.
        SpoolBroken: it cannot be read.
    """
    with closing(connect_reader(folder)) as connection, disk(f"reading the spool in {folder}"):
        return tuple(
            BookedPart(
                attempt_id=row["id"],
                acquisition_id=row["acquisition_id"],
                part_id=row["part_id"],
                verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
                judged_by=row["judged_by"],
                lane=None if row["lane"] is None else Lane(row["lane"]),
                inspection_id=row["inspection_id"] if row["verdict_state"] == "settled" else None,
            )
            for row in connection.execute("SELECT * FROM parts ORDER BY sequence")
        )
