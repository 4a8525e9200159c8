"""The plant's calendar in the ledger: append-only versions, the last one in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from lineside.serving.clock import Clock
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.rate_tables import calendars
from lineside.serving.rates.calendar import PlantCalendar
from lineside.serving.rates.schemas import CalendarChanged, CalendarIn

EVENT_TYPE: Final = "calendar.v1"


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """One version of the calendar.

    Attributes:
        calendar: what it says.
        version: from 1; 0 for the one that holds before any was given: UTC days without shifts.
        created_at: when it came, aware UTC; None for version 0.
        created_by: name of the key it came with.
    """

    calendar: PlantCalendar
    version: int = 0
    created_at: datetime | None = None
    created_by: str | None = None


class CalendarBook:
    """The calendar in force. Open it with `open`."""

    def __init__(self, ledger: Ledger, *, clock: Clock, in_force: StoredCalendar) -> None:
        self._ledger = ledger
        self._clock = clock
        self._in_force = in_force

    @classmethod
    async def open(cls, ledger: Ledger, *, clock: Clock) -> "CalendarBook":
        """Read the last version."""
        return cls(ledger, clock=clock, in_force=await ledger.read(lambda connection: _last(connection, ledger.plant)))

    @property
    def stored(self) -> StoredCalendar:
        """The version in force."""
        return self._in_force

    def calendar(self) -> PlantCalendar:
        """What is in force."""
        return self._in_force.calendar

    async def put(self, given: CalendarIn, *, changed_by: str) -> StoredCalendar:
        """Add a version; the same again changes nothing. No count changes: they are kept in UTC.

        Raises:
            CalendarUnfit: no calendar can be like this.
        """
        calendar = given.to_calendar()
        if self._in_force.version and calendar == self._in_force.calendar:
            return self._in_force

        def write(transaction: Transaction) -> StoredCalendar:
            version = _last(transaction.connection, transaction.plant).version + 1
            now = transaction.now()
            document = given.model_dump(mode="json")
            transaction.connection.execute(
                insert(calendars),
                {
                    "plant": transaction.plant,
                    "version": version,
                    "document": document,
                    "created_at": now,
                    "created_by": changed_by,
                },
            )
            changed = CalendarChanged(version=version, calendar=given, changed_by=changed_by)
            transaction.append_event(EVENT_TYPE, station=None, occurred_at=now, data=changed.model_dump(mode="json"))
            return StoredCalendar(calendar, version, now, changed_by)

        self._in_force = await self._ledger.write(write)
        return self._in_force


def _last(connection: Connection, plant: str) -> StoredCalendar:
    row = connection.execute(
        select(calendars).where(calendars.c.plant == plant).order_by(calendars.c.version.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return StoredCalendar(PlantCalendar())
    calendar = CalendarIn.model_validate(row.document).to_calendar()
    return StoredCalendar(calendar, row.version, row.created_at, row.created_by)
