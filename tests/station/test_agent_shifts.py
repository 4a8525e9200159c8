"""Shift starts: in local time, over daylight saving, and under a clock that is set."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.client.clock import ManualClock
from lineside.station.agent.shifts import ShiftStarts, ShiftWatch

SEOUL = ShiftStarts((time(6), time(14), time(22)), "Asia/Seoul")
NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Seoul"))
STEP_S = 300.0


def turn(watch: ShiftWatch, clock: ManualClock, hours: float) -> list[datetime]:
    """Let time go on; gives the starts that were told."""
    told = []
    for _ in range(int(hours * 3600 / STEP_S)):
        clock.advance(STEP_S)
        start = watch.look(clock.now(), monotonic_s=clock.monotonic())
        if start is not None:
            told.append(start)
    return told


def test_a_day_has_its_three_starts_at_local_times() -> None:
    clock = ManualClock(NOON)
    told = turn(ShiftWatch(SEOUL, now=clock.now()), clock, 24)
    assert [start.astimezone(ZoneInfo("Asia/Seoul")).hour for start in told] == [14, 22, 6]


@pytest.mark.parametrize(
    ("day", "expected_utc"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), "01:30"),  # 02:30 does not exist: by the offset before, CET
        (datetime(2026, 10, 25, tzinfo=UTC), "00:30"),  # 02:30 comes twice: its first, CEST
        (datetime(2026, 11, 23, tzinfo=UTC), "01:30"),
    ],
    ids=["skipped", "twice", "plain"],
)
def test_each_day_has_one_start_whatever_daylight_saving_does(day: datetime, expected_utc: str) -> None:
    clock = ManualClock(day - timedelta(hours=2))
    told = turn(ShiftWatch(ShiftStarts((time(2, 30),), "Europe/Berlin"), now=clock.now()), clock, 24)
    assert [f"{start:%H:%M}" for start in told] == [expected_utc]


def test_a_start_that_the_clock_is_set_back_over_is_told_once() -> None:
    clock = ManualClock(NOON)
    watch = ShiftWatch(SEOUL, now=clock.now())
    assert len(turn(watch, clock, 2.1)) == 1
    clock.set_now(clock.now() - timedelta(minutes=30))
    assert turn(watch, clock, 1) == []


def test_a_clock_that_was_wrong_by_years_loses_no_shift_once_it_is_right() -> None:
    clock = ManualClock(NOON)
    watch = ShiftWatch(SEOUL, now=clock.now())
    clock.set_now(NOON + timedelta(days=20_000))
    assert len(turn(watch, clock, 0.5)) == 1
    clock.set_now(NOON - timedelta(hours=7))
    assert [start.astimezone(ZoneInfo("Asia/Seoul")).hour for start in turn(watch, clock, 24)] == [14, 22]
    # 06:00 came an hour after the wrong clock had them shown
    assert len(turn(watch, clock, 24)) == 3


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-40_000, 40_000), st.integers(1, 20)), max_size=12))
def test_under_a_clock_that_is_set_at_will_no_day_goes_by_without_a_start(steps: list[tuple[int, int]]) -> None:
    """However it is set: once it is left alone, the first day has all of its starts but at most one."""
    clock = ManualClock(NOON)
    watch = ShiftWatch(SEOUL, now=clock.now())
    for by_s, hours in steps:
        clock.set_now(clock.now() + timedelta(seconds=by_s))
        turn(watch, clock, hours / 4)
    assert len(turn(watch, clock, 24)) >= 2
    assert len(turn(watch, clock, 24)) == 3


@pytest.mark.parametrize(
    ("times", "zone", "expected"),
    [((), "UTC", "no time"), ((time(6), time(6)), "UTC", "twice"), ((time(6),), "Mars/Olympus", "no time zone")],
)
def test_shifts_that_say_no_instant_are_refused(times: tuple[time, ...], zone: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        ShiftStarts(times, zone)
