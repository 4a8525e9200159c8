"""Pull any plug: ten thousand parts, anything cut in the middle of any of them, and none passes unearned."""

import asyncio
from pathlib import Path

import pytest
from benchmarks.options import Options
from benchmarks.station_outages import Course, run
from benchmarks.station_outages import Plug as Pulled
from benchmarks.station_site import Site

from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.rig.line import Why
from plugged_floor import Entry, Floor, Plug

SEEDS = range(10)
PARTS = 1000


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_pulled_mid_part_none_passes_without_an_inspected_ok_and_all_are_counted_once(seed: int) -> None:
    floor = Floor(seed, PARTS)
    asyncio.run(floor.run(most_scans=200 * PARTS))
    _check_passes(floor)
    _check_counts(floor)


def _check_passes(floor: Floor) -> None:
    truth = floor.line.truth
    assert truth.passed_without_permit == ()
    inspected: dict[int, Entry] = {
        entry.shows: entry for entry in floor.book if entry.verdict is Verdict.OK and entry.shows is not None
    }
    for number, part in floor.passed.items():
        assert floor.is_good[number]
        assert part.why is Why.PERMIT
        assert inspected[number].judged_s < part.left_s
    assert len(floor.passed) > PARTS / 8, "a line on which nothing passes proves nothing"
    assert floor.pulled.keys() == set(Plug)


def _check_counts(floor: Floor) -> None:
    open_before = [entry for entry in floor.book if entry.verdict is None or entry.lane is None]
    assert all(entry.was_refused for entry in open_before), "only a full disk leaves a part open until the next start"
    floor.end()
    assert all(entry.verdict is not None and entry.lane is not None for entry in floor.book)
    shown = [entry for entry in floor.book if entry.shows is not None]
    for entry in shown:
        if entry.shows in floor.passed and entry.verdict is Verdict.OK:
            assert entry.lane is Lane.PASS, "no part that went on is written down as rejected"
    for entry in floor.book:
        if entry.is_confirmed and entry.lane is Lane.PASS:
            assert entry.verdict is Verdict.OK


@pytest.mark.system
def test_with_the_real_processes_killed_cut_off_and_starved_in_turn_nothing_passes_unearned_and_all_adds_up(
    tmp_path: Path,
) -> None:
    """Server, PLC and station by SIGKILL, both networks, camera and disk: each once, in the middle of parts."""
    course = Course(lasts_s=0.0, every_s=0.8, longest_s=0.8, per_second=6.0, seed=3)
    site = Site(tmp_path / "site", spacing_mm=50.0)
    found = run(course, site, Options(tmp_path, say=lambda _: None))
    books = found.audit
    assert set(found.pulled) == set(Pulled)
    assert books.is_clean, books
    assert books.passed > 5, "a line on which nothing passes proves nothing"
    assert {"server", "station"} <= books.judged_by.keys()
    assert found.reconcile_status == 0, found.reconciled
    assert found.reconciled["checked_at_server"] == books.triggers
