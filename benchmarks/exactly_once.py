"""`exactly_once`: every answered verdict is in the ledger once, also when the server is killed in the middle.

Clients post parts with idempotency keys. In the second run the server process gets SIGKILL while they post and is
started again on the same data; a client whose connection broke sends the same request with the same key until it has
an answer. Afterwards the ledger is read and held against what the clients were told.
"""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from benchmarks.boards import board_frames
from benchmarks.load import Connection as HttpConnection
from benchmarks.load import inspection_request
from benchmarks.options import Options
from benchmarks.report import Report, Table
from benchmarks.server import Line
from lineside.client import content_digest
from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger, verify_chain
from lineside.serving.ledger.tables import events, inspections

CLIENTS = 4
_RETRY_AFTER_S = 0.05
_GIVE_UP_AFTER_S = 120.0


@dataclass(slots=True)
class Told:
    """What the clients were told.

    Attributes:
        answers: the answer as JSON, by station and part.
        retries: requests sent again because the connection broke or the server had no room.
        replays: answers marked as given before.
        refused: parts for which the clients gave up, with the last answer.
        seconds: from the first request to the last answer.
    """

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    retries: int = 0
    replays: int = 0
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Audit:
    """What the ledger holds, compared with what the clients were told.

    Attributes:
        told: parts that the clients have an answer for.
        rows: inspections in the ledger.
        lost: told, and not in the ledger.
        twice: parts with more than one row, or a row with more than one event.
        different: told something else than the ledger says.
        untold: in the ledger without anybody having been told; harmless, the answer was lost on its way.
        not_inspected: verdicts NOT_INSPECTED among those told.
        chain_is_intact: whether the hash chain verifies.
    """

    told: int
    rows: int
    lost: int
    twice: int
    different: int
    untold: int
    not_inspected: int
    chain_is_intact: bool

    @property
    def is_exactly_once(self) -> bool:
        """Whether every verdict that was told is in an intact ledger once, as told."""
        return not (self.lost or self.twice or self.different) and self.chain_is_intact


class Clients:
    """Post parts to a line until each has its answer.

    Args:
        line: with stations `bench-0`, ... enrolled, one for each client.
        bodies: JPEG files, sent in turn.
        parts: how many, over all clients.
        clients: how many post at once.
        per_second: the pace of them all together; None: each as soon as it is answered.
    """

    def __init__(
        self,
        line: Line,
        bodies: Sequence[bytes],
        *,
        parts: int,
        clients: int = CLIENTS,
        per_second: float | None = None,
    ) -> None:
        self._line = line
        self._frames = [(body, content_digest(body)) for body in bodies]
        self._parts = parts
        self._clients = clients
        self._per_second = per_second
        self._began_s = 0.0
        self._noting = threading.Lock()
        self.told = Told()

    def start(self) -> list[threading.Thread]:
        """Start posting; the threads end when every part is answered."""
        self._began_s = time.monotonic()
        numbers = itertools.count()
        threads = [threading.Thread(target=self._post, args=(client, numbers)) for client in range(self._clients)]
        for thread in threads:
            thread.start()
        return threads

    def wait_for(self, answers: int, threads: Sequence[threading.Thread]) -> None:
        """Wait until that many parts are answered, or nobody posts any more."""
        while len(self.told.answers) < answers and any(thread.is_alive() for thread in threads):
            time.sleep(0.002)

    def _post(self, client: int, numbers: Iterator[int]) -> None:
        station = f"bench-{client}"
        connection: HttpConnection | None = None
        for number in numbers:
            if number >= self._parts:
                break
            if self._per_second is not None:
                time.sleep(max(0.0, self._began_s + number / self._per_second - time.monotonic()))
            part_id = f"part-{number}"
            body, digest = self._frames[number % len(self._frames)]
            head = inspection_request(
                body, digest=digest, station=station, part_id=part_id, key=self._line.key, idempotency_key=part_id
            )
            connection = self._until_answered((station, part_id), head, body, connection)
        if connection is not None:
            connection.close()

    def _until_answered(
        self, part: tuple[str, str], head: bytes, body: bytes, connection: HttpConnection | None
    ) -> HttpConnection | None:
        gives_up_s = time.monotonic() + _GIVE_UP_AFTER_S
        last = "no answer"
        while time.monotonic() < gives_up_s:
            try:
                connection = connection or HttpConnection(self._line.server.port)
                answer = connection.ask(head, body)
            except OSError as error:
                if connection is not None:
                    connection.close()
                last, connection = str(error), None
            else:
                if answer.status != 503:
                    with self._noting:
                        if answer.status == 200:
                            self.told.answers[part] = json.loads(answer.body)
                            self.told.replays += answer.headers.get("lineside-replayed") == "true"
                        else:
                            self.told.refused[part] = f"{answer.status} {answer.body[:300]!r}"
                    return connection
                last = "503"
            with self._noting:
                self.told.retries += 1
            time.sleep(_RETRY_AFTER_S)
        with self._noting:
            self.told.refused[part] = last
        return connection


