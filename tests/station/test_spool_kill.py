"""A station killed between any two writes loses nothing that it acknowledged, and doubles nothing when it goes on."""

import os
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.spool import AnsweredRecord, Spool, SpoolLimits
from lineside.station.spool.outbox import RecordKind
from spooled_parts import START, Parts, a_view

Write = Callable[[Spool], None]


@dataclass(frozen=True)
class Step:
    """One thing that a station does, and what must hold from then on."""

    name: str
    write: Write


def a_shift() -> Sequence[Step]:
    """A few parts as a station writes them: judged by the server, by itself, unheard; and the server takes some."""
    parts = Parts()
    steps = []
    for verdict, body in ((Verdict.OK, b"o" * 900), (Verdict.NG, b"n" * 900)):
        trigger = parts.trigger()
        judged = parts.judged(trigger, verdict, {"default": a_view(body)})
        disposed = parts.disposed(trigger, Lane.REJECT)
        steps += [
            Step(f"trigger {trigger.id}", lambda spool, it=trigger: spool.record_trigger(it)),  # type: ignore[misc]
            Step(f"inspection {trigger.id}", lambda spool, it=judged: spool.record_inspection(it)),  # type: ignore[misc]
            Step(f"disposition {trigger.id}", lambda spool, it=disposed: spool.record_disposition(it)),  # type: ignore[misc]
        ]
    asked = parts.trigger()
    sent = parts.asked(asked, b"sent")
    answered = AnsweredRecord(asked.id, "P-3", "inspection-3", Verdict.OK, START)
    report = parts.report()
    return [
        *steps,
        Step(f"trigger {asked.id}", lambda spool: spool.record_trigger(asked)),
        Step("asked", lambda spool: None if _has_verdict(spool, asked.id) else spool.record_asked(sent)),
        Step("answered", lambda spool: spool.record_answered(answered)),
        Step(f"report {report.id}", lambda spool: spool.record_report(report)),
    ]


def _has_verdict(spool: Spool, attempt_id: str) -> bool:
    return attempt_id not in {part.id for part in spool.unfinished() if part.verdict is None}


class Killer:
    """Kills its own process before the n-th write of any kind: SQL statement, sync, rename or removal."""

    def __init__(self, before: int) -> None:
        self.left = before

    def __call__(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Come in between."""
        for module, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
            patch.setattr(module, name, self._before(getattr(module, name)))
        connect = sqlite3.connect

        def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **kwargs)
            connection.set_trace_callback(self)
            return connection

        patch.setattr(sqlite3, "connect", traced)

    def _before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self()
            return real(*args, **kwargs)

        return call


def in_child(folder: Path, steps: Sequence[Step], *, killed_before: int) -> tuple[bool, list[str]]:
    """Do the steps in another process; says whether it lived, and which steps it acknowledged."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        code = 1
        try:
            patch = pytest.MonkeyPatch()
            Killer(killed_before).watch(patch)
            with opened(folder) as spool:
                for step in steps:
                    step.write(spool)
                    os.write(write_end, f"{step.name}\n".encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as told:
        acknowledged = told.read().splitlines()
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), f"the child failed by itself: {status}"
    return status == 0, acknowledged


def opened(folder: Path) -> Spool:
    return Spool(folder, station="aoi-1", limits=SpoolLimits(max_bytes=1000))


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """In memory where the system has such a place: a kill needs no disk, and a hundred of them take long on one."""
    place = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else None) as folder:
        yield Path(folder)


def test_no_kill_between_two_writes_loses_or_doubles_anything(quick_folder: Path) -> None:
    steps = a_shift()
    expected = Counter(step.name for step in steps if step.name.split()[0] in {"inspection", "disposition", "report"})
    kills, lived = 0, False
    while not lived:
        folder = quick_folder / str(kills)
        lived, acknowledged = in_child(folder, steps, killed_before=kills + 1)
        kills += 1
        with opened(folder) as spool:
            for step in steps[len(acknowledged) :]:
                step.write(spool)  # as a station does that does not know whether it was written
            found: Counter[str] = Counter()
            ng_pictures = set()
            while (record := spool.outbox.first()) is not None:
                found[f"{record.kind.value} {record.id}"] += 1
                if record.kind is RecordKind.INSPECTION and record.body["verdict"] == "NG":
                    ng_pictures |= set(record.pictures.values())
                spool.outbox.settle(record)
            assert found == expected, f"killed before write {kills}"
            assert ng_pictures == {b"n" * 900}
            assert not list((folder / "pictures").iterdir())
    assert kills > 60, "fewer writes than a shift has: does the killer still see them?"


def test_what_was_acknowledged_before_a_kill_stands_without_being_written_again(quick_folder: Path) -> None:
    steps = a_shift()
    for killed_before in range(20, 160, 11):
        folder = quick_folder / str(killed_before)
        lived, acknowledged = in_child(folder, steps, killed_before=killed_before)
        if lived:
            break
        wanted = {name for name in acknowledged if name.split()[0] in {"inspection", "disposition", "report"}}
        with opened(folder) as spool:
            found = set()
            while (record := spool.outbox.first()) is not None:
                found.add(f"{record.kind.value} {record.id}")
                spool.outbox.settle(record)
        assert wanted <= found, f"killed before write {killed_before}"
