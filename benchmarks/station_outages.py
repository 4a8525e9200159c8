"""`station_outages`: an hour of a line on which everything fails in turn, compressed; with the real processes.

A PLC with its belt, a station and a server run as on a line. All the while one of them is killed with SIGKILL and
started again, a cable is cut, the camera is unplugged or the station's disk takes nothing, each in the middle of
whatever goes on. At the end all is put back, and what physically passed the gate is held against both books.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from benchmarks.options import Options
from benchmarks.report import Report, Table
from benchmarks.station_audit import Audit, audit
from benchmarks.station_site import Site
from lineside.station.spool import ParkedRecord, reconcile, spool_status

_LINE_EVERY_S: Final = 6.0
"""A part each six seconds is the line whose hour is compressed."""
_EVENS_OUT_WITHIN_S: Final = 60.0
_LOOK_S: Final = 0.2
_SPEED_MM_S: Final = 300.0


class Plug(StrEnum):
    """What is pulled."""

    SERVER = "server killed (SIGKILL)"
    STATION = "station killed (SIGKILL)"
    PLC = "PLC killed (SIGKILL)"
    WAY_TO_SERVER = "network to the server cut"
    WAY_TO_PLC = "network to the PLC cut"
    CAMERA = "camera unplugged"
    DISK = "station's disk full"


@dataclass(frozen=True, slots=True)
class Course:
    """What happens.

    Attributes:
        lasts_s: from the first part to the last.
        every_s: from plug to plug, on average.
        longest_s: an outage; the shortest is a tenth of it. A killed process takes its start besides.
        per_second: parts, all the while.
        seed: of what is pulled when.
    """

    lasts_s: float
    every_s: float
    longest_s: float
    per_second: float
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        pulled: how often each was pulled.
        away_s: how long in all, with the restarts.
        lasted_s: the course.
        audit: the books.
        reconcile_status: of `lineside station reconcile` at the end.
        reconciled: what it printed.
        was_even: whether the station evened out by itself, before it was started once more.
        parked: records that the server refused.
        station_failures: exit statuses of the station's lives that ended unasked, or other than with 0 when asked.
    """

    pulled: Mapping[Plug, int]
    away_s: Mapping[Plug, float]
    lasted_s: float
    audit: Audit
    reconcile_status: int
    reconciled: Any
    was_even: bool
    parked: tuple[ParkedRecord, ...]
    station_failures: tuple[int, ...]


def measure(options: Options) -> Report:
    """Compress an hour into a minute and a quarter."""
    course = Course(lasts_s=float(options.some(75, 15)), every_s=1.5, longest_s=2.0, per_second=8.0)
    return report(course, run(course, Site(options.folder / "site", _SPEED_MM_S / course.per_second), options))


def run(course: Course, site: Site, options: Options) -> Outcome:
    """Run the course."""
    pulled: Counter[Plug] = Counter()
    away_s: dict[Plug, float] = dict.fromkeys(Plug, 0.0)
    rng = random.Random(course.seed)  # noqa: S311 - what is pulled when
    order = list(Plug)
    with site:
        began_s = time.monotonic()
        while time.monotonic() - began_s < course.lasts_s or len(pulled) < len(Plug):
            if sum(pulled.values()) % len(Plug) == 0:
                rng.shuffle(order)
            plug = order[sum(pulled.values()) % len(Plug)]
            _let_run(site, rng.uniform(0.4, 1.6) * course.every_s)
            options.say(f"station_outages: {plug}")
            out_s = time.monotonic()
            _pull(site, plug)
            time.sleep(rng.uniform(0.1, 1.0) * course.longest_s)
            _put_back(site, plug)
            away_s[plug] += time.monotonic() - out_s
            pulled[plug] += 1
        _let_run(site, course.every_s)
        lasted_s = time.monotonic() - began_s
        site.plc.end()  # the line is switched off: what is on the belt goes nowhere
        was_even = _wait_until_even(site)
        site.station.end()
        site.start_station()  # a start finishes what is still open
        _wait_until_even(site)
        site.station.end()
        status, reconciled = site.reconcile()
    parked = spool_status(site.spool).parked
    failures = tuple(site.station.failures)
    return Outcome(pulled, away_s, lasted_s, audit(site), status, reconciled, was_even, parked, failures)


def _let_run(site: Site, for_s: float) -> None:
    """Let the line run, with somebody there who presses reset when it stands."""
    until_s = time.monotonic() + for_s
    while (left_s := until_s - time.monotonic()) > 0:
        site.plc.ask('{"do": "reset", "for_s": 0.1}')
        time.sleep(min(left_s, _LOOK_S))