def post_parts(line: Line, bodies: Sequence[bytes], *, parts: int, kills: int) -> Told:
    """Post parts to a running line, killing and restarting its server at even distances meanwhile."""
    clients = Clients(line, bodies, parts=parts)
    began_s = time.perf_counter()
    threads = clients.start()
    for number in range(kills):
        clients.wait_for((number + 1) * parts // (kills + 1), threads)
        line.server.kill()
        line.server.start()
    for thread in threads:
        thread.join()
    clients.told.seconds = time.perf_counter() - began_s
    return clients.told


def audit(data_dir: Path, told: Told, *, plant: str = "plant-1") -> Audit:
    """Read the ledger of a stopped server and compare."""
    url = f"sqlite:///{(data_dir / 'ledger.sqlite3').resolve()}"
    ledger = Ledger.open_readonly(url, plant=plant, clock=SystemClock())
    try:
        rows, logged = ledger.read_blocking(_rows_and_events)
        is_intact = verify_chain(ledger).is_intact
    finally:
        ledger.close()
    by_part = Counter((row["station"], row["part_id"]) for row in rows)
    by_id = {row["id"]: row for row in rows}
    events_by_id = Counter(data["id"] for data in logged)
    data_by_id = {data["id"]: data for data in logged}
    lost = [answer for answer in told.answers.values() if answer["id"] not in by_id]
    different = [
        answer
        for answer in told.answers.values()
        if answer["id"] in by_id
        and (answer["verdict"] != by_id[answer["id"]]["verdict"] or answer != data_by_id.get(answer["id"]))
    ]
    twice = [part for part, count in by_part.items() if count > 1]
    twice_logged = [identifier for identifier in by_id if events_by_id[identifier] != 1]
    return Audit(
        told=len(told.answers),
        rows=len(rows),
        lost=len(lost),
        twice=len(twice) + len(twice_logged),
        different=len(different),
        untold=len(by_part.keys() - told.answers.keys()),
        not_inspected=sum(answer["verdict"] == "NOT_INSPECTED" for answer in told.answers.values()),
        chain_is_intact=is_intact,
    )


def _rows_and_events(connection: Connection) -> tuple[list[dict[str, Any]], list[Any]]:
    rows = connection.execute(
        select(inspections.c.id, inspections.c.station, inspections.c.part_id, inspections.c.verdict)
    )
    logged = connection.execute(
        select(events.c.data).where(events.c.type == "inspection.v1").order_by(events.c.sequence)
    )
    return [dict(row) for row in rows.mappings()], list(logged.scalars())


def measure(options: Options) -> Report:
    """Post once in peace and once with a kill in the middle."""
    parts = options.some(2000, 200)
    bodies = [frame.jpeg for frame in board_frames(50)]
    rows = []
    figures = []
    for kills in (0, 1):
        options.say(f"exactly_once: {parts} parts, {kills} kills")
        line = Line.prepare(options.folder / f"kills-{kills}")
        with line.server:
            line.enrol(CLIENTS)
            told = post_parts(line, bodies, parts=parts, kills=kills)
        found = audit(line.data_dir, told)
        rows.append(
            (
                "kill -9 in the middle" if kills else "undisturbed",
                *(str(count) for count in (found.told, found.rows, found.lost, found.twice, found.different)),
                *(str(count) for count in (told.retries, told.replays, len(told.refused), found.not_inspected)),
                "verifies" if found.chain_is_intact else "BROKEN",
                f"{told.seconds:.0f} s",
            )
        )
        figures.append(
            {
                "kills": kills,
                "parts": parts,
                "told": found.told,
                "rows": found.rows,
                "lost": found.lost,
                "twice": found.twice,
                "different": found.different,
                "retries": told.retries,
                "replays": told.replays,
                "refused": list(told.refused.values())[:5],
                "chain_is_intact": found.chain_is_intact,
                "seconds": told.seconds,
            }
        )
    columns = ("run", "answered", "rows", "lost", "twice", "different", "retries", "replays", "refused")
    table = Table(
        f"Exactly once: {parts} parts by {CLIENTS} clients",
        (*columns, "not inspected", "chain", "time"),
        rows,
        (
            "lost, twice, different: answered verdicts that the ledger lacks, has more than once, or has otherwise",
            "replays: retries of parts whose first answer was lost on its way; they got the stored answer",
        ),
    )
    return Report((table,), {"runs": figures})
