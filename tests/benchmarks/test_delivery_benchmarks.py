"""What the benchmarks of delivery count, and a small version of the outage."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.delivery_audit import Audit, Recorded, audit
from benchmarks.delivery_latency import report as latency_report
from benchmarks.delivery_outages import Course, run
from benchmarks.delivery_peers import Arrival, mqtt_arrivals, sparkplug_arrivals, webhook_arrivals
from benchmarks.delivery_sustained import Flow
from benchmarks.delivery_sustained import report as sustained_report
from benchmarks.options import Options
from benchmarks.small_release import small_frames, write_small_release

from lineside.inspection.release import read_release
from mosquitto import running_mosquitto

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WANTED = {f"e{number}": Recorded(number, NOON) for number in (1, 2, 3)}
ARRIVALS = [Arrival(NOON.timestamp() + number, f"e{number}", number, "bench-0") for number in (1, 2, 3)]

CASES: dict[str, tuple[Sequence[Arrival], tuple[int, int, int, int]]] = {
    "everything once": (ARRIVALS, (0, 0, 0, 0)),
    "one is missing": (ARRIVALS[:2], (1, 0, 0, 0)),
    "one comes again": ([*ARRIVALS, ARRIVALS[0]], (0, 1, 0, 0)),
    "one comes under another id": ([replace(ARRIVALS[0], event_id="x"), *ARRIVALS], (0, 0, 1, 0)),
    "two are swapped": ([ARRIVALS[1], ARRIVALS[0], ARRIVALS[2]], (0, 0, 0, 1)),
    "two of two stations are swapped": (
        [ARRIVALS[1], replace(ARRIVALS[0], station="bench-1"), ARRIVALS[2]],
        (0, 0, 0, 0),
    ),
    "what is no inspection is passed over": ([*ARRIVALS, Arrival(0.0, "r9", 9, None)], (0, 0, 0, 0)),
    "nothing came": ([], (3, 0, 0, 0)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_consumer_is_held_against_the_ledger(name: str) -> None:
    arrivals, expected = CASES[name]
    found = audit(WANTED, arrivals)
    assert (found.lost, found.again, found.otherwise, found.disordered) == expected


def test_the_lag_is_that_of_the_first_arrival() -> None:
    late = replace(ARRIVALS[0], at_s=NOON.timestamp() + 50)
    found = audit(WANTED, [*ARRIVALS, late])
    assert found.lags_s == pytest.approx((1.0, 2.0, 3.0))
    assert found.lag_s(50) == pytest.approx(2.0)


def test_a_miss_of_the_aim_is_said() -> None:
    turns = {"none configured": [[10.0] * 9], "all up": [[10.0] * 9], "all down": [[13.0] * 9]}
    found = latency_report(turns)
    assert found.figures["down_over_up"] == pytest.approx(1.3)
    assert found.tables[0].notes[-1].endswith("1.30, **missed**")
    kept = latency_report({**turns, "all down": [[12.0] * 9]})
    assert kept.tables[0].notes[-1].endswith("1.20")


def test_a_flow_that_did_not_drain_is_said() -> None:
    lost = Audit(wanted=2, lost=1, again=0, otherwise=0, disordered=0, lags_s=(0.1,))
    flow = Flow(
        "burst", 500.0, 60.0, dict.fromkeys(("webhook", "mqtt", "sparkplug"), lost), (0.2,), None, 10**8, 7, 9.0
    )
    row = sustained_report((flow,)).tables[0].rows[0]
    assert row == (
        *("burst", "500", "0.10 / 0.10", "0.10 / 0.10", "0.10 / 0.10", "0.20 / 0.20"),
        *("3", "7", "not within the wait", "100", "9.0"),
    )


def test_the_small_release_is_a_release_and_its_frames_differ(tmp_path: Path) -> None:
    write_small_release(tmp_path / "bright-squares")
    assert read_release(tmp_path / "bright-squares").name == "bright-squares"
    assert len(set(small_frames(40))) == 40


@pytest.mark.system
def test_nothing_is_lost_in_a_small_outage_with_a_kill(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path):
        pass  # with CI=true a missing broker is a failure, and else a reason to skip
    course = Course(outage_s=1.0, flapping_s=0.0, per_second=30.0)
    found = run(course, Options(tmp_path / "bench", lambda _: None, is_quick=True))
    assert found.answered == course.parts
    for name, each in found.audits.items():
        assert (each.wanted, each.lost, each.otherwise, each.disordered) == (course.parts, 0, 0, 0), name
    assert found.opcua["delivered"] == found.opcua["wanted"] > course.parts
    assert found.gaps == ()
    assert found.drained_s is not None
    assert found.peak_bytes > 50e6  # of a process, not of nothing
    for file, read in (("received", webhook_arrivals), ("heard", mqtt_arrivals), ("heard", sparkplug_arrivals)):
        arrivals = read(tmp_path / "bench" / "peers" / f"{file}.jsonl")
        assert {arrival.station for arrival in arrivals} >= {f"bench-{number}" for number in range(4)}
