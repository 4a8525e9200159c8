"""The watch that tells the MES and the twin how the plant stands: rates, states of stations, alarms of pictures.

It follows the log behind the rate cells. Whatever it tells is written in one transaction with what it remembers of
having told it, so that it may be killed anywhere and neither repeats nor misses anything. It runs beside the verdicts
and never before one: it looks at most once a second, at a bounded number of events, and rests four times as long as it
worked.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from lineside.inspection.errors import LinesideError
from lineside.serving.charts.service import ChartService
from lineside.serving.clock import Clock
from lineside.serving.deployments.book import Scope
from lineside.serving.holds import HoldBook
from lineside.serving.ledger import Ledger, LedgerClosed, Transaction
from lineside.serving.metrics import Metrics
from lineside.serving.proposals import ProposalBook
from lineside.serving.rates.answers import RateAnswers
from lineside.serving.rates.projection import read_position
from lineside.serving.rates.service import RateService
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.settings import Settings
from lineside.serving.signals import store
from lineside.serving.signals.acting import Acting
from lineside.serving.signals.charting import ChartWatch
from lineside.serving.signals.image_alarms import follow_pictures
from lineside.serving.signals.image_health import ImageLimits
from lineside.serving.signals.occasions import drift_occasion, escape_occasion, image_alarm_occasion
from lineside.serving.signals.rate_rules import RateRules
from lineside.serving.signals.rules import HoldWanted, all_wanted
from lineside.serving.signals.schemas import ImageAlarmTold, StationStateTold
from lineside.serving.signals.seen import Chunk, Seen, SeenDrift, SeenJob, SeenPart, SeenReview, read_on
from lineside.serving.signals.station_states import InForce, StationMemory, state_of
from lineside.serving.signals.store import Cursor
from lineside.serving.signals.windows import answer_of, counts_of, told_of, touched_windows
from lineside.serving.stations import Station, StationDirectory

_log = structlog.get_logger(__name__)

_EVENTS_AT_ONCE: Final = 500
_WINDOWS_AT_ONCE: Final = 20
_AT_MOST_EVERY_S: Final = 1.0
_REST_PER_WORK: Final = 4.0  # at most a fifth of one core: verdicts come first
_LOOK_EVERY_S: Final = 5.0  # though no event comes: windows end and lines fall idle by the clock
_RETRY_S: Final = 5.0
_CHARTS_EVERY_S: Final = 60.0
_FRESH: Final = timedelta(seconds=10)
"""With an unheeded event older than this the watch is catching up, and does not say what stands now."""
_OUT_OF_ORDER: Final = timedelta(minutes=1)
"""Parts judged side by side are written down in any order."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look at the ledger gave."""

    chunk: Chunk
    memories: Mapping[str, StationMemory]
    next_recorded_at: datetime | None
    is_more: bool


