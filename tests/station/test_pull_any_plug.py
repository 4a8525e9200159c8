"""Pull any plug: ten thousand parts, anything cut in the middle of any of them, and none passes unearned."""

import asyncio

import pytest

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
