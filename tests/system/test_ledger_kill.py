"""Killed processes and failing disks lose nothing that was acknowledged."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Event, Ledger, verify_chain
from lineside.serving.ledger.tables import events, idempotency, inspections
from proofs import missing

WORKLOAD = Path(__file__).parents[2] / "benchmarks" / "ledger_workload.py"

pytestmark = pytest.mark.system


def workload(folder: Path, *, writes: int) -> list[str]:
    """The command line of a process that writes to the ledger in `folder` and notes what was acknowledged."""
    database, acknowledged = folder / "ledger.sqlite", folder / "acknowledged"
    files = ("--database", str(database), "--acknowledged", str(acknowledged))
    return [sys.executable, str(WORKLOAD), *files, "--writes", str(writes), "--writers", "8"]


def acknowledged(folder: Path) -> set[str]:
    return {line for line in (folder / "acknowledged").read_text().split("\n") if line}


def check(folder: Path) -> int:
    """Open the ledger as the next start would, check everything, and write one more event.

    Returns:
        How many inspections it holds.
    """
    clock = SystemClock()

    def identifiers(connection: Connection) -> tuple[set[str], ...]:
        answers = connection.scalars(select(events.c.data).where(events.c.type == "inspection.v1"))
        return (
            set(connection.scalars(select(inspections.c.id))),
            set(connection.scalars(select(idempotency.c.inspection_id))),
            {answer["id"] for answer in answers},
        )

    with Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}", plant="plant-1", clock=clock) as ledger:
        stored, keys, answers = ledger.read_blocking(identifiers)
        assert acknowledged(folder) <= stored, "acknowledged, and lost"
        assert stored == keys == answers, "a part of an operation"
        assert verify_chain(ledger).is_intact
        written: Event = ledger.write_blocking(
            lambda transaction: transaction.append_event("restarted.v1", station=None, occurred_at=clock.now(), data={})
        )
        assert verify_chain(ledger).checked == written.sequence
    return len(stored)


ACKNOWLEDGEMENT_BYTES = 37
"""An identifier and the line's end."""


def kill_at(process: subprocess.Popen[bytes], noted: Path, *, size_bytes: int) -> None:
    """Kill a process as soon as a file that it writes has reached a size."""
    while noted.stat().st_size < size_bytes and process.poll() is None:
        os.sched_yield()
    process.kill()
    process.wait()


def test_ten_processes_killed_while_writing_lose_no_acknowledged_verdict(tmp_path: Path) -> None:
    rng = random.Random(11)  # noqa: S311 - reproducible moments
    noted = tmp_path / "acknowledged"
    noted.touch()
    for _ in range(10):
        moment = rng.randrange(1, 400)
        before = len(acknowledged(tmp_path))
        process = subprocess.Popen(workload(tmp_path, writes=100_000), stdout=subprocess.DEVNULL)
        kill_at(process, noted, size_bytes=(before + moment) * ACKNOWLEDGEMENT_BYTES)
        assert process.returncode == -signal.SIGKILL, "it ended by itself"
        assert len(acknowledged(tmp_path)) >= before + moment
        check(tmp_path)


FAULTS: Sequence[object] = [
    pytest.param("fdatasync:error=EIO:when=30..32", id="fsync fails three times"),
    pytest.param("pwrite64:error=ENOSPC:when=1000..1100", id="the disk is full for a while"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_disk_refuses_writes_loses_none_and_is_used_again(tmp_path: Path, fault: str) -> None:
    if shutil.which("strace") is None:
        message = "strace is not on PATH: no disk fault could be injected (Debian, Ubuntu: apt install strace)"
        missing(message)
    call = fault.split(":", maxsplit=1)[0]
    tracing = ["strace", "-f", "--seccomp-bpf", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={fault}"]
    ran = subprocess.run([*tracing, *workload(tmp_path, writes=400)], check=True, capture_output=True, text=True)
    refused = int(ran.stdout)
    assert refused > 0, "the fault reached nobody"
    assert len(acknowledged(tmp_path)) == 400 - refused
    assert refused < 300
    check(tmp_path)
