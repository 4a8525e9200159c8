"""The plant's calendar: when a production day begins, its shifts and breaks, in the plant's own time zone.

Everything is stored in UTC; the calendar only says where windows begin and end, so a changed calendar changes no
count. Local times become instants as Python's zoneinfo has it (PEP 495): a time that a daylight-saving change skips
is taken by the offset before the change, one that occurs twice is its first occurrence. So a production day has 23 or
25 hours where the clocks change in it, and a shift that spans the change is an hour shorter or longer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineside.serving.errors import CalendarUnfit, NoShifts

_STEP_MIN = 15
"""Windows are added up from quarters of an hour, so they begin and end at one."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Break:
    """A time at which nothing is planned to run.

    Attributes:
        start: local.
        end: local; earlier than the start where midnight lies between.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        """Refuse one of no length."""
        if self.start == self.end:
            raise CalendarUnfit(f"a break from {self.start:%H:%M} to {self.end:%H:%M} has no length")


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of every production day.

    Attributes:
        name: unique in the calendar.
        start: local, at a quarter of an hour.
        end: the same; not later than the start where midnight lies between, and equal to it for all 24 hours.
        breaks: within it.
    """

    name: str
    start: time
    end: time
    breaks: tuple[Break, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what windows cannot begin or end at."""
        _check_quarter(f"shift {self.name!r} starts", self.start)
        _check_quarter(f"shift {self.name!r} ends", self.end)
        for pause in self.breaks:
            begins = _minutes_from(self.start, pause.start)
            length = _minutes_from(pause.start, pause.end)
            if begins + length > (_minutes_from(self.start, self.end) or 24 * 60):
                raise CalendarUnfit(
                    f"the break from {pause.start:%H:%M} to {pause.end:%H:%M} is not within shift {self.name!r}, "
                    f"{self.start:%H:%M} to {self.end:%H:%M}"
                )


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time with a name.

    Attributes:
        start: aware UTC.
        end: aware UTC; not part of it.
        label: what it is called; local time with its offset, so that an hour which occurs twice has two names.
        name: of the shift; the label itself for other windows.
    """

    start: datetime
    end: datetime
    label: str
    name: str


@dataclass(frozen=True, slots=True)
class PlantCalendar:
    """When a plant works.

    Attributes:
        time_zone: IANA name, such as "Asia/Seoul".
        day_start: local time at which a production day begins, at a quarter of an hour.
        shifts: in the day's order, without overlap; gaps between them are allowed.
    """

    time_zone: str = "UTC"
    day_start: time = time(0, 0)
    shifts: tuple[Shift, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a calendar that gives no windows."""
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise CalendarUnfit(f"no time zone {self.time_zone!r}; expected an IANA name such as Asia/Seoul") from error
        _check_quarter("the production day starts", self.day_start)
        names = [shift.name for shift in self.shifts]
        if len(set(names)) != len(names):
            raise CalendarUnfit(f"shifts {names} name one twice")
        end_of_last = 0
        for shift in self.shifts:
            start = _minutes_from(self.day_start, shift.start)
            end = start + (_minutes_from(shift.start, shift.end) or 24 * 60)
            if start < end_of_last:
                raise CalendarUnfit(
                    f"shift {shift.name!r} starts at {shift.start:%H:%M}, before the one listed before it has ended; "
                    f"list them in the order of a production day that starts at {self.day_start:%H:%M}"
                )
            if end > 24 * 60:
                raise CalendarUnfit(
                    f"shift {shift.name!r} ends at {shift.end:%H:%M}, after the production day has ended at "
                    f"{self.day_start:%H:%M}: start the day with a shift"
                )
            end_of_last = end

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    def production_day(self, instant: datetime) -> date:
        """The production day that an aware instant belongs to, named after the local date on which it begins."""
        local = instant.astimezone(self.zone).date()
        return local if instant >= self._at(local, self.day_start) else local - _DAY

    def day_window(self, day: date) -> Window:
        """The span of a production day."""
        label = day.isoformat()
        return Window(self._at(day, self.day_start), self._at(day + _DAY, self.day_start), label, label)

    def days(self, start: datetime, end: datetime) -> Iterator[Window]:
        """The production days that overlap a span, whole."""
        day = self.production_day(start)
        while (window := self.day_window(day)).start < end:
            if window.start < window.end:
                yield window
            day += _DAY

    def shift_windows(self, start: datetime, end: datetime) -> Iterator[Window]:
        """The shifts that overlap a span, whole, in order.

        Raises:
            NoShifts: the calendar has none.
        """
        if not self.shifts:
            raise NoShifts("the plant's calendar names no shifts: give them with PUT /v1/calendar")
        for day in self.days(start, end):
            for shift in self.shifts:
                window = self._shift_window(date.fromisoformat(day.label), shift)
                # A shift can lie wholly in the hour that the clocks skip.
                if window.start < window.end and window.start < end and window.end > start:
                    yield window

    def hours(self, start: datetime, end: datetime) -> Iterator[Window]:
        """The hours of the local clock that overlap a span, whole."""
        instant = start.astimezone(UTC)
        offset_min = int((instant.astimezone(self.zone).utcoffset() or timedelta()).total_seconds()) // 60 % 60
        instant = instant.replace(minute=0, second=0, microsecond=0) - timedelta(minutes=offset_min)
        while instant + timedelta(hours=1) <= start:
            instant += timedelta(hours=1)
        while instant < end:
            local = instant.astimezone(self.zone)
            # A change by less than an hour (Lord Howe Island) makes one window shorter or longer.
            following = instant + timedelta(minutes=60 - local.minute)
            label = local.isoformat(timespec="minutes")
            yield Window(instant, following, label, label)
            instant = following

    def planned(self, start: datetime, end: datetime, *, shift: str | None = None) -> timedelta:
        """How much of a span is planned to run: in shifts, outside their breaks; all of it without shifts.

        Args:
            start: aware.
            end: aware.
            shift: only that of this name.
        """
        if not self.shifts:
            return end - start
        by_name = {shift.name: shift for shift in self.shifts}
        total = timedelta()
        for window in self.shift_windows(start, end):
            if shift not in {None, window.name}:
                continue
            total += _overlap(window.start, window.end, start, end)
            day = self.production_day(window.start)
            for pause in by_name[window.name].breaks:
                begins = self._at_or_after(window.start, day, pause.start)
                ends = self._at_or_after(begins, begins.astimezone(self.zone).date(), pause.end)
                total -= _overlap(begins, ends, max(start, window.start), min(end, window.end))
        return total

    def _shift_window(self, day: date, shift: Shift) -> Window:
        start_day = day if shift.start >= self.day_start else day + _DAY
        end_day = start_day if shift.end > shift.start else start_day + _DAY
        start, end = self._at(start_day, shift.start), self._at(end_day, shift.end)
        return Window(start, end, f"{day.isoformat()} {shift.name}", shift.name)

    def _at_or_after(self, instant: datetime, day: date, local: time) -> datetime:
        found = self._at(day, local)
        return found if found >= instant else self._at(day + _DAY, local)

    def _at(self, day: date, local: time) -> datetime:
        return datetime.combine(day, local, self.zone).astimezone(UTC)


def _overlap(start: datetime, end: datetime, from_: datetime, to: datetime) -> timedelta:
    return max(timedelta(), min(end, to) - max(start, from_))


def _minutes_from(start: time, instant: time) -> int:
    """Minutes of the clock from one local time to the next occurrence of another, 0 to 1439."""
    return ((instant.hour - start.hour) * 60 + instant.minute - start.minute) % (24 * 60)


def _check_quarter(what: str, instant: time) -> None:
    if instant.tzinfo is not None:
        raise CalendarUnfit(f"{what} at {instant}: expected a local time without an offset")
    if instant.minute % _STEP_MIN or instant.second or instant.microsecond:
        raise CalendarUnfit(
            f"{what} at {instant:%H:%M:%S}; expected a quarter of an hour (:00, :15, :30 or :45), because rates are "
            "added up from quarters"
        )
