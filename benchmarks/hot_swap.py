"""`hot_swap`: releases change under load, and a second release looks on: what that costs the verdicts.

Both halves use the single-image starter under other version numbers, signed with keys made for the run, so every
release sees the same in a picture and any other answer is a misjudged part.
"""

import base64
import json
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.boards import board_frames
from benchmarks.load import Connection, Load, inspection_request, run_load_apart
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from benchmarks.server import RECIPE, Line, ServerDied
from lineside.client import content_digest, pack_release
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.release import (
    DEPLOYMENT_SCHEMA,
    MANIFEST_NAME,
    RELEASE_SCHEMA,
    SIGNATURE_NAME,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateEvidence,
    ReleaseReference,
    Role,
    SigningKey,
    TrustStore,
    starter_release_folder,
)

_RELEASE = "pcb-single"
_CLIENTS = 4
_FRAMES = 24
_DEADLINE_MS = 10_000  # a host that is busy with other work sheds against a shorter one, which says nothing of swaps
_PATIENCE_S = 120.0
_SETTLE_S = 0.3  # the old model is freed on a thread of its own
_SAMPLE_S = 0.02
_GATE_REPORT = "0" * 64  # of no report: the server asks the deploy key, not the gate
_LOADS = (("1 client, 5 parts a second", 1, 0.2), ("4 clients, as fast as they can", 4, 0.0))


def measure(options: Options) -> Report:
    """Swap under load, then compare with and without a shadow."""
    frames = options.folder / "frames"
    frames.mkdir(parents=True)
    for index, frame in enumerate(board_frames(_FRAMES)):
        (frames / f"{index:03d}.jpg").write_bytes(frame.jpeg)
    plant = _Plant.prepare(options.folder)
    with plant.line.server:
        plant.line.enrol(_CLIENTS, recipe=RECIPE % {"deadline_ms": _DEADLINE_MS})
        for folder in plant.releases:
            plant.upload(folder)
        swaps, swap_figures = _swaps(options, plant, frames)
        shadow, shadow_figures = _shadow(options, plant, frames)
    return Report((swaps, shadow), {"swaps": swap_figures, "shadow": shadow_figures})


@dataclass(slots=True)
class _Plant:
    """A server that believes this run's keys, and two signed releases for it."""

    line: Line
    deploy_key: SigningKey
    releases: Sequence[Path]
    serial: int = 0
    sent: dict[int, int] = field(default_factory=dict)
    """Frames that each client has sent, over all runs: a camera that repeats a picture counts as frozen."""

    @classmethod
    def prepare(cls, folder: Path) -> "_Plant":
        build, deploy = SigningKey.generate(Role.BUILD), SigningKey.generate(Role.DEPLOY)
        trust = folder / "trust.json"
        trust.write_bytes(TrustStore([build.public, deploy.public]).to_json())
        releases = [_signed_copy(folder / f"release-{number}", f"9.{number}.0", build) for number in range(2)]
        return cls(Line.prepare(folder / "line", options=("--trust", str(trust))), deploy, releases)

    def upload(self, folder: Path) -> None:
        package = pack_release(folder)
        headers = {"Content-Type": "application/zip"}
        self._ask("PUT", f"/v1/releases/{package.digest}", content=package.content, headers=headers)

    def deploy(self, folder: Path, mode: DeploymentMode) -> str:
        """Have a release run; gives the deployment's identifier."""
        self.serial += 1
        manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        now = datetime.now(UTC).replace(microsecond=0)
        is_live = mode is DeploymentMode.LIVE
        document = Deployment(
            serial=self.serial,
            plant="plant-1",
            lines=("*",),
            products=("*",),
            mode=mode,
            share=1.0,
            unit=None,
            release=ReleaseReference(manifest["name"], manifest["version"], pack_release(folder).digest),
            issued_at=now,
            expires_at=now + timedelta(days=1),
            gate=GateEvidence(_GATE_REPORT) if is_live else None,
            cause=DeploymentCause.PROMOTION if is_live else DeploymentCause.SHADOW,
            previous_serial=None,
        ).to_bytes()
        signature = self.deploy_key.sign(document, schema=DEPLOYMENT_SCHEMA)
        answer = self._ask("POST", "/v1/deployments", json=_in_base64(document=document, signature=signature))
        return str(answer["deployment"]["id"])

    def withdraw(self, deployment_id: str) -> None:
        self._ask("DELETE", f"/v1/deployments/{deployment_id}", params={"reason": "the round is over"})

    def comparison(self, deployment_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", f"/v1/deployments/{deployment_id}")["comparison"]
        return found

    def _ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any) -> Any:
        answer = httpx.request(
            method,
            f"http://127.0.0.1:{self.line.server.port}{path}",
            headers={"Authorization": f"Bearer {self.line.key}", **(headers or {})},
            timeout=_PATIENCE_S,
            trust_env=False,
            **content,
        )
        if not answer.is_success:
            raise ServerDied(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()


def _signed_copy(folder: Path, version: str, key: SigningKey) -> Path:
    """The starter under another version number, signed."""
    shutil.copytree(starter_release_folder(_RELEASE), folder)
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    text = canonical_json({**manifest, "version": version}).encode()
    (folder / MANIFEST_NAME).write_bytes(text)
    (folder / SIGNATURE_NAME).write_bytes(key.sign(text, schema=RELEASE_SCHEMA))
    return folder


def _in_base64(**contents: bytes) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in contents.items()}


