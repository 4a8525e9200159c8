"""Replays power cuts against the ledger's real write path.

    python benchmarks/power_cut.py [--cuts 1000] [--seed 7] [--json]

`strace` logs every write, truncation, rename, removal and fsync of a process that writes to a real ledger
(`ledger_workload.py`), together with its acknowledgements. Then the disk is rebuilt as it may look after a cut at
any moment: what was fsynced is there, and of what was not each write is there, missing, or torn at 512 bytes; of
names (files created, removed) not yet fsynced with their folder the first few hold. Each such disk is opened and
compared with what was acknowledged before the cut. `kill -9` cannot show this: the kernel keeps its page cache.

The second row, `synchronous=NORMAL`, is the control: it must lose rows, or the replay could not have failed.
After the fault model of LazyFS (VLDB 2024).
"""

import argparse
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger, verify_chain

SECTOR_BYTES = 512
WORKLOAD = Path(__file__).with_name("ledger_workload.py")
PLANT = "plant-1"
FULL_CHECK_EVERY = 10
"""Every tenth disk is opened by the real ledger too: chain verified, one more event written."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes handed to the kernel, not yet on disk."""

    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file's length changed, not yet on disk."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the folder now means this inode; None: it was removed."""

    name: str
    inode: int | None


@dataclass(frozen=True, slots=True)
class Sync:
    """An fsync returned: everything of the inode before step `covers` is on disk; None: the folder's names."""

    inode: int | None
    covers: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The workload was told that this inspection is durable."""

    identifier: str


Step = Write | Truncate | Name | Sync | Acknowledged


def record(folder: Path, *, writes: int, writers: int, normal: bool) -> list[Step]:
    """Run the workload under strace and read back what it asked of the disk."""
    trace = folder / "trace"
    database = folder / "disk" / "ledger.sqlite"
    database.parent.mkdir()
    calls = "pwrite64,write,fsync,fdatasync,ftruncate,unlink,rename,openat"
    subprocess.run(
        [
            *("strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "10000000", "-e", f"trace={calls}", "-o", trace),
            *(sys.executable, WORKLOAD, "--database", database, "--acknowledged", folder / "acknowledged"),
            *("--writes", str(writes), "--writers", str(writers)),
            *(("--normal",) if normal else ()),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with trace.open(encoding="ascii") as lines:
        return list(_steps(lines, database.parent))


_CALL = re.compile(r"(\d+) +(\w+)\((.*)", re.DOTALL)
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
_DESCRIPTOR = re.compile(r"\d+<((?:\\x..)*)>")
_QUOTED = re.compile(r'"((?:\\x..)*)"')
_OPENED = re.compile(r"= \d+<((?:\\x..)*)>")
_PWRITE = re.compile(r'"((?:\\x..)*)", \d+, (\d+)')
_WRITE = re.compile(r'"((?:\\x..)*)", \d+')


class _TraceReader:
    """Turns strace's lines into steps; a call in progress counts from its beginning, an fsync from its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._inodes: dict[str, int] = {}
        self._inode_count = 0
        self._syncs_in_progress: dict[str, Sync] = {}
        self.steps: list[Step] = []

    def read(self, line: str) -> None:
        if resumed := _RESUMED.match(line):
            process, call, rest = resumed.groups()
            if call in ("fsync", "fdatasync") and process in self._syncs_in_progress:
                sync = self._syncs_in_progress.pop(process)
                if "= 0" in rest:
                    self.steps.append(sync)
            elif call == "openat":
                self._opened(rest)
        elif started := _CALL.match(line):
            self._started(*started.groups(), is_finished="<unfinished ...>" not in line)

    def _started(self, process: str, call: str, rest: str, *, is_finished: bool) -> None:
        match call:
            case "openat" if is_finished:
                self._opened(rest)
            case "unlink":
                self._named(_text(_QUOTED.findall(rest)[0]), None)
            case "rename":
                source, target = (_text(path) for path in _QUOTED.findall(rest))
                self._named(target, self._inodes.get(source))
                self._named(source, None)
            case "fsync" | "fdatasync" | "write" | "pwrite64" | "ftruncate":
                self._on_descriptor(process, call, rest, is_finished=is_finished)

    def _on_descriptor(self, process: str, call: str, rest: str, *, is_finished: bool) -> None:
        described = _DESCRIPTOR.match(rest)
        if described is None:
            return
        path = _text(described[1])
        arguments = rest[described.end() :]
        if call == "write" and path.endswith("/acknowledged"):
            self.steps.append(Acknowledged(_text(_WRITE.findall(arguments)[0]).strip()))
        elif call in ("fsync", "fdatasync") and (path == self._folder or path in self._inodes):
            sync = Sync(self._inodes.get(path), covers=len(self.steps))
            if is_finished:
                self.steps.append(sync)
            else:
                self._syncs_in_progress[process] = sync
        elif path in self._inodes and call == "pwrite64":
            data, offset = _PWRITE.findall(arguments)[0]
            self.steps.append(Write(self._inodes[path], int(offset), _bytes(data)))
        elif path in self._inodes and call == "ftruncate":
            self.steps.append(Truncate(self._inodes[path], int(arguments.split(",")[1].split(")")[0].split("<")[0])))

    def _opened(self, rest: str) -> None:
        opened = _OPENED.search(rest)
        if opened is None:
            return
        path = _text(opened[1])
        if Path(path).parent == Path(self._folder) and path not in self._inodes:
            self._inode_count += 1
            self._named(path, self._inode_count)

    def _named(self, path: str, inode: int | None) -> None:
        if str(Path(path).parent) != self._folder:
            return
        if inode is None:
            self._inodes.pop(path, None)
        else:
            self._inodes[path] = inode
        self.steps.append(Name(Path(path).name, inode))


