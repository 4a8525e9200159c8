"""When shifts begin, so that the master samples come due with each; in local time, whatever the clock does.

Local times become instants as Python's zoneinfo has it (PEP 495): a time that a daylight-saving change skips is taken
by the offset before the change, one that occurs twice is its first occurrence.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = timedelta(days=1)
_DAYS_BACK = 3
"""A zone that moves over the date line skips a day."""


@dataclass(frozen=True, slots=True)
class ShiftStarts:
    """When shifts begin, every day.

    Attributes:
        times: local, at least one.
        time_zone: IANA name, such as "Asia/Seoul".
    """

    times: tuple[time, ...]
    time_zone: str

    def __post_init__(self) -> None:
        """Refuse what says no instant."""
        if not self.times:
            raise ValueError("shifts name no time; expected at least one, such as 06:00")
        if len(set(self.times)) != len(self.times):
            raise ValueError(f"shifts {', '.join(f'{each:%H:%M}' for each in self.times)} name one twice")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone {self.time_zone!r}; expected an IANA name such as Asia/Seoul") from error

    def latest(self, now: datetime) -> datetime:
        """When the shift that runs at an aware instant began, UTC."""
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        instants = (
            datetime.combine(today - back * _DAY, at, zone).astimezone(UTC)
            for back in range(_DAYS_BACK)
            for at in self.times
        )
        return max(instant for instant in instants if instant <= now)

    @property
    def shortest(self) -> timedelta:
        """The least time from one start to the next, on a day without a change of the clocks."""
        ordered = sorted(timedelta(hours=at.hour, minutes=at.minute) for at in self.times)
        return min(after - before for before, after in zip(ordered, [*ordered[1:], ordered[0] + _DAY], strict=True))


class ShiftWatch:
    """Tells of each shift's start once.

    A clock that is set back over a start meets it again. That is the same shift if it was told a moment ago, and
    another one if half of the shortest shift has gone by since, measured on the clock that is never set: none is told
    twice, and a clock that was wrong by days loses none after it is right.

    Args:
        starts: when they are.
        now: aware instant at which the watch begins; the shift that runs then is told by nobody.
    """

    def __init__(self, starts: ShiftStarts, *, now: datetime) -> None:
        self._starts = starts
        self._running = starts.latest(now)
        self._told: tuple[datetime, float] | None = None

    def look(self, now: datetime, *, monotonic_s: float) -> datetime | None:
        """The start of a shift that began since the last look, UTC; None mostly.

        Args:
            now: aware instant.
            monotonic_s: seconds on a clock that is never set.
        """
        latest = self._starts.latest(now)
        before, self._running = self._running, latest
        if latest <= before:
            return None
        if self._told is not None:
            told, told_s = self._told
            if latest <= told and monotonic_s - told_s < self._starts.shortest.total_seconds() / 2:
                return None
        self._told = (latest, monotonic_s)
        return latest
