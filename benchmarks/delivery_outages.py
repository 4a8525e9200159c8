"""`delivery_outages`: an hour without any receiver, compressed; then receivers that come and go; kill -9 in between.

Parts are posted all the while with idempotency keys. The ways to the webhook's receiver and to the broker are cut, the
server is killed with SIGKILL a quarter into the outage and started again on the same data, and meanwhile the port of
its OPC UA server is taken. Then the ways are mended and cut every few seconds. At last what each consumer wrote down
is held against the ledger; of OPC UA, whose results clients ask for, the server's own reconciliation tells.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.delivery_audit import CONSUMERS, Audit, audits
from benchmarks.delivery_site import (
    SINKS,
    DeliveryWatch,
    PeerPorts,
    Ways,
    ask,
    delivery_line,
    running_peers,
    taken_port,
    wait_until_delivered,
)
from benchmarks.exactly_once import CLIENTS, Clients
from benchmarks.options import Options
from benchmarks.report import Report, Table
from benchmarks.server import Line, free_port
from benchmarks.small_release import RECIPE, small_frames

_HOUR_S = 3600.0
_LINE_EVERY_S = 2.0
"""A part each two seconds is the line whose hour is compressed."""
_FRAMES = 40
_SETTLES_S = 2.0
_FLAP_S = 2.0
_DRAINS_WITHIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Course:
    """What happens, in seconds.

    Attributes:
        outage_s: everything is away.
        flapping_s: it comes and goes.
        per_second: parts, all the while.
    """

    outage_s: float
    flapping_s: float
    per_second: float

    @property
    def parts(self) -> int:
        """From the first to the last."""
        return round((_SETTLES_S + self.outage_s + self.flapping_s) * self.per_second)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found.

    Attributes:
        answered: parts whose verdict the station got.
        audits: by consumer.
        opcua: the reconciliation's line of the OPC UA sink.
        gaps: what reconciliation names, apart from attempts that nobody was answered for.
        drained_s: from the last part to the end of the log at every sink; None: not in time.
        peak_bytes: of the delivery process.
        most_waiting: events behind the slowest sink.
    """

    answered: int
    audits: Mapping[str, Audit]
    opcua: Mapping[str, Any]
    gaps: tuple[str, ...]
    drained_s: float | None
    peak_bytes: int
    most_waiting: int


def measure(options: Options) -> Report:
    """Compress an hour into three quarters of a minute."""
    outage_s = float(options.some(45, 4))
    return report(Course(outage_s, float(options.some(20, 4)), _HOUR_S / _LINE_EVERY_S / 45.0), options)


def report(course: Course, options: Options) -> Report:
    """Run the course and tell of it."""
    found = run(course, options)
    factor = _LINE_EVERY_S * course.per_second
    rows = [
        (
            name,
            f"{each.wanted}",
            f"{each.wanted - each.lost}",
            f"{each.lost}",
            f"{each.again}",
            f"{each.otherwise}",
            f"{each.disordered}",
        )
        for name, each in found.audits.items()
    ]
    opcua = found.opcua
    missed = opcua["wanted"] - opcua["delivered"]
    rows.append(("opcua (offered)", str(opcua["wanted"]), str(opcua["delivered"]), str(missed), "-", "-", "-"))
    table = Table(
        f"Outage of {course.outage_s:.0f} s, flapping for {course.flapping_s:.0f} s, kill -9 of the server: "
        f"{found.answered} parts answered",
        ("sink", "events", "came", "lost", "again, same id", "under another id", "out of order in a station"),
        rows,
        _notes(course, found, factor=factor),
    )
    figures = {
        "factor": factor,
        "course": asdict(course),
        "answered": found.answered,
        "sinks": {
            name: {key: value for key, value in asdict(each).items() if key != "lags_s"}
            for name, each in found.audits.items()
        },
        "opcua": dict(opcua),
        "gaps": list(found.gaps),
        "drained_s": found.drained_s,
        "peak_bytes": found.peak_bytes,
        "most_waiting": found.most_waiting,
    }
    return Report((table,), figures)


