"""Production days, shifts and hours in local time, also where the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from lineside.serving.errors import CalendarUnfit, NoShifts
from lineside.serving.rates.calendar import Break, PlantCalendar, Shift

THREE_SHIFTS = (
    Shift("early", time(6), time(14), (Break(time(10), time(10, 20)),)),
    Shift("late", time(14), time(22)),
    Shift("night", time(22), time(6), (Break(time(23, 50), time(0, 20)),)),
)
BERLIN = PlantCalendar("Europe/Berlin", time(6), THREE_SHIFTS)
SEOUL = PlantCalendar("Asia/Seoul", time(6), THREE_SHIFTS)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_production_day_is_named_after_the_date_on_which_it_begins() -> None:
    assert SEOUL.production_day(utc("2026-03-02T05:59+09:00")) == date(2026, 3, 1)
    assert SEOUL.production_day(utc("2026-03-02T06:00+09:00")) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 3, 27), 24, id="an ordinary day"),
        pytest.param(date(2026, 3, 28), 23, id="the clocks go forward in its night"),
        pytest.param(date(2026, 10, 24), 25, id="the clocks go back in its night"),
    ],
)
def test_a_production_day_has_23_or_25_hours_where_the_clocks_change_in_it(day: date, hours: int) -> None:
    window = BERLIN.day_window(day)
    assert window.end - window.start == timedelta(hours=hours)
    assert len(list(BERLIN.hours(window.start, window.end))) == hours
    night = list(BERLIN.shift_windows(window.start, window.end))[-1]
    assert (night.name, night.end - night.start) == ("night", timedelta(hours=hours - 16))


def test_days_follow_each_other_without_gap_or_overlap_over_a_whole_year() -> None:
    days = list(BERLIN.days(utc("2026-01-01T06:00+01:00"), utc("2027-01-01T06:00+01:00")))
    assert len(days) == 365
    assert all(first.end == second.start for first, second in pairwise(days))


def test_an_hour_that_occurs_twice_has_two_names() -> None:
    labels = [window.label for window in BERLIN.hours(utc("2026-10-25T00:00Z"), utc("2026-10-25T02:00Z"))]
    assert labels == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]


def test_hours_are_those_of_the_local_clock_where_it_is_off_by_half_an_hour() -> None:
    india = PlantCalendar("Asia/Kolkata")
    (first, *_) = india.hours(utc("2026-03-02T09:10+05:30"), utc("2026-03-02T12:00+05:30"))
    assert first.start == utc("2026-03-02T09:00+05:30")


def test_a_shift_that_lies_in_the_hour_which_the_clocks_skip_does_not_take_place() -> None:
    odd = PlantCalendar("Europe/Berlin", time(0), (Shift("odd", time(2), time(3)), Shift("rest", time(3), time(0))))
    day = odd.day_window(date(2026, 3, 29))
    assert [window.name for window in odd.shift_windows(day.start, day.end)] == ["rest"]


def test_breaks_are_not_planned_time() -> None:
    day = SEOUL.day_window(date(2026, 3, 2))
    assert SEOUL.planned(day.start, day.end) == timedelta(hours=24) - timedelta(minutes=20 + 30)
    assert SEOUL.planned(utc("2026-03-02T10:00+09:00"), utc("2026-03-02T10:20+09:00")) == timedelta()
    assert SEOUL.planned(utc("2026-03-03T00:00+09:00"), utc("2026-03-03T01:00+09:00")) == timedelta(minutes=40)
    assert PlantCalendar().planned(day.start, day.end) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda: PlantCalendar("Mars/Olympus"), "time zone", id="no such zone"),
        pytest.param(lambda: PlantCalendar("../../etc/passwd"), "time zone", id="a path"),
        pytest.param(lambda: PlantCalendar("UTC", time(6, 5)), "quarter of an hour", id="a day not at a quarter"),
        pytest.param(lambda: Shift("a", time(7, 50), time(15)), "quarter of an hour", id="a shift not at a quarter"),
        pytest.param(
            lambda: PlantCalendar("UTC", time(6), (Shift("a", time(6), time(14)), Shift("b", time(13), time(22)))),
            "before the one listed before it",
            id="shifts overlap",
        ),
        pytest.param(
            lambda: PlantCalendar("UTC", time(0), (Shift("a", time(22), time(6)),)),
            "after the production day",
            id="a shift runs over the day's end",
        ),
        pytest.param(
            lambda: PlantCalendar("UTC", time(6), (Shift("a", time(6), time(7)), Shift("a", time(8), time(9)))),
            "twice",
            id="two of one name",
        ),
        pytest.param(
            lambda: Shift("a", time(6), time(14), (Break(time(15), time(15, 10)),)), "not within", id="break outside"
        ),
        pytest.param(lambda: Break(time(9), time(9)), "no length", id="an empty break"),
    ],
)
def test_a_calendar_that_gives_no_windows_is_refused(make: object, said: str) -> None:
    with pytest.raises(CalendarUnfit, match=said):
        make()  # type: ignore[operator]  # each case is a function


def test_shifts_of_a_calendar_without_any_are_refused_by_name() -> None:
    with pytest.raises(NoShifts, match="PUT /v1/calendar"):
        list(PlantCalendar().shift_windows(utc("2026-03-02T00:00Z"), utc("2026-03-03T00:00Z")))