class SignalService:
    """Tells rates of windows, states of stations and alarms of pictures. One for each app.

    Args:
        settings: how long windows are, and when pictures are unfit.
        clock: tells which windows are over.
        ledger: what it reads and writes.
        stations: what is in force at each.
        recipes: what the stations judge by.
        why_not_judged: why no release may or can judge a recipe's parts at a line; None if one can.
        rates: count the parts of windows and lots.
        answers: estimate their rates.
        charts: draws the charts with a frozen baseline.
        holds: what is held at each station, and takes what rules order.
        proposals: take what rules propose.
        metrics: told of what stands.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        stations: StationDirectory,
        recipes: RecipeBook,
        why_not_judged: Callable[[Scope, StoredRecipe], str | None],
        rates: RateService,
        answers: RateAnswers,
        charts: ChartService,
        holds: HoldBook,
        proposals: ProposalBook,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._stations = stations
        self._recipes = recipes
        self._why_not_judged = why_not_judged
        self._answers = answers
        self._holds = holds
        self._metrics = metrics
        self._length = timedelta(minutes=settings.rate_window_minutes)
        self._grace = timedelta(minutes=settings.rate_window_grace_minutes)
        self._idle_after = timedelta(seconds=settings.station_idle_seconds)
        self._limits = ImageLimits(
            in_a_row=settings.image_alarm_in_a_row,
            share=settings.image_alarm_share,
            window_parts=settings.image_alarm_window_parts,
        )
        self._charting = ChartWatch(ledger, charts=charts, stations=stations, recipes=recipes, metrics=metrics)
        self._acting = Acting(ledger, holds=holds, proposals=proposals)
        self._rate_rules = RateRules(
            ledger,
            recipes=recipes,
            rates=rates,
            answers=answers,
            length=self._length,
            is_simulated=settings.is_simulated,
        )
        self._charts_at_s: float | None = None
        self._failure: str | None = None
        self._position = 0
        self._working = asyncio.Lock()
        self._stopping = asyncio.Event()

    async def run_forever(self) -> None:
        """Follow until `stop`; a failure is logged once it begins, and the next try goes on."""
        while not self._stopping.is_set():
            began_s = self._clock.monotonic()
            try:
                await self.step()
                if self._failure is not None:
                    self._failure = None
                    _log.info("signals_follow_again")
                worked_s = self._clock.monotonic() - began_s
                await self._rest(max(_AT_MOST_EVERY_S, _REST_PER_WORK * worked_s))
                await self._wait_for_event()
            except LedgerClosed:
                return
            except (LinesideError, OSError) as error:
                self._failed(str(error))
                await self._rest(_RETRY_S)
            except Exception as error:  # noqa: BLE001 - a fault of the watch must not end the server that judges
                self._failed(f"{type(error).__name__}: {error}", error)
                await self._rest(_RETRY_S)

    def stop(self) -> None:
        """End `run_forever` soon."""
        self._stopping.set()

    async def settle(self) -> None:
        """Go on until nothing is left to tell of what the rate cells hold."""
        while await self.step():
            pass

    async def step(self) -> bool:
        """Heed the next events, and tell what is due.

        Returns:
            Whether there is more to do at once.

        Raises:
            LedgerUnavailable, LedgerBusy, LedgerClosed: nothing was written, or only whole steps before this one.
        """
        async with self._working:
            cursor = await self._cursor()
            read = await self._read(cursor)
            if read is None:
                return False
            now = self._clock.now()
            is_up_to_date = read.next_recorded_at is None or read.next_recorded_at > now - _FRESH
            await self._heed(cursor, read, now=now, is_up_to_date=is_up_to_date)
            self._position = read.chunk.position
            was_full = False
            if not read.is_more:
                was_full = await self._close_windows(min(now, read.next_recorded_at or now))
                await self._look_at_charts(cursor, now)
            has_acted = await self._acting.carry_out()
            return read.is_more or was_full or has_acted

    async def _look_at_charts(self, cursor: Cursor, now: datetime) -> None:
        if self._charts_at_s is None or self._clock.monotonic() - self._charts_at_s >= _CHARTS_EVERY_S:
            await self._charting.look(since=cursor.began_at, now=now)
            self._charts_at_s = self._clock.monotonic()

    async def _cursor(self) -> Cursor:
        """Where to read on; a watch that never ran begins with the present."""
        plant = self._ledger.plant
        found = await self._ledger.read(partial(store.read_cursor, plant=plant))
        if found is not None:
            return found
        sequence = self._ledger.last_sequence
        return await self._ledger.write(partial(store.begin, sequence=sequence))

    async def _read(self, cursor: Cursor) -> _Read | None:
        """What comes next; None while the rate cells are being counted anew."""
        plant = self._ledger.plant

        def read(connection: Connection) -> _Read | None:
            cells = read_position(connection, plant)
            if cells is None or cells.rebuilding:
                return None
            chunk = read_on(connection, plant, after=cursor.sequence, until=cells.sequence, limit=_EVENTS_AT_ONCE)
            return _Read(
                chunk=chunk,
                memories=store.memories(connection, plant),
                next_recorded_at=store.recorded_next(connection, plant, chunk.position),
                is_more=chunk.position < cells.sequence,
            )

        return await self._ledger.read(read)

    async def _heed(self, cursor: Cursor, read: _Read, *, now: datetime, is_up_to_date: bool) -> None:
        """Take the events in, tell what they changed, and remember it."""
        memories, alarms = self._followed(read.chunk.seen, read.memories)
        states: list[StationStateTold] = []
        if is_up_to_date:
            memories, states = self._states(memories, now)
        changed = {name: memory for name, memory in memories.items() if read.memories.get(name) != memory}
        parts = [
            each
            for each in read.chunk.seen
            if isinstance(each, SeenPart) and each.is_simulated == self._settings.is_simulated
        ]
        touched = touched_windows(parts, self._length)
        wanted = [
            *(each for occasion in self._occasions(read.chunk.seen, alarms) for each in occasion),
            *await self._rate_rules.broken_by(
                (each for each in read.chunk.seen if isinstance(each, SeenPart | SeenReview)), now=now
            ),
        ]
        if changed or touched or read.chunk.position > cursor.sequence:

            def write(transaction: Transaction) -> None:
                store.save_memories(transaction, changed)
                store.open_windows(transaction, touched)
                for alarm, part in alarms:
                    transaction.append_event(
                        store.IMAGE_ALARM_EVENT,
                        station=alarm.station,
                        occurred_at=part.judged_at,
                        data=alarm.model_dump(mode="json"),
                    )
                for state in states:
                    transaction.append_event(
                        store.STATION_STATE_EVENT,
                        station=state.station,
                        occurred_at=state.since,
                        data=state.model_dump(mode="json"),
                    )
                store.decide(transaction, wanted)
                store.move_cursor(transaction, read.chunk.position)

            await self._ledger.write(write)
        self._metrics.stations_stand(
            {name: memory.told.value for name, memory in memories.items() if memory.told is not None},
            alarming={name for name, memory in memories.items() if memory.health.alarm_id is not None},
        )
        for state in states:
            self._metrics.signal_told(store.STATION_STATE_EVENT, state.station)
        for alarm, _ in alarms:
            self._metrics.signal_told(store.IMAGE_ALARM_EVENT, alarm.station)
            _log.warning("image_alarm", state=alarm.state, station=alarm.station, reason=alarm.message)

    def _followed(
        self, seen: Sequence[Seen], before: Mapping[str, StationMemory]
    ) -> tuple[dict[str, StationMemory], list[tuple[ImageAlarmTold, SeenPart]]]:
        """What is remembered once the events were taken in, and the alarms that came or went with them.

        Parts that a station hands in long after newer ones say nothing of how it stands now.
        """
        memories = dict(before)
        alarms: list[tuple[ImageAlarmTold, SeenPart]] = []
        for each in seen:
            if isinstance(each, SeenJob):
                memory = memories.get(each.station, StationMemory())
                jobs = memory.jobs | {each.job_id} if each.is_waiting else memory.jobs - {each.job_id}
                memories[each.station] = replace(memory, jobs=jobs)
            elif isinstance(each, SeenPart):
                memory = memories.get(each.station, StationMemory())
                last_part_at = memory.last_part_at or each.judged_at
                if each.judged_at < last_part_at - _OUT_OF_ORDER:
                    continue
                health, alarm = follow_pictures(memory.health, each, self._limits, new_id=self._ledger.new_id)
                if alarm is not None:
                    alarms.append((alarm, each))
                memories[each.station] = replace(
                    memory, health=health, last_part_at=max(last_part_at, each.judged_at), trouble=each.trouble
                )
        return memories, alarms

    def _occasions(
        self, seen: Sequence[Seen], alarms: Sequence[tuple[ImageAlarmTold, SeenPart]]
    ) -> Iterator[Iterator[HoldWanted]]:
        """What the recipes' rules ask for because of alarms and escapes."""
        for alarm, part in alarms:
            if alarm.state == "raised" and part.recipe is not None:
                yield all_wanted(self._recipes.get(*part.recipe).recipe, image_alarm_occasion(alarm, part))
        for each in seen:
            if isinstance(each, SeenDrift):
                lot = self._stations.get(each.station).lot
                yield all_wanted(self._recipes.get(*each.recipe).recipe, drift_occasion(each, lot=lot))
            elif isinstance(each, SeenReview) and each.is_escape and each.recipe is not None:
                yield all_wanted(self._recipes.get(*each.recipe).recipe, escape_occasion(each))

    def _states(
        self, memories: Mapping[str, StationMemory], now: datetime
    ) -> tuple[dict[str, StationMemory], list[StationStateTold]]:
        """What is remembered once the states are told that differ from those told last."""
        after = dict(memories)
        told: list[StationStateTold] = []
        for station in self._stations.all():
            memory = memories.get(station.id, StationMemory())
            state, why = state_of(memory, self._in_force(station), now=now, idle_after=self._idle_after)
            if state is memory.told:
                continue
            after[station.id] = replace(memory, told=state)
            told.append(
                StationStateTold(
                    station=station.id, line=station.line, state=state, previous=memory.told, since=now, why=why
                )
            )
        return after, told

    def _in_force(self, station: Station) -> InForce:
        cannot_judge = None
        if station.recipe_id is not None:
            stored = self._recipes.get(station.recipe_id, station.recipe_version)
            scope = Scope(station.line, stored.recipe.product, stored.recipe.release)
            cannot_judge = self._why_not_judged(scope, stored)
        return InForce(
            has_recipe=station.recipe_id is not None,
            cannot_judge=cannot_judge,
            held_because=next((hold.reason for hold in self._holds.concerning(station.id)), None),
        )

    async def _close_windows(self, heeded_until: datetime) -> bool:
        """Tell the windows that are over and whose parts are all counted; whether there may be more of them."""
        plant = self._ledger.plant
        due = await self._ledger.read(
            partial(store.due_windows, plant=plant, ended_by=heeded_until - self._grace, limit=_WINDOWS_AT_ONCE)
        )
        is_simulated = self._settings.is_simulated
        for window in due:
            line = self._stations.get(window.key.station).line
            answer = await answer_of(window.key, self._answers, is_simulated=is_simulated)
            if answer.rebuilding:
                return False
            told = told_of(window, answer, line=line, is_simulated=is_simulated)
            await self._ledger.write(
                partial(
                    store.close_window,
                    window=window,
                    as_of_sequence=answer.as_of_sequence,
                    counts=counts_of(answer.total),
                    event=None if told is None else told.model_dump(mode="json"),
                )
            )
            if told is not None:
                self._metrics.signal_told(store.RATE_EVENT, told.station)
                rate = told.figures.rate
                self._metrics.window_told(
                    told.station,
                    told.product or "",
                    {
                        "detector": told.figures.detector_rate.estimate,
                        "estimated": rate.point,
                        "lower": rate.lower,
                        "upper": rate.upper,
                    },
                )
        return len(due) == _WINDOWS_AT_ONCE

    def _failed(self, reason: str, error: Exception | None = None) -> None:
        if self._failure is None:
            _log.error("signals_stand_still", reason=reason, exc_info=error)
        self._failure = reason

    async def _wait_for_event(self) -> None:
        waits = (
            asyncio.ensure_future(self._ledger.wait_for_event(self._position, timeout_s=_LOOK_EVERY_S)),
            asyncio.ensure_future(self._stopping.wait()),
        )
        _, unfinished = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in unfinished:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