@dataclass(slots=True)
class _Client:
    """One client in a closed loop that knows what each picture must get."""

    plant: _Plant
    number: int
    bodies: Sequence[bytes]
    expected: Mapping[int, object]
    stop: threading.Event
    latencies_ms: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    releases: set[str] = field(default_factory=set)

    def run(self) -> None:
        connection = Connection(self.plant.line.server.port)
        digests = [content_digest(body) for body in self.bodies]
        sent = self.plant.sent.get(self.number, 0)
        while not self.stop.is_set():
            frame = (self.number * 7 + sent) % len(self.bodies)
            head = inspection_request(
                self.bodies[frame],
                digest=digests[frame],
                station=f"bench-{self.number}",
                part_id=f"swap-{id(self)}-{self.number}-{sent}",
                key=self.plant.line.key,
            )
            sent += 1
            began_s = time.perf_counter()
            answer = connection.ask(head, self.bodies[frame])
            taken_ms = (time.perf_counter() - began_s) * 1000.0
            if answer.status != 200:
                self.failed.append(f"{answer.status}: {answer.body[:160]!r}")
                continue
            content = json.loads(answer.body)
            if content["verdict"] == "NOT_INSPECTED":
                self.failed.append(f"NOT_INSPECTED: {content['reasons'][0]['code']}")
                continue
            self.latencies_ms.append(taken_ms)
            self.releases.add(content["release"]["version"])
            if self.expected and _seen(content) != self.expected[frame]:
                self.misjudged.append(f"frame {frame}: {_seen(content)}, expected {self.expected[frame]}")
        self.plant.sent[self.number] = sent
        connection.close()