def _steps(lines: Iterator[str], folder: Path) -> Iterator[Step]:
    reader = _TraceReader(folder)
    for line in lines:
        reader.read(line)
    yield from reader.steps


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _text(escaped: str) -> str:
    return _bytes(escaped).decode()


@dataclass(slots=True)
class Disk:
    """A folder on a disk: what a power cut leaves for certain, and what it may leave."""

    durable: dict[int, bytearray] = field(default_factory=dict)
    pending: dict[int, list[tuple[int, Write | Truncate]]] = field(default_factory=dict)
    durable_names: dict[str, int] = field(default_factory=dict)
    pending_names: list[tuple[int, Name]] = field(default_factory=list)

    def apply(self, index: int, step: Step) -> None:
        """Do the step that the trace has at `index`."""
        match step:
            case Write(inode=inode) | Truncate(inode=inode):
                self.pending.setdefault(inode, []).append((index, step))
            case Name():
                self.pending_names.append((index, step))
            case Sync(inode=None, covers=covers):
                _rename(self.durable_names, [name for at, name in self.pending_names if at < covers])
                self.pending_names = [(at, name) for at, name in self.pending_names if at >= covers]
            case Sync(inode=int() as inode, covers=covers):
                waiting = self.pending.get(inode, [])
                for at, change in waiting:
                    if at < covers:
                        _change(self.durable.setdefault(inode, bytearray()), change)
                self.pending[inode] = [(at, change) for at, change in waiting if at >= covers]

    def cut(self, rng: random.Random) -> dict[str, bytes]:
        """The files that one possible power cut leaves now."""
        mode = rng.choice(["nothing more", "everything", "some writes", "some sectors"])
        names = dict(self.durable_names)
        held = {"nothing more": 0, "everything": len(self.pending_names)}.get(
            mode, rng.randint(0, len(self.pending_names))
        )
        _rename(names, [name for _, name in self.pending_names[:held]])
        return {name: self._content(inode, mode, rng) for name, inode in names.items()}

    def _content(self, inode: int, mode: str, rng: random.Random) -> bytes:
        content = bytearray(self.durable.get(inode, b""))
        for _, change in self.pending.get(inode, []):
            if mode == "nothing more" or (mode != "everything" and rng.random() < 0.5):
                continue
            if mode == "some sectors" and isinstance(change, Write):
                for start in range(0, len(change.data), SECTOR_BYTES):
                    if rng.random() < 0.5:
                        sector = change.data[start : start + SECTOR_BYTES]
                        _change(content, Write(inode, change.offset + start, sector))
            else:
                _change(content, change)
        return bytes(content)


def _rename(names: dict[str, int], changes: list[Name]) -> None:
    for change in changes:
        if change.inode is None:
            names.pop(change.name, None)
        else:
            names[change.name] = change.inode


def _change(content: bytearray, change: Write | Truncate) -> None:
    end = change.offset + len(change.data) if isinstance(change, Write) else change.size
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if isinstance(change, Write):
        content[change.offset : end] = change.data
    else:
        del content[end:]