def _notes(course: Course, found: Outcome, *, factor: float) -> tuple[str, ...]:
    away_parts = round(course.outage_s * course.per_second)
    minutes = away_parts * _LINE_EVERY_S / 60
    end = "not within the wait" if found.drained_s is None else f"{found.drained_s:.0f} s after the last part"
    compressed = (
        f"time is compressed {factor:.0f} times: {away_parts} parts while everything is away, as a line of one part"
        f" each {_LINE_EVERY_S:.0f} s makes in {minutes:.0f} minutes; timeouts and waits of delivery are not"
    )
    disturbed = (
        "the ways to receiver and broker are cut in the middle of whatever goes on; flapping is"
        f" {_FLAP_S:.0f} s through, {_FLAP_S:.0f} s cut; the OPC UA port is taken from the kill to the outage's end"
    )
    counted = (
        "webhook, mqtt and sparkplug are counted at the other end, of the inspections; opcua, whose results clients ask"
        f" for, by GET /v1/reconciliation, of all events; gaps that it names: {', '.join(found.gaps) or 'none'}"
    )
    worked = (
        f"every sink at the end of the log: {end}; at most {found.most_waiting} events waited; peak memory of the"
        f" delivery process {found.peak_bytes / 1e6:.0f} MB"
    )
    return compressed, disturbed, counted, worked, "aims: none lost, none under another id, none out of order"


def run(course: Course, options: Options) -> Outcome:
    """Run the course on a line of its own."""
    with running_peers(options.folder / "peers") as peers:
        ways = Ways((peers.webhook, peers.broker))
        opcua_port = free_port()
        ports = PeerPorts(ways.ports[peers.webhook], ways.ports[peers.broker], opcua_port)
        line = delivery_line(options.folder / "site", ports, options=("--engine", "onnxruntime-fp32"))
        ways.start()
        try:
            with line.server:
                line.enrol(CLIENTS, recipe=RECIPE)
                _require_delivered(line)
                began_at = datetime.now(UTC) - timedelta(seconds=1)
                with DeliveryWatch(line) as watch:
                    clients = Clients(line, small_frames(_FRAMES), parts=course.parts, per_second=course.per_second)
                    threads = clients.start()
                    _disturb(course, line, ways, opcua_port=opcua_port, say=options.say)
                    for thread in threads:
                        thread.join()
                    drained_s = wait_until_delivered(line, within_s=_DRAINS_WITHIN_S)
                period = {"from": began_at.isoformat(), "to": datetime.now(UTC).isoformat()}
                told = ask(line, "/v1/reconciliation", **period)
                return Outcome(
                    answered=len(clients.told.answers),
                    audits=audits(line, peers),
                    opcua=next(sink for sink in told["sinks"] if sink["sink"] == "opcua"),
                    gaps=tuple(f"{gap['kind']} {gap['count']}" for gap in told["gaps"]),
                    drained_s=drained_s,
                    peak_bytes=watch.peak_bytes,
                    most_waiting=watch.most_waiting,
                )
        finally:
            ways.end()


def _disturb(course: Course, line: Line, ways: Ways, *, opcua_port: int, say: Any) -> None:
    time.sleep(_SETTLES_S)
    say(f"delivery_outages: {', '.join((*CONSUMERS, 'opcua'))} away for {course.outage_s:.0f} s")
    ways.cut()
    ends_s = time.monotonic() + course.outage_s
    time.sleep(course.outage_s / 4)
    line.server.kill()
    with taken_port(opcua_port):
        line.server.start()
        time.sleep(max(0.0, ends_s - time.monotonic()))
    say(f"delivery_outages: flapping for {course.flapping_s:.0f} s")
    ends_s = time.monotonic() + course.flapping_s
    while time.monotonic() < ends_s:
        ways.mend()
        time.sleep(_FLAP_S)
        ways.cut()
        time.sleep(_FLAP_S)
    ways.mend()


def _require_delivered(line: Line) -> None:
    """What the enrolment wrote is delivered: every sink works before it is disturbed."""
    if wait_until_delivered(line, within_s=_DRAINS_WITHIN_S, sinks=SINKS) is None:
        raise RuntimeError("the sinks do not work before anything is disturbed; see the server's log")