def _seen(content: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """What a verdict says of its picture."""
    return str(content["verdict"]), tuple(sorted(defect["class_name"] for defect in content["defects"]))


def _expected(plant: _Plant, bodies: Sequence[bytes]) -> dict[int, tuple[str, tuple[str, ...]]]:
    """What each picture gets while nothing changes."""
    connection = Connection(plant.line.server.port)
    found = {}
    for frame, body in enumerate(bodies):
        head = inspection_request(
            body,
            digest=content_digest(body),
            station="bench-0",
            part_id=f"rest-{time.time_ns()}",
            key=plant.line.key,
        )
        found[frame] = _seen(json.loads(connection.ask(head, body).body))
    connection.close()
    return found


class _MemoryPeak:
    """The most memory that the server held since it was last asked."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def take(self) -> int:
        peak, self._peak = self._peak, 0
        return peak

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self._peak = max(self._peak, self._line.server.memory_bytes())


def _swaps(options: Options, plant: _Plant, frames: Path) -> tuple[Table, dict[str, Any]]:
    count = options.some(100, 10)
    bodies = [path.read_bytes() for path in sorted(frames.glob("*.jpg"))]
    for folder in reversed(plant.releases):  # each measures its engine once, on a server at rest, and remembers it
        plant.deploy(folder, DeploymentMode.LIVE)
    expected = _expected(plant, bodies)
    rest = _drive(plant, bodies, expected, lambda: time.sleep(options.some(10, 3)))
    memory: list[int] = []
    peaks: list[int] = []
    taken_s: list[float] = []
    watch = _MemoryPeak(plant.line)

    def swap_all() -> None:
        for number in range(count):
            if number % 20 == 0:
                options.say(f"hot_swap: swap {number + 1} of {count}")
            watch.take()
            began_s = time.perf_counter()
            plant.deploy(plant.releases[(number + 1) % 2], DeploymentMode.LIVE)
            taken_s.append(time.perf_counter() - began_s)
            time.sleep(_SETTLE_S)
            peaks.append(watch.take())
            memory.append(plant.line.server.memory_bytes())

    clients = _drive(plant, bodies, expected, swap_all)
    watch.end()
    latencies_ms = [value for client in clients for value in client.latencies_ms]
    rest_ms = [value for client in rest for value in client.latencies_ms]
    failed = [text for client in clients for text in client.failed]
    misjudged = [text for client in clients for text in client.misjudged]
    settled = memory[len(memory) // 5 :]  # the first swaps fill the allocators
    slope_bytes = float(np.polyfit(range(len(settled)), settled, 1)[0])
    over_bytes = statistics.median(peak - after for peak, after in zip(peaks, memory, strict=True))
    table = Table(
        f"{count} hot swaps under load at {_CLIENTS} clients",
        ("what", "found"),
        (
            ("verdicts while releases changed", str(len(latencies_ms))),
            ("failed requests (refused, shed or NOT_INSPECTED)", str(len(failed))),
            ("misjudged parts (another verdict or other defects than at rest)", str(len(misjudged))),
            ("p50 / p99 at rest, ms", _quantiles(rest_ms)),
            ("p50 / p99 while swapping, ms", _quantiles(latencies_ms)),
            ("one swap, from the call to its answer, s (median)", f"{statistics.median(taken_s):.2f}"),
            ("memory after the first and the last swap, MB", f"{memory[0] / 1e6:.0f} / {memory[-1] / 1e6:.0f}"),
            ("slope of the memory from the fifth part of the swaps on, MB a swap", f"{slope_bytes / 1e6:+.3f}"),
            ("peak during a swap over the memory after it, MB (median)", f"{over_bytes / 1e6:.0f}"),
        ),
        (f"the recipe's deadline is {_DEADLINE_MS / 1000:g} s", *tuple(dict.fromkeys((*failed, *misjudged)))[:5]),
    )
    figures = {
        "swaps": count,
        "verdicts": len(latencies_ms),
        "failed": len(failed),
        "misjudged": len(misjudged),
        "memory_bytes": memory,
        "peak_bytes": peaks,
        "slope_bytes_a_swap": slope_bytes,
        "swap_s": taken_s,
        "rest_ms": [_quantile(rest_ms, 0.5), _quantile(rest_ms, 0.99)],
        "swapping_ms": [_quantile(latencies_ms, 0.5), _quantile(latencies_ms, 0.99)],
    }
    return table, figures


def _drive(
    plant: _Plant, bodies: Sequence[bytes], expected: Mapping[int, object], work: Callable[[], None]
) -> list[_Client]:
    """Have the clients post while some work is done."""
    stop = threading.Event()
    clients = [_Client(plant, number, bodies, expected, stop) for number in range(_CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return clients


def _shadow(options: Options, plant: _Plant, frames: Path) -> tuple[Table, dict[str, Any]]:
    rounds = options.some(7, 2)
    p50_ms: dict[tuple[str, bool], list[float]] = {}
    p99_ms: dict[tuple[str, bool], list[float]] = {}
    compared: dict[str, int] = {}
    dropped: dict[str, int] = {}
    for turn in range(rounds):
        options.say(f"hot_swap: shadow off and on, round {turn + 1} of {rounds}")
        for name, clients, pause_s in _LOADS:
            for is_on in (turn % 2 == 0, turn % 2 == 1):  # each goes first in half of the rounds
                shadow = plant.deploy(plant.releases[1], DeploymentMode.SHADOW) if is_on else None
                load = Load(
                    "lineside",
                    plant.line.server.port,
                    clients,
                    options.some(10, 4),
                    str(frames),
                    f"shadow-{turn}-{clients}-{is_on}",
                    plant.line.key,
                    pause_s=pause_s,
                )
                served = run_load_apart(load)
                p50_ms.setdefault((name, is_on), []).append(_quantile(served.latencies_ms, 0.5))
                p99_ms.setdefault((name, is_on), []).append(_quantile(served.latencies_ms, 0.99))
                if shadow is not None:
                    counts = plant.comparison(shadow)
                    compared[name] = compared.get(name, 0) + counts["compared"]
                    dropped[name] = dropped.get(name, 0) + counts["dropped"]
                    plant.withdraw(shadow)
    rows = []
    figures = {}
    for name, _, _ in _LOADS:
        off, on = p99_ms[name, False], p99_ms[name, True]
        ratio = statistics.median(with_it / without for with_it, without in zip(on, off, strict=True))
        rows.append(
            (
                name,
                f"{milliseconds(statistics.median(p50_ms[name, False]))} / {milliseconds(statistics.median(off))}",
                f"{milliseconds(statistics.median(p50_ms[name, True]))} / {milliseconds(statistics.median(on))}",
                f"{ratio:.2f}",
                f"{compared[name]} / {dropped[name]}",
            )
        )
        figures[name] = {"p99_off_ms": off, "p99_on_ms": on, "p99_ratio": ratio, "compared": compared[name]}
    table = Table(
        "A shadow looks on: time to the verdict without it and with it, p50 / p99 in ms",
        ("load", "off", "on", "p99, on over off", "compared / dropped"),
        rows,
        (
            f"medians of {rounds} rounds in which off and on took turns; the ratio is the rounds' median",
            "the shadow starts a part only while no frame is inside; what waits when a round ends is in neither count",
        ),
    )
    return table, figures


def _quantile(values_ms: Sequence[float], share: float) -> float:
    return float(np.quantile(values_ms, share)) if values_ms else float("nan")


def _quantiles(values_ms: Sequence[float]) -> str:
    return f"{milliseconds(_quantile(values_ms, 0.5))} / {milliseconds(_quantile(values_ms, 0.99))}"