@dataclass(slots=True)
class Replay:
    """What the cuts of one recording did.

    Attributes:
        synchronous: SQLite's setting.
        acknowledged: writes in the recording.
        syncs: fsyncs in it.
        cuts: disks rebuilt and opened.
        lossy_cuts: disks that lack an acknowledged row.
        most_lost: rows the worst of them lacks.
        torn_cuts: disks with a part of an operation.
        corrupt_cuts: disks that SQLite cannot read or finds damaged.
        chains_checked: disks that the real ledger opened too.
        broken_chains: of those, the ones whose chain does not verify or that take no further event.
        seconds: how long it took in all.
    """

    synchronous: str
    acknowledged: int
    syncs: int
    cuts: int = 0
    lossy_cuts: int = 0
    most_lost: int = 0
    torn_cuts: int = 0
    corrupt_cuts: int = 0
    chains_checked: int = 0
    broken_chains: int = 0
    seconds: float = 0.0


def replay(steps: list[Step], folder: Path, *, cuts: int, seed: int, synchronous: str) -> Replay:
    """Cut the power at `cuts` random moments after the first acknowledgement."""
    rng = random.Random(seed)  # noqa: S311 - a seeded simulation
    acknowledgements = [index for index, step in enumerate(steps) if isinstance(step, Acknowledged)]
    result = Replay(synchronous, len(acknowledgements), sum(isinstance(step, Sync) for step in steps))
    moments = sorted(rng.randrange(acknowledgements[0], len(steps)) + 1 for _ in range(cuts))
    disk = Disk()
    acknowledged: set[str] = set()
    done = 0
    for moment in moments:
        for index in range(done, moment):
            step = steps[index]
            if isinstance(step, Acknowledged):
                acknowledged.add(step.identifier)
            else:
                disk.apply(index, step)
        done = moment
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in disk.cut(rng).items():
            if not name.endswith("-shm"):  # SQLite's shared memory: rebuilt from the log after a crash
                (folder / name).write_bytes(content)
        _judge(folder / "ledger.sqlite", acknowledged, result)
    return result


def _judge(database: Path, acknowledged: set[str], result: Replay) -> None:
    result.cuts += 1
    try:
        survivors, is_torn = _read(database)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        survivors, is_torn = set(), False
    except sqlite3.DatabaseError:
        result.corrupt_cuts += 1
        return
    lost = len(acknowledged - survivors)
    result.lossy_cuts += lost > 0
    result.most_lost = max(result.most_lost, lost)
    result.torn_cuts += is_torn
    if result.cuts % FULL_CHECK_EVERY == 0:
        result.chains_checked += 1
        result.broken_chains += not _goes_on(database)


def _read(database: Path) -> tuple[set[str], bool]:
    connection = sqlite3.connect(database)
    try:
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check found damage")
        identifiers = {row[0] for row in connection.execute("SELECT id FROM inspections")}
        others = (
            {row[0] for row in connection.execute("SELECT inspection_id FROM idempotency")},
            {json.loads(row[0])["id"] for row in connection.execute("SELECT data FROM events")},
        )
    finally:
        connection.close()
    return identifiers, any(other != identifiers for other in others)


def _goes_on(database: Path) -> bool:
    clock = SystemClock()
    with Ledger.open(f"sqlite:///{database}", plant=PLANT, clock=clock) as ledger:
        before = verify_chain(ledger)
        event = ledger.write_blocking(
            lambda transaction: transaction.append_event(
                "power_restored.v1", station=None, occurred_at=clock.now(), data={}
            )
        )
        after = verify_chain(ledger)
    return before.is_intact and after.is_intact and event.sequence == before.checked + 1 == after.checked


def measure(*, cuts: int, seed: int, writes: int, writers: int, normal: bool) -> Replay:
    """Record one workload and replay cuts of it."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="power-cut-") as name:
        folder = Path(name)
        steps = record(folder, writes=writes, writers=writers, normal=normal)
        synchronous = "NORMAL" if normal else "FULL"
        result = replay(steps, folder / "after", cuts=cuts, seed=seed, synchronous=synchronous)
    result.seconds = round(time.perf_counter() - began, 1)
    return result


def main() -> None:
    """Measure both settings and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--control-cuts", type=int, default=200, help="cuts of the control, synchronous=NORMAL")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--writes", type=int, default=300)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("strace") is None:
        parser.exit(1, "strace is not installed: the replay reads its log (Debian, Ubuntu: apt install strace)\n")
    results = [
        measure(cuts=cuts, seed=arguments.seed, writes=arguments.writes, writers=arguments.writers, normal=normal)
        for cuts, normal in ((arguments.cuts, False), (arguments.control_cuts, True))
    ]
    if arguments.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    columns = list(asdict(results[0]))
    print("| " + " | ".join(column.replace("_", " ") for column in columns) + " |")
    print("|" + "---|" * len(columns))
    for result in results:
        print("| " + " | ".join(str(value) for value in asdict(result).values()) + " |")


if __name__ == "__main__":
    main()