def _pull(site: Site, plug: Plug) -> None:
    match plug:
        case Plug.SERVER:
            site.line.server.kill()
        case Plug.STATION:
            site.station.kill()
        case Plug.PLC:
            site.plc.kill()
        case Plug.WAY_TO_SERVER:
            site.cut_way(site.line.server.port)
        case Plug.WAY_TO_PLC:
            site.cut_way(site.plc_port)
        case Plug.CAMERA:
            site.unplug_camera()
        case Plug.DISK:
            site.fill_disk()


def _put_back(site: Site, plug: Plug) -> None:
    match plug:
        case Plug.SERVER:
            site.line.server.start()
        case Plug.STATION:
            site.start_station()
        case Plug.PLC:
            site.plc.start()
        case Plug.WAY_TO_SERVER:
            site.mend_way(site.line.server.port)
        case Plug.WAY_TO_PLC:
            site.mend_way(site.plc_port)
        case Plug.CAMERA:
            site.plug_camera()
        case Plug.DISK:
            site.free_disk()


def _wait_until_even(site: Site) -> bool:
    until_s = time.monotonic() + _EVENS_OUT_WITHIN_S
    while time.monotonic() < until_s:
        if reconcile(site.spool).is_even:
            return True
        time.sleep(_LOOK_S)
    return False


def report(course: Course, found: Outcome) -> Report:
    """Tell of it."""
    books = found.audit
    factor = _LINE_EVERY_S * course.per_second
    minutes = found.lasted_s * factor / 60
    compressed = (
        f"time is compressed {factor:.0f} times: {course.per_second:.0f} parts a second, where the line whose hour this"
        f" is makes one each {_LINE_EVERY_S:.0f} s: {minutes:.0f} minutes of it; timeouts and the starts of processes"
        " are not compressed"
    )
    plugs = Table(
        f"Pulled in turn for {found.lasted_s:.0f} s",
        ("what", "times", "away in all, s"),
        [(plug.value, str(found.pulled[plug]), f"{found.away_s[plug]:.0f}") for plug in Plug],
        (compressed, "the disk is full by RLIMIT_FSIZE on the running station: no file of it grows"),
    )
    rows = [
        ("left the gate", books.left),
        ("passed", books.passed),
        ("passed without a permit", books.without_permit),
        ("passed without an OK of that part made before", books.without_ok),
        ("passed with a defect on its picture", books.bad),
        ("passed, and written down otherwise", books.booked_otherwise),
        ("triggers", books.triggers),
        ("verdicts", books.verdicts),
        ("dispositions", books.fates),
        ("inspections at the server", books.at_server),
        ("the server's, not heard, beside the station's own", books.unheard),
        ("lost", books.lost),
        ("counted twice", books.twice),
        ("triggered by the PLC, not written down", books.unbooked),
    ]
    judged = ", ".join(f"{count} by {who}" for who, count in sorted(books.judged_by.items()))
    unwritten = (
        "not written down: the station was killed, or its disk was full, between the PLC's trigger and the record; such"
        " a trigger was never acknowledged, and its part has no permit"
    )
    even = "adds up" if found.reconcile_status == 0 else "DOES NOT ADD UP"
    by_itself = "it added up" if found.was_even else "it did NOT add up"
    failures = ", ".join(map(str, found.station_failures)) or "none"
    aims = "aims: none passed without a permit or an OK, none lost or counted twice, triggers = verdicts = dispositions"
    accounts = Table(
        "Parts at the gate, in the station's book and at the server",
        ("what", "parts"),
        [(name, str(count)) for name, count in rows],
        (
            f"verdicts: {judged}; {books.not_inspected} of them NOT_INSPECTED",
            unwritten,
            f"`lineside station reconcile` at the end: {even}; before the station's last start {by_itself}",
            f"records the server refused: {len(found.parked)}; ends of the station unasked or failing: {failures}",
            aims,
        ),
    )
    figures = {
        "factor": factor,
        "course": asdict(course),
        "lasted_s": found.lasted_s,
        "pulled": {plug.name.lower(): count for plug, count in found.pulled.items()},
        "audit": {**asdict(books), "judged_by": dict(books.judged_by)},
        "reconciles": found.reconcile_status == 0,
        "was_even": found.was_even,
        "gaps": (found.reconciled or {}).get("gaps"),
        "parked": [asdict(record) for record in found.parked],
        "station_failures": list(found.station_failures),
    }
    return Report((plugs, accounts), figures)
