"""The closed loop: an alarm in the ledger asks the model of its station, and what is cheaper waits for a person.

It reads the log behind the verdicts. Its position is durable and each alarm asks once, whatever the server was stopped
in; it never decides anything.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection, delete, insert, select

from lineside.inspection.errors import LinesideError
from lineside.serving.clock import Clock
from lineside.serving.errors import Shed, UnknownStation
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.scenario_tables import scenario_cursors
from lineside.serving.ledger.tables import events
from lineside.serving.twin.line_model import ImpossibleLine
from lineside.serving.twin.scenarios.alarm_file import EVENT_TYPES, WhatIfFile
from lineside.serving.twin.scenarios.schemas import CauseOut, ScenarioIn
from lineside.serving.twin.scenarios.service import ScenarioService

_log = structlog.get_logger(__name__)

_READ_EVERY_S: Final = 5.0
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something in the log that asks.

    Attributes:
        sequence: of its event.
        event_id: of it.
        event_type: what happened.
        stations: where.
        message: in words.
    """

    sequence: int
    event_id: str
    event_type: str
    stations: tuple[str, ...]
    message: str


class AlarmQuestions:
    """Has alarms ask.

    Args:
        ledger: whose log is followed.
        clock: what the pause between questions is told by.
        scenarios: answers.
        file: which alarms ask, and what.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock, scenarios: ScenarioService, file: WhatIfFile) -> None:
        self._ledger = ledger
        self._clock = clock
        self._scenarios = scenarios
        self._file = file
        self._types = tuple(EVENT_TYPES[name] for name in file.alarms)
        self._stopping = asyncio.Event()
        self._fails = False

    async def run_forever(self) -> None:
        """Follow the log until `stop`."""
        while not self._stopping.is_set():
            try:
                await self.catch_up()
                self._fails = False
            except LinesideError as error:
                if not self._fails:
                    _log.warning("alarms_do_not_ask", reason=str(error))
                self._fails = True
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _READ_EVERY_S)

    def stop(self) -> None:
        """End `run_forever` soon."""
        self._stopping.set()

    async def catch_up(self) -> None:
        """Look at every event that is durable; a log that was never followed is followed from now on.

        Raises:
            Shed: too many questions wait; the alarm asks when there is room.
        """
        position = await self._ledger.read(partial(_cursor, plant=self._ledger.plant))
        if position is None:
            present = self._ledger.last_sequence
            await self._ledger.write(partial(_set_cursor, sequence=present))
            return
        while not self._stopping.is_set():
            end = self._ledger.last_sequence
            found = await self._ledger.read(
                partial(_events, plant=self._ledger.plant, types=self._types, after=position, until=end)
            )
            for alarm in (each for row in found if (each := self._alarm(row)) is not None):
                await self._ask(alarm)
            position = found[-1]["sequence"] if len(found) == _AT_ONCE else end
            await self._ledger.write(partial(_set_cursor, sequence=position))
            if len(found) < _AT_ONCE:
                return

    async def _ask(self, alarm: Alarm) -> None:
        pause = timedelta(hours=self._file.pause_hours)
        for station in alarm.stations:
            if self._file.stations is not None and station not in self._file.stations:
                continue
            last = await self._scenarios.last_asked_by_alarm(station)
            if last is not None and self._clock.now() - last.requested_at < pause:
                continue
            cause = CauseOut(
                event_type=alarm.event_type,
                sequence=alarm.sequence,
                event_id=alarm.event_id,
                message=alarm.message,
            )
            question = ScenarioIn(**dict(self._file.question), station=station, propose=self._file.propose)
            try:
                asked = await self._scenarios.ask(question, by="an alarm, by what-if.yaml", cause=cause)
            except Shed:
                raise
            except (UnknownStation, ImpossibleLine) as error:
                _log.warning("alarm_cannot_ask", station=station, reason=str(error))
                continue
            _log.info("alarm_asks", station=station, alarm=alarm.event_type, scenario=asked.id)

    def _alarm(self, row: Mapping[str, Any]) -> Alarm | None:
        """An event as an alarm; None if it is none, or is over."""
        data, event_type = row["data"], row["type"]
        stations = tuple(data.get("stations") or (() if row["station"] is None else (row["station"],)))
        message = data.get("message") or ""
        if data.get("state") in {"acknowledged", "cleared"}:
            return None
        if event_type == EVENT_TYPES["rate"]:
            rate = data["figures"]["rate"]
            limit, lower = self._file.rate_above, rate["lower"]
            if limit is None or lower is None or lower <= limit:
                return None
            message = f"the defect rate since {data['start']} was at least {lower:.4g}; the limit is {limit:g}"
        return Alarm(row["sequence"], row["id"], event_type, stations, message[:1000])


def _cursor(connection: Connection, plant: str) -> int | None:
    found: int | None = connection.execute(
        select(scenario_cursors.c.sequence).where(scenario_cursors.c.plant == plant)
    ).scalar_one_or_none()
    return found


def _set_cursor(transaction: Transaction, sequence: int) -> None:
    transaction.connection.execute(delete(scenario_cursors).where(scenario_cursors.c.plant == transaction.plant))
    transaction.connection.execute(insert(scenario_cursors).values(plant=transaction.plant, sequence=sequence))


def _events(
    connection: Connection, plant: str, *, types: Sequence[str], after: int, until: int
) -> Sequence[Mapping[str, Any]]:
    """Events of some types, in order."""
    rows = connection.execute(
        select(events.c.sequence, events.c.id, events.c.type, events.c.station, events.c.data)
        .where(
            events.c.plant == plant,
            events.c.type.in_(types),
            events.c.sequence > after,
            events.c.sequence <= until,
        )
        .order_by(events.c.sequence)
        .limit(_AT_ONCE)
    )
    return [dict(row) for row in rows.mappings()]
