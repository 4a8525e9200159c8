"""`delivery_sustained`: a hundred inspections a second to every sink, and a burst of five hundred.

The hundred are judged by a real server over HTTP, with a network that takes no time to speak of: a real one judges
about sixty boards a second on two cores. The burst is written by the server into its ledger as the inspection service
writes (`benchmarks/delivery_burst_server.py`), for no server of two cores answers 500 requests a second.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.delivery_audit import Audit, audits
from benchmarks.delivery_site import (
    DeliveryWatch,
    PeerPorts,
    delivery_line,
    overview,
    running_peers,
    wait_until_delivered,
)
from benchmarks.load import Load, Served, run_load_apart
from benchmarks.options import Options
from benchmarks.report import Report, Table
from benchmarks.server import Line, ServerProcess, free_port
from benchmarks.small_release import RECIPE, small_frames

STATIONS = 4
_FRAMES = 40
_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Flow:
    """How one flow of inspections was delivered.

    Attributes:
        name: for the table.
        per_second: as reached.
        seconds: while it lasted.
        audits: by consumer.
        opcua_lags_s: how old the oldest waiting event of OPC UA was, looked at four times a second.
        drained_s: after the flow's end, until every sink was at the end of the log; None: not in time.
        peak_bytes: of the delivery process.
        most_waiting: events behind the slowest sink.
        verdict_p99_ms: of an inspection over HTTP, or of a write of the burst.
    """

    name: str
    per_second: float
    seconds: float
    audits: Mapping[str, Audit]
    opcua_lags_s: tuple[float, ...]
    drained_s: float | None
    peak_bytes: int
    most_waiting: int
    verdict_p99_ms: float


def measure(options: Options) -> Report:
    """Judge a hundred a second for half a minute, then write five hundred for a minute."""
    sustained_s, burst_s = float(options.some(30, 3)), float(options.some(60, 3))
    drains_s = float(options.some(120, 60))
    with running_peers(options.folder / "peers") as peers:
        ports = PeerPorts(peers.webhook, peers.broker, free_port())
        line = delivery_line(options.folder / "site", ports, options=("--engine", "onnxruntime-fp32"))
        with line.server:
            line.enrol(STATIONS, recipe=RECIPE)
            _require_delivered(line)
            options.say(f"delivery_sustained: 100 inspections a second for {sustained_s:.0f} s")
            after = int(overview(line)["head"])
            with DeliveryWatch(line) as watch:
                served = run_load_apart(_load(line, options.folder / "frames", per_second=100, seconds=sustained_s))
                drained_s = wait_until_delivered(line, within_s=drains_s)
            judged = _judged(served, watch, audits(line, peers, after=after), drained_s)
        options.say(f"delivery_sustained: a burst of 500 a second for {burst_s:.0f} s")
        burst_file = options.folder / "burst.json"
        file = options.folder / "site" / "delivery" / "delivery.yaml"
        line.server = _burst_server(line, file, burst_file)
        with line.server:
            _require_delivered(line)
            after = int(overview(line)["head"])
            with DeliveryWatch(line) as watch:
                done = _burst(burst_file, per_second=500, seconds=burst_s)
                drained_s = wait_until_delivered(line, within_s=drains_s)
            written = _flow_of_burst(done, watch, audits(line, peers, after=after), drained_s)
    return report((judged, written))


def report(flows: tuple[Flow, ...]) -> Report:
    """The table of both flows."""
    rows = []
    figures: dict[str, Any] = {}
    for flow in flows:
        offered_s = flow.opcua_lags_s or (0.0,)
        lags = {name: (each.lag_s(50), each.lag_s(99)) for name, each in flow.audits.items()}
        lags["opcua"] = (float(np.percentile(offered_s, 50)), float(np.percentile(offered_s, 99)))
        lost = sum(each.lost + each.otherwise + each.disordered for each in flow.audits.values())
        drained = "not within the wait" if flow.drained_s is None else f"{flow.drained_s:.1f} s"
        rows.append(
            (
                flow.name,
                f"{flow.per_second:.0f}",
                *(f"{p50:.2f} / {p99:.2f}" for p50, p99 in lags.values()),
                str(lost),
                f"{flow.most_waiting}",
                drained,
                f"{flow.peak_bytes / 1e6:.0f}",
                f"{flow.verdict_p99_ms:.1f}",
            )
        )
        figures[flow.name] = {
            "per_second": flow.per_second,
            "seconds": flow.seconds,
            "lags_s": lags,
            "wrong": lost,
            "again": {name: each.again for name, each in flow.audits.items()},
            "drained_s": flow.drained_s,
            "peak_bytes": flow.peak_bytes,
            "most_waiting": flow.most_waiting,
            "p99_ms": flow.verdict_p99_ms,
        }
    sinks = ("webhook", "mqtt", "sparkplug", "opcua")
    table = Table(
        "All sinks on: lag from the ledger to the consumer, p50 / p99 s",
        ("flow", "a second", *sinks, "wrong", "most waiting", "drained after", "delivery MB", "p99 ms"),
        rows,
        (
            "a second: as reached; wrong: events lost, under another id or out of order, over all consumers",
            "opcua: age of the oldest event that waited, as reported each second; nobody is connected to it",
            "drained after: from the flow's end until every sink was at the end of the log",
            "p99 ms: of the verdicts over HTTP, and of the burst's writes; everything shares two cores",
            "aims: 100 a second are kept up with, the burst drains, nothing is wrong, memory stays bounded",
        ),
    )
    return Report((table,), figures)


def _load(line: Line, folder: Path, *, per_second: float, seconds: float) -> Load:
    folder.mkdir()
    for index, body in enumerate(small_frames(_FRAMES)):
        (folder / f"{index:03d}.jpg").write_bytes(body)
    every_s = STATIONS / per_second
    return Load("lineside", line.server.port, STATIONS, seconds, str(folder), "sustained", line.key, 0.0, every_s)


def _judged(served: Served, watch: DeliveryWatch, found: Mapping[str, Audit], drained_s: float | None) -> Flow:
    if served.others:
        raise RuntimeError(f"the server answered otherwise than expected: {served.others}")
    verdicts = len(served.latencies_ms)
    return Flow(
        name="judged over HTTP",
        per_second=verdicts / served.seconds,
        seconds=served.seconds,
        audits=found,
        opcua_lags_s=tuple(watch.lags_s.get("opcua", ())),
        drained_s=drained_s,
        peak_bytes=watch.peak_bytes,
        most_waiting=watch.most_waiting,
        verdict_p99_ms=float(np.percentile(served.latencies_ms, 99)),
    )


def _flow_of_burst(
    done: Mapping[str, Any], watch: DeliveryWatch, found: Mapping[str, Audit], drained_s: float | None
) -> Flow:
    return Flow(
        name="burst of events",
        per_second=done["written"] / done["seconds"],
        seconds=done["seconds"],
        audits=found,
        opcua_lags_s=tuple(watch.lags_s.get("opcua", ())),
        drained_s=drained_s,
        peak_bytes=watch.peak_bytes,
        most_waiting=watch.most_waiting,
        verdict_p99_ms=done["p99_ms"],
    )


def _burst_server(line: Line, delivery: Path, burst_file: Path) -> ServerProcess:
    port = free_port()
    releases = delivery.parents[1] / "releases"
    words = (str(line.data_dir), str(port), str(releases), str(delivery), str(burst_file))
    command = [sys.executable, "-m", "benchmarks.delivery_burst_server", *words]
    return ServerProcess(command, port, line.folder / "burst.log", "/readyz")


def _burst(file: Path, *, per_second: float, seconds: float) -> Any:
    said = file.with_name("asked.json")
    said.write_text(json.dumps({"per_second": per_second, "seconds": seconds, "stations": STATIONS}), "utf-8")
    said.rename(file)
    done = file.with_name(f"{file.name}.done")
    ends_at_s = time.monotonic() + seconds + _WITHIN_S
    while not (done.exists() and done.read_text("utf-8")):
        if time.monotonic() > ends_at_s:
            raise RuntimeError("the burst was not written in time; see burst.log")
        time.sleep(0.02)
    return json.loads(done.read_text("utf-8"))


def _require_delivered(line: Line) -> None:
    if wait_until_delivered(line, within_s=_WITHIN_S) is None:
        raise RuntimeError("the sinks do not deliver; see the server's log")
