"""Writes to a real ledger as the inspection service does, and notes each acknowledgement in a file.

What the power-cut replay, the kill test and the injected disk faults put under load:

    python benchmarks/ledger_workload.py --database ledger.sqlite --acknowledged acks --writes 300 --writers 4

Each write is one operation of three rows (inspection, event, idempotency key) that belong together. A line of the
acknowledgement file is the inspection's identifier; it is written only after the ledger said that it is durable.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, insert

from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger, LedgerUnavailable, Transaction
from lineside.serving.ledger.tables import idempotency, inspections

PLANT = "plant-1"


def verdict_operation(ledger: Ledger, part_id: str) -> Callable[[Transaction], str]:
    """What one answered inspection writes.

    Returns:
        An operation that returns the inspection's identifier.
    """
    inspection_id = ledger.new_id()

    def write(transaction: Transaction) -> str:
        now = transaction.now()
        answer = {"id": inspection_id, "part_id": part_id, "verdict": "OK", "reasons": [], "note": "x" * 400}
        transaction.connection.execute(
            insert(inspections),
            {
                "id": inspection_id,
                "plant": transaction.plant,
                "station": "station-1",
                "part_id": part_id,
                "attempt": 1,
                "cause": "first",
                "judged_by": "server",
                "verdict": "OK",
                "reasons": [],
                "thresholds": {},
                "timings": {},
                "opened_at": now,
                "judged_at": now,
            },
        )
        transaction.connection.execute(
            insert(idempotency),
            {
                "scope": "station-1",
                "key": part_id,
                "request_digest": "0" * 64,
                "status": 200,
                "inspection_id": inspection_id,
                "created_at": now,
            },
        )
        transaction.append_event("inspection.v1", station="station-1", occurred_at=now, data=answer)
        return inspection_id

    return write


def use_synchronous_normal() -> None:
    """Weaken every SQLite connection of this process: the control that shows that a replay can fail."""

    @event.listens_for(Engine, "begin")
    def weaken(connection: Connection) -> None:
        driver_connection: Any = connection.connection.dbapi_connection
        driver_connection.execute("PRAGMA synchronous=NORMAL")  # before BEGIN: not allowed inside a transaction


async def _run(ledger: Ledger, acknowledged: int, *, writes: int, writers: int) -> int:
    prefix = ledger.new_id()
    numbers = iter(range(writes))
    refused = 0

    async def write_until_done() -> None:
        nonlocal refused
        for number in numbers:
            try:
                identifier = await ledger.write(verdict_operation(ledger, f"{prefix}-{number}"))
            except LedgerUnavailable:
                refused += 1
            else:
                os.write(acknowledged, f"{identifier}\n".encode())

    await asyncio.gather(*(write_until_done() for _ in range(writers)))
    return refused


def main() -> None:
    """Parse, write, and end without closing anything, as a crash would."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--acknowledged", type=Path, required=True, help="where acknowledgements are noted")
    parser.add_argument("--writes", type=int, default=300)
    parser.add_argument("--writers", type=int, default=4, help="how many write at once")
    parser.add_argument("--normal", action="store_true", help="synchronous=NORMAL: loses rows in a power cut")
    arguments = parser.parse_args()
    if arguments.normal:
        use_synchronous_normal()
    acknowledged = os.open(arguments.acknowledged, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    ledger = Ledger.open(f"sqlite:///{arguments.database.resolve()}", plant=PLANT, clock=SystemClock())
    refused = asyncio.run(_run(ledger, acknowledged, writes=arguments.writes, writers=arguments.writers))
    print(refused)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
