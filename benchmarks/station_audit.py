"""What physically passed a station's gate, held against the station's book and the server's."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import cv2
from sqlalchemy import Connection, select

from benchmarks.station_site import Site, is_bad
from lineside.inspection.frames import MediaType
from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger
from lineside.serving.ledger.tables import dispositions, frames, inspections
from lineside.station.agent.pictures import encoded
from lineside.station.cameras import CameraFrame
from lineside.station.spool.database import FILE_NAME

_SLACK: Final = timedelta(milliseconds=100)
"""Between the PLC's scan that sees a part and the station's record of its trigger, on one clock."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        left: parts that left the gate.
        passed: of them, those in the pass lane.
        without_permit: passed though no permit let them.
        without_ok: passed without an OK of that very part that was made before it left.
        bad: passed though the picture at the server shows a defect.
        booked_otherwise: passed, and in the station's book they did not.
        triggers: in the station's book.
        verdicts: of them.
        fates: of them.
        at_server: inspections at the server, without those that were not heard.
        unheard: the server's own of parts that the station judged otherwise, when no answer came: both are kept.
        lost: triggers that the server has no inspection of, or no fate.
        twice: inspections or fates that the server has once too often.
        unbooked: parts that the PLC triggered and the station has no record of; none of them passed, or they would
            count as without an OK.
        judged_by: verdicts by who gave them.
        not_inspected: verdicts that say so.
    """

    left: int
    passed: int
    without_permit: int
    without_ok: int
    bad: int
    booked_otherwise: int
    triggers: int
    verdicts: int
    fates: int
    at_server: int
    unheard: int
    lost: int
    twice: int
    unbooked: int
    judged_by: Mapping[str, int]
    not_inspected: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing passed unearned and all adds up."""
        unearned = self.without_permit + self.without_ok + self.bad + self.booked_otherwise
        return unearned + self.lost + self.twice == 0 and self.triggers == self.verdicts == self.fates == self.at_server


@dataclass(frozen=True, slots=True)
class _AtServer:
    verdict: str
    judged_at: datetime
    digests: frozenset[str]
    fates: int

    def is_answer_to(self, book: Sequence[sqlite3.Row]) -> bool:
        """Whether it is of pictures that the station asked about, and has no fate of its own."""
        asked = (set(json.loads(row["asked"]).values()) for row in book if row["asked"] is not None)
        return bool(self.digests) and self.fates == 0 and any(self.digests <= digests for digests in asked)


def audit(site: Site) -> Audit:
    """Read what the PLC wrote down, the spool and the ledger; neither server nor station need run."""
    left = [json.loads(line) for line in site.left_file.read_text("utf-8").splitlines() if line.endswith("}")]
    book = _book(site)
    server = _server(site)
    defective = _defective(site)
    by_trigger: dict[int, list[sqlite3.Row]] = {}
    for written in book:
        by_trigger.setdefault(written["acquisition_id"], []).append(written)
    counts: Counter[str] = Counter()
    for part in left:
        row = _row_of(part, by_trigger)
        counts["unbooked"] += part["acquisition_id"] is not None and row is None
        if part["lane"] == "pass":
            counts["passed"] += 1
            counts["without_permit"] += part["why"] != "permit"
            known = None if row is None else server.get(row["inspection_id"] or row["id"])
            is_earned = (
                row is not None
                and row["verdict"] == "OK"
                and known is not None
                and known.verdict == "OK"
                and known.judged_at <= _at(part["left_s"])
            )
            counts["without_ok"] += not is_earned
            counts["bad"] += known is not None and bool(known.digests & defective)
            counts["booked_otherwise"] += row is not None and row["lane"] != "pass"
    names = [row["inspection_id"] or row["id"] for row in book]
    strange = server.keys() - set(names)
    unheard = {name for name in strange if server[name].is_answer_to(book)}
    return Audit(
        left=len(left),
        passed=counts["passed"],
        without_permit=counts["without_permit"],
        without_ok=counts["without_ok"],
        bad=counts["bad"],
        booked_otherwise=counts["booked_otherwise"],
        triggers=len(book),
        verdicts=sum(row["verdict"] is not None for row in book),
        fates=sum(row["lane"] is not None for row in book),
        at_server=len(server) - len(unheard),
        unheard=len(unheard),
        lost=sum(name not in server or server[name].fates == 0 for name in names),
        twice=len(strange - unheard)
        + sum(count > 1 for count in Counter(names).values())
        + sum(each.fates > 1 for each in server.values()),
        unbooked=counts["unbooked"],
        judged_by=Counter(str(row["judged_by"]) for row in book),
        not_inspected=sum(row["verdict"] == "NOT_INSPECTED" for row in book),
    )


def _row_of(part: Mapping[str, Any], by_trigger: Mapping[int, Sequence[sqlite3.Row]]) -> sqlite3.Row | None:
    """The record of a part: its number's, triggered while it was on its way; a restarted PLC gives numbers twice."""
    since, until = _at(part["seen_s"]) - _SLACK, _at(part["left_s"])
    found = [
        row
        for row in by_trigger.get(part["acquisition_id"], ())
        if since <= datetime.fromisoformat(row["triggered_at"]) <= until
    ]
    return found[0] if len(found) == 1 else None


def _at(monotonic_s: float) -> datetime:
    """An instant of the machine's monotonic clock, which all its processes share."""
    return datetime.fromtimestamp(time.time() - time.monotonic() + monotonic_s, UTC)


def _book(site: Site) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(site.spool / FILE_NAME)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM parts ORDER BY sequence").fetchall()


def _server(site: Site) -> dict[str, _AtServer]:
    url = f"sqlite:///{(site.line.data_dir / 'ledger.sqlite3').resolve()}"
    ledger = Ledger.open_readonly(url, plant="plant-1", clock=SystemClock())
    try:
        return ledger.read_blocking(_inspections)
    finally:
        ledger.close()


def _inspections(connection: Connection) -> dict[str, _AtServer]:
    fates = Counter(str(row[0]) for row in connection.execute(select(dispositions.c.inspection_id)))
    digests: dict[str, set[str]] = {}
    for identifier, digest in connection.execute(select(frames.c.inspection_id, frames.c.digest)):
        digests.setdefault(str(identifier), set()).add(digest)
    rows = connection.execute(select(inspections.c.id, inspections.c.verdict, inspections.c.judged_at))
    return {
        str(identifier): _AtServer(
            verdict, judged_at, frozenset(digests.get(str(identifier), ())), fates[str(identifier)]
        )
        for identifier, verdict, judged_at in rows
    }


def _defective(site: Site) -> frozenset[str]:
    """Digests of the pictures with a defect, as the station sends them."""
    return frozenset(_digests(site))


def _digests(site: Site) -> Iterator[str]:
    for path in sorted(site.folder.glob("pictures*/part-*.png")):
        number = int(path.stem.removeprefix("part-"))
        if is_bad(number):
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise FileNotFoundError(path)
            frame = CameraFrame(image, "default", number, datetime.now(UTC), 0.0)  # type: ignore[arg-type]  # uint8 as read
            yield encoded(frame, view="default", media_type=MediaType.PNG).digest
