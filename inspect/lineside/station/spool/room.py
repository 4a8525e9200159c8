"""Which pictures stay when there is no room for all: the OK ones go first, then the NOT_INSPECTED, an NG one never."""

import sqlite3
from collections.abc import Set
from dataclasses import dataclass
from enum import IntEnum

from lineside.inspection.verdict import Verdict
from lineside.station.spool.errors import SpoolFull


class Worth(IntEnum):
    """How long a picture stays when others need its room."""

    OK = 0
    NOT_INSPECTED = 1
    NG = 2


WORTH_OF = {Verdict.OK: Worth.OK, Verdict.NOT_INSPECTED: Worth.NOT_INSPECTED, Verdict.NG: Worth.NG}


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """What becomes of a part's pictures.

    Attributes:
        takes: whether they are kept.
        dropped: digests of the pictures that make way for them.
    """

    takes: bool
    dropped: tuple[str, ...] = ()


def plan_room(
    connection: sqlite3.Connection, *, need_bytes: int, named: Set[str], worth: Worth, max_bytes: int
) -> RoomPlan:
    """Find room for a part's pictures.

    Args:
        connection: the spool's.
        need_bytes: of the pictures that are not there yet.
        named: digests of all the part's pictures: one that is there for another part makes no way for the rest.
        worth: of the part.
        max_bytes: of all pictures.

    Raises:
        SpoolFull: NG pictures that wait for the server leave no room, and a part that was looked at needs some.
    """
    held = {Worth(row[0]): int(row[1]) for row in connection.execute(_HELD)}
    staying_bytes = held.get(Worth.NG, 0)
    if worth is Worth.NG:  # a picture that it has in common with a lesser part stays from now on
        staying_bytes += sum(_lesser_bytes(connection, digest) for digest in named)
    if staying_bytes + need_bytes > max_bytes:
        if worth is Worth.NOT_INSPECTED:
            return RoomPlan(takes=False)
        raise SpoolFull(
            f"pictures of NG parts wait for the server with {staying_bytes} bytes, and {need_bytes} more do not fit "
            f"into {max_bytes}: get the server back, or give the spool more room in the station's file"
        )
    missing_bytes = sum(held.values()) + need_bytes - max_bytes
    dropped = []
    for digest, size_bytes in connection.execute(_VICTIMS, (worth, Worth.NG)):
        if missing_bytes <= 0:
            break
        if digest in named:
            continue
        dropped.append(digest)
        missing_bytes -= size_bytes
    return RoomPlan(missing_bytes <= 0, tuple(dropped) if missing_bytes <= 0 else ())


def _lesser_bytes(connection: sqlite3.Connection, digest: str) -> int:
    """The size of a picture that is kept and might have been dropped."""
    row = connection.execute("SELECT size_bytes FROM pictures WHERE digest = ? AND worth < ?", (digest, Worth.NG))
    found = row.fetchone()
    return 0 if found is None else int(found[0])


_HELD = "SELECT worth, SUM(size_bytes) FROM pictures GROUP BY worth"
_VICTIMS = "SELECT digest, size_bytes FROM pictures WHERE worth <= ? AND worth < ? ORDER BY worth, sequence"
