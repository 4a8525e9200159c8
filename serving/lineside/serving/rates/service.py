"""Counts of parts in windows, from the cells that follow the ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from lineside.inspection.verdict import Verdict
from lineside.serving.clock import Clock
from lineside.serving.errors import RateQuestionUnfit
from lineside.serving.ledger import Ledger
from lineside.serving.rates import store
from lineside.serving.rates.calendar import PlantCalendar, Window
from lineside.serving.rates.projection import Position, read_position
from lineside.serving.rates.store import Question
from lineside.serving.rates.windows import RateFilter, Tally, WindowCounts
from lineside.serving.stations import StationDirectory
from lineside.statistics.rates import RateCounts

T = TypeVar("T")

MOST_WINDOWS: Final = 2_000
"""Of one answer: 83 days by hour. More is no picture that anybody can read, and work that verdicts wait for."""


class By(StrEnum):
    """What rates can be told apart by."""

    STATION = "station"
    LINE = "line"
    LOT = "lot"
    PRODUCT = "product"
    CLASS = "class"
    SHIFT = "shift"
    DEPLOYMENT = "deployment"


_COLUMNS: Final[Mapping[By, str]] = {
    By.STATION: "station",
    By.LINE: "station",
    By.LOT: "lot",
    By.PRODUCT: "product",
    By.DEPLOYMENT: "release_digest",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """How long the windows of a series are.

    Attributes:
        kind: "hour", "shift", "day" (production day), "lot" or "parts".
        parts: with "parts", how many inspected parts a window has at least.
    """

    kind: str
    parts: int = 0

    @classmethod
    def parse(cls, text: str) -> "Bucket":
        """A bucket by its name: hour, shift, day, lot, or parts:N.

        Raises:
            RateQuestionUnfit: it is none.
        """
        kind, _, number = text.partition(":")
        if kind in {"hour", "shift", "day", "lot"} and not number:
            return cls(kind)
        if kind == "parts" and number.isascii() and number.isdecimal() and 1 <= int(number) <= 10**9:
            return cls(kind, int(number))
        raise RateQuestionUnfit(f"no windows by {text!r}; expected hour, shift, day, lot or parts:N, such as parts:500")


class RateService:
    """Answers how many parts were inspected, flagged, confirmed and audited, and when.

    Args:
        ledger: holds the cells.
        stations: which stand on which line; a part counts for the line that its station stands on now.
        calendar: the plant's, as it is in force now.
        clock: tells which windows are recent.
    """

    def __init__(
        self, ledger: Ledger, *, stations: StationDirectory, calendar: Callable[[], PlantCalendar], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._stations = stations
        self._calendar = calendar
        self._clock = clock

    async def position(self) -> Position | None:
        """How far the cells follow the log."""
        return await self._ledger.read(lambda connection: read_position(connection, self._ledger.plant))

    async def context(self, wanted: RateFilter) -> store.Context:
        """The products and releases of a span.

        Raises:
            UnknownStation: there is no such station.
        """
        question = self._question(wanted)
        return await self._ledger.read(lambda connection: store.read_context(connection, question))

    async def counts(self, wanted: RateFilter) -> RateCounts:
        """The strata that the rate of a span is estimated from."""
        return (await self.window(wanted)).counts

    async def window(self, wanted: RateFilter) -> WindowCounts:
        """A whole span as one window.

        Raises:
            UnknownStation: there is no such station.
            NoShifts: a shift is asked for, and the calendar has none.
        """
        question = self._question(wanted)
        shifts = self._shifts(wanted)

        def read(connection: Connection) -> Tally:
            if shifts is None:
                return store.read_total(connection, question).get("", Tally())
            return _merged(store.read_windows(connection, question, _spans(shifts)))

        tally, is_behind = await self._read(read)
        return self._window(tally, wanted, wanted.start, wanted.end, label="all", is_behind=is_behind)

    async def series(self, wanted: RateFilter, bucket: Bucket) -> tuple[WindowCounts, ...]:
        """A span cut into windows, those without parts included; the first and last are cut off at its ends.

        Windows by lot or by number of parts have those in which something came, and may overlap or leave gaps.

        Raises:
            RateQuestionUnfit: there would be too many.
            UnknownStation, NoShifts: as `window`.
        """
        question = self._question(wanted)
        if wanted.shift is not None and bucket.kind != "shift":
            raise RateQuestionUnfit(
                f"windows of one shift by {bucket.kind} are not kept: ask for windows by shift, or for no shift"
            )
        if bucket.kind == "lot":
            lots, is_behind = await self._read(lambda connection: store.read_lots(connection, question))
            _check_number(len(lots))
            return tuple(
                self._window(tally, wanted, max(start, wanted.start), min(end, wanted.end), label, is_behind=is_behind)
                for label, start, end, tally in lots
            )
        if bucket.kind == "parts":
            quarters, is_behind = await self._read(lambda connection: store.read_quarters(connection, question))
            return tuple(
                self._window(tally, wanted, start, end, start.isoformat(timespec="minutes"), is_behind=is_behind)
                for start, end, tally in _of_parts(quarters, bucket.parts, wanted.end)
            )
        windows = self._windows(wanted, bucket.kind)
        tallies, is_behind = await self._read(
            lambda connection: store.read_windows(connection, question, _spans(windows))
        )
        return tuple(
            self._window(tally, wanted, window.start, window.end, window.label, is_behind=is_behind)
            for window, tally in zip(windows, tallies, strict=True)
        )

    async def groups(self, wanted: RateFilter, by: By) -> Mapping[str, WindowCounts]:
        """A span as one window for each station, line, lot, product, class, shift or release, by name.

        By class only the classes that were reported or found are there. What has no lot or product has the name "", as
        have the defective parts of which nobody said what they have.

        Raises:
            RateQuestionUnfit: a shift is asked for by something else than shift, or there are too many.
            UnknownStation, NoShifts: as `window`.
        """
        if by is By.SHIFT:
            return await self._by_shift(wanted)
        if wanted.shift is not None:
            raise RateQuestionUnfit(
                f"rates of one shift by {by.value} cannot be had: ask for by=shift, or for no shift"
            )
        question = self._question(wanted)
        if by is By.CLASS:
            return await self._by_class(wanted, question)
        tallies, is_behind = await self._read(
            lambda connection: store.read_total(connection, question, by=_COLUMNS[by])
        )
        if by is By.LINE:
            lines = {station.id: station.line for station in self._stations.all()}
            merged: dict[str, Tally] = {}
            for station, tally in tallies.items():
                merged.setdefault(lines[station], Tally()).merge(tally)
            tallies = merged
        _check_number(len(tallies))
        planned = self._calendar().planned(wanted.start, wanted.end)
        return {
            name: self._window(tally, wanted, wanted.start, wanted.end, name, is_behind=is_behind, planned=planned)
            for name, tally in sorted(tallies.items())
        }

    async def _by_shift(self, wanted: RateFilter) -> Mapping[str, WindowCounts]:
        question = self._question(wanted)
        windows = self._windows(wanted, "shift")
        tallies, is_behind = await self._read(
            lambda connection: store.read_windows(connection, question, _spans(windows))
        )
        merged: dict[str, Tally] = {shift.name: Tally() for shift in self._calendar().shifts}
        for window, tally in zip(windows, tallies, strict=True):
            merged[window.name].merge(tally)
        return {
            name: self._window(tally, replace(wanted, shift=name), wanted.start, wanted.end, name, is_behind=is_behind)
            for name, tally in merged.items()
            if wanted.shift in {None, name}
        }

    async def _by_class(self, wanted: RateFilter, question: Question) -> Mapping[str, WindowCounts]:
        everything = replace(question, wanted=replace(wanted, class_name=None))

        def read(connection: Connection) -> tuple[Tally, dict[str, Tally]]:
            return (
                store.read_total(connection, everything).get("", Tally()),
                store.read_classes(connection, question),
            )

        (parts, classes), is_behind = await self._read(read)
        _check_number(len(classes))
        planned = self._calendar().planned(wanted.start, wanted.end)
        found: dict[str, WindowCounts] = {}
        for name, of_class in sorted(classes.items()):
            tally = Tally()
            tally.merge(parts)
            tally.merge(of_class)
            found[name] = self._window(
                tally,
                replace(wanted, class_name=name),
                wanted.start,
                wanted.end,
                name,
                is_behind=is_behind,
                planned=planned,
            )
        return found

    def _question(self, wanted: RateFilter) -> Question:
        if wanted.station is not None:
            self._stations.get(wanted.station)
        stations = tuple(
            station.id
            for station in self._stations.all()
            if wanted.station in {None, station.id} and wanted.line in {None, station.line}
        )
        return Question(self._ledger.plant, stations, wanted)

    def _shifts(self, wanted: RateFilter) -> Sequence[Window] | None:
        return None if wanted.shift is None else self._windows(wanted, "shift")

    def _windows(self, wanted: RateFilter, kind: str) -> Sequence[Window]:
        """The windows of the calendar in a span, cut off at its ends; only those of the shift that is asked for."""
        calendar = self._calendar()
        cut = {"hour": calendar.hours, "day": calendar.days, "shift": calendar.shift_windows}[kind]
        if wanted.shift is not None and wanted.shift not in {shift.name for shift in calendar.shifts}:
            known = ", ".join(shift.name for shift in calendar.shifts) or "none"
            raise RateQuestionUnfit(f"no shift {wanted.shift!r}; the plant's calendar has: {known}")
        _check_number((wanted.end - wanted.start) // {"hour": timedelta(hours=1)}.get(kind, timedelta(hours=23)))
        windows = [
            replace(window, start=max(window.start, wanted.start), end=min(window.end, wanted.end))
            for window in cut(wanted.start, wanted.end)
        ]
        if kind == "shift" and wanted.shift is not None:
            windows = [window for window in windows if window.name == wanted.shift]
        _check_number(len(windows))
        return windows

    async def _read(self, query: Callable[[Connection], T]) -> tuple[T, bool]:
        """What a query finds, and whether the cells it read are being counted anew."""

        def read(connection: Connection) -> tuple[T, bool]:
            position = read_position(connection, self._ledger.plant)
            return query(connection), position is None or position.rebuilding

        return await self._ledger.read(read)

    def _window(
        self,
        tally: Tally,
        wanted: RateFilter,
        start: datetime,
        end: datetime,
        label: str,
        *,
        is_behind: bool,
        planned: timedelta | None = None,
    ) -> WindowCounts:
        """One window; `planned` where many windows have the same span, so that its shifts are counted once."""
        return tally.window(
            start=start,
            end=end,
            label=label,
            now=self._clock.now(),
            planned=self._calendar().planned(start, end, shift=wanted.shift) if planned is None else planned,
            class_name=wanted.class_name,
            is_behind=is_behind,
        )


def _spans(windows: Sequence[Window]) -> list[tuple[datetime, datetime]]:
    return [(window.start, window.end) for window in windows]


def _merged(tallies: Sequence[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole


def _of_parts(
    quarters: Sequence[tuple[datetime, Tally]], parts: int, end: datetime
) -> Sequence[tuple[datetime, datetime, Tally]]:
    """Quarters of an hour put together until each window has so many inspected parts; the last may have fewer."""
    found: list[tuple[datetime, datetime, Tally]] = []
    begun: tuple[datetime, Tally] | None = None
    for position, (start, tally) in enumerate(quarters):
        first, sums = begun or (start, Tally())
        sums.merge(tally)
        following = quarters[position + 1][0] if position + 1 < len(quarters) else end
        begun = (first, sums)
        if sums.total("parts", Verdict.OK) + sums.total("parts", Verdict.NG) >= parts or following == end:
            found.append((first, min(start + timedelta(minutes=15), end), sums))
            begun = None
    _check_number(len(found))
    return found


def _check_number(windows: int) -> None:
    if windows > MOST_WINDOWS:
        raise RateQuestionUnfit(
            f"the span has {windows} windows and at most {MOST_WINDOWS} are given at once: ask for a shorter span, or "
            "for longer windows"
        )


def shown_filter(wanted: RateFilter) -> dict[str, Any]:
    """The conditions of a filter that are set, as JSON."""
    names = ("station", "line", "lot", "product", "class_name", "release_digest", "shift")
    return {name: getattr(wanted, name) for name in names if getattr(wanted, name) is not None}
