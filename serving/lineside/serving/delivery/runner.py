"""One sink's loop: read, deliver in order, report how far it is.

The cursor follows the proof: it is stored after an event is delivered, parked or skipped, so an event whose proof was
not stored goes again, with the same id. At most `RunnerLimits.window` events are in memory.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from lineside.client import Backoff
from lineside.inspection.errors import LinesideError
from lineside.serving.clock import Clock
from lineside.serving.delivery.bounded_calls import SinkFault, call
from lineside.serving.delivery.desk import Desk, Orders, Outcome, Settlement, SinkDescription, SinkReport
from lineside.serving.delivery.errors import ConnectionLost, Poison, SendAgainFrom, Trouble, TryAgain
from lineside.serving.delivery.event_log import EventLog
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.delivery.gate import Gate, Origin
from lineside.serving.delivery.sinks import Idle, Sink
from lineside.serving.delivery.station_lines import Lines
from lineside.serving.delivery.window import Item, Window
from lineside.serving.ledger import Event, LedgerError

_log = structlog.get_logger(__name__)

_NEVER = 2**63
"""No log gets that far."""


@dataclass(frozen=True, slots=True)
class RunnerLimits:
    """Bounds of one sink's loop, in seconds where nothing else is said.

    Attributes:
        window: events in memory, at most.
        call_s: one call of a sink.
        close_s: its end.
        report_every_s: between two reports; orders of people come with their answers.
        idle_every_s: between two calls of `Idle.idle`.
        person_wait_s: between two tries while a person is needed.
        backoff: between tries otherwise.
        most_faults: tries of an event that the sink itself fails at, before it is parked.
    """

    window: int = 200
    call_s: float = 75.0
    close_s: float = 5.0
    report_every_s: float = 1.0
    idle_every_s: float = 1.0
    person_wait_s: float = 60.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.5, longest_s=30.0))
    most_faults: int = 5


class SinkRunner:
    """Runs one sink until it is stopped; nothing that the sink does ends it.

    Args:
        sink: the peer.
        description: what the desk is told of it.
        wanted: its filter.
        desk: who keeps its cursor.
        log: the plant's events.
        lines: of the stations.
        clock: instants that are shown; waits use the event loop's own time.
        limits: bounds.
        rng: the jitter.
    """

    def __init__(
        self,
        sink: Sink,
        description: SinkDescription,
        *,
        wanted: EventFilter,
        desk: Desk,
        log: EventLog,
        lines: Lines,
        clock: Clock,
        limits: RunnerLimits | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._sink = sink
        self._description = description
        self._wanted = wanted
        self._desk = desk
        self._log = log
        self._lines = lines
        self._limits = limits or RunnerLimits()
        self._gate = Gate(
            description.name,
            clock=clock,
            seconds=_seconds,
            backoff=self._limits.backoff,
            person_wait_s=self._limits.person_wait_s,
            rng=rng or random.Random(),  # noqa: S311 - jitter
        )
        self._stopping = asyncio.Event()
        self._window = Window(0, lanes=1)
        self._orders = Orders(0, 0, 0, 0, (), frozenset())
        self._go_on_from: int | None = None
        self._rewinds_in_a_row = 0
        self._delivered = 0
        self._settlements: list[Settlement] = []
        self._resending: set[int] = set()
        self._parked_in_a_row = 0
        self._is_open = False
        self._must_close = False
        self._idle_due_s = 0.0
        self._report_due_s = 0.0
        self._refill_due_s = 0.0
        self._delivering: dict[asyncio.Task[None], Item] = {}
        self._housework: dict[asyncio.Task[None], Origin] = {}
        self._reporting: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """End soon; what is under way gets a moment for its proof."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        if not await self._enrol():
            return
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                await self._step(stopping)
        finally:
            stopping.cancel()
            await self._end()

    async def _enrol(self) -> bool:
        """Ask the desk where to go on, until it answers; False if stopped before."""
        waits_s = self._limits.backoff.waits_s(random.Random())  # noqa: S311 - jitter
        is_first_try = True
        while not self._stopping.is_set():
            try:
                self._orders = await self._desk.enrol(self._description)
            except LinesideError as error:
                if is_first_try:
                    _log.warning("delivery_desk_not_reached", sink=self._description.name, reason=str(error))
                is_first_try = False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), next(waits_s))
            else:
                self._window = Window(self._orders.position, lanes=self._sink.lanes)
                self._delivered = self._orders.delivered
                await self._take_resends()
                return True
        return False

    async def _step(self, stopping: "asyncio.Task[bool]") -> None:
        """Start what may start, then wait until something ends or is due."""
        self._collect()
        if self._is_quiet:
            await self._tidy()
        await self._refill()
        self._start_deliveries()
        self._start_housework()
        self._start_report()
        grew = self._watch_log()
        waiting: set[asyncio.Task[Any]] = {stopping, grew, *self._delivering, *self._housework}
        if self._reporting is not None:
            waiting.add(self._reporting)
        await asyncio.wait(waiting, timeout=self._pause_s(), return_when=asyncio.FIRST_COMPLETED)
        grew.cancel()

    @property
    def _is_quiet(self) -> bool:
        return not self._delivering and not self._housework

    def _pause_s(self) -> float:
        """Seconds until something is due though nothing ends."""
        now_s = _seconds()
        due_s = [self._limits.report_every_s]
        if self._reporting is None:
            due_s.append(self._report_due_s - now_s)
        if self._gate.shut_for_s > 0:
            due_s.append(self._gate.shut_for_s)
        if self._is_quiet and self._is_open and isinstance(self._sink, Idle):
            held_back_s = self._gate.shut_for_s if self._gate.origin is Origin.IDLE else 0.0
            due_s.append(max(self._idle_due_s - now_s, held_back_s))
        return max(min(due_s), 0.001)

    async def _tidy(self) -> None:
        """What may only be done while no call of the sink is under way: close it, go back in the log."""
        if self._must_close:
            await self._close()
        if self._go_on_from is not None:
            self._window = Window(self._go_on_from, lanes=self._sink.lanes)
            self._go_on_from = None
            self._resending.clear()
            self._gate.forget_item()
            await self._take_resends()

    def _start_deliveries(self) -> None:
        """Start as many as may run."""
        if not self._may_start:
            return
        if self._gate.origin is None:
            for item in self._window.ready():
                self._start(item)
        elif self._gate.origin is Origin.DELIVER and self._is_quiet:
            self._start_probe()

    def _watch_log(self) -> "asyncio.Task[bool]":
        """Wait for news of the log, where they may be read."""
        after = self._window.read_to if self._may_read else _NEVER
        return asyncio.create_task(self._log.wait_past(after, timeout_s=self._limits.report_every_s))

    @property
    def _may_start(self) -> bool:
        return (
            self._is_open
            and self._gate.shut_for_s == 0
            and not self._idle_is_due
            and not self._must_close
            and not self._housework
            and self._go_on_from is None
            and len(self._settlements) < self._limits.window
        )

    @property
    def _idle_is_due(self) -> bool:
        """Whether the sink's own work comes next: it waits for what is under way, and holds back the rest."""
        is_held_back = self._gate.origin is Origin.IDLE and self._gate.shut_for_s > 0
        return isinstance(self._sink, Idle) and not is_held_back and _seconds() >= self._idle_due_s

    @property
    def _may_read(self) -> bool:
        has_room = self._window.size <= self._limits.window // 2
        return has_room and self._go_on_from is None and _seconds() >= self._refill_due_s

    async def _refill(self) -> None:
        """Read a page where there is room and the log has more; reports and proofs come between two pages."""
        if not self._may_read or self._log.head <= self._window.read_to:
            return
        room = self._limits.window - self._window.size
        try:
            events = await self._log.events_after(self._window.read_to, limit=room)
            await self._learn_lines(events)
        except LedgerError as error:
            # The tail says in the log that the ledger cannot be read; what is in the window goes on.
            self._refill_due_s = _seconds() + self._limits.report_every_s
            _log.debug("events_not_read", sink=self._description.name, reason=str(error))
            return
        if events:
            wanted = [event for event in events if self._is_wanted(event)]
            self._window.admit(wanted, read_to=events[-1].sequence)

    async def _learn_lines(self, events: tuple[Event, ...]) -> None:
        if any(event.type == "station.v1" or not self._lines.knows(event.station) for event in events):
            await self._lines.refresh()

    def _is_wanted(self, event: Event) -> bool:
        is_wanted = self._wanted.wants(event, line=self._lines.line_of(event.station))
        return is_wanted and event.sequence not in self._orders.skip

    def _start(self, item: Item) -> None:
        item.attempts += 1
        what = f"no proof of event {item.event.sequence}"
        delivering = call(self._sink.deliver(item.event), what=what, limit_s=self._limits.call_s)
        self._delivering[asyncio.create_task(delivering)] = item

    def _start_probe(self) -> None:
        """One try shows whether all is well again: of what failed, if that is still there."""
        item = self._gate.failed_item
        if item is not None and self._window.take(item):
            self._start(item)
            return
        self._gate.forget_item()
        first = next(self._window.ready(), None)
        if first is None:
            self._gate.recovered()
        else:
            self._start(first)

    def _start_housework(self) -> None:
        """Open a closed sink, or let an open one do its own work."""
        if not self._is_quiet or self._must_close:
            return
        if not self._is_open:
            if self._gate.shut_for_s == 0:
                self._do_housework(Origin.OPEN, self._sink.open(), "no connection")
        elif isinstance(self._sink, Idle) and self._idle_is_due:
            self._idle_due_s = _seconds() + self._limits.idle_every_s
            self._do_housework(Origin.IDLE, self._sink.idle(), "no connection")

    def _do_housework(self, origin: Origin, coroutine: Coroutine[Any, Any, None], what: str) -> None:
        self._housework[asyncio.create_task(call(coroutine, what=what, limit_s=self._limits.call_s))] = origin

    def _collect(self) -> None:
        """Heed every call that ended."""
        for task in [task for task in self._delivering if task.done()]:
            self._heed_delivery(self._delivering.pop(task), _trouble_of(task))
        for task in [task for task in self._housework if task.done()]:
            self._heed_housework(self._housework.pop(task), _trouble_of(task))
        if self._reporting is not None and self._reporting.done():
            self._reporting.result()
            self._reporting = None

    def _heed_delivery(self, item: Item, trouble: Trouble | None) -> None:
        if isinstance(trouble, SinkFault):
            item.faults += 1
            _log.error("sink_fault", sink=self._description.name, event_id=item.event.id, exc_info=trouble.__cause__)
            if item.faults >= self._limits.most_faults:
                trouble = Poison(f"{trouble.reason}, {item.faults} times")
        match trouble:
            case None:
                self._settle(item, None)
                self._delivered += 1
                self._parked_in_a_row = 0
            case Poison():
                self._settle(item, trouble.reason)
                self._note_parked(item, trouble.reason)
            case SendAgainFrom():
                self._window.give_back(item)
                self._go_back(trouble, item)
            case _:
                self._window.give_back(item)
                self._must_close |= isinstance(trouble, ConnectionLost | SinkFault)
                self._gate.failed(trouble, Origin.DELIVER, item)

    def _heed_housework(self, origin: Origin, trouble: Trouble | None) -> None:
        if trouble is None:
            self._is_open = True
            # From its end on: between two that take long, events have their turn.
            self._idle_due_s = _seconds() + (0.0 if origin is Origin.OPEN else self._limits.idle_every_s)
            if self._gate.origin in {Origin.OPEN, Origin.IDLE} and not self._window.size:
                self._gate.recovered()
            elif self._gate.origin in {Origin.OPEN, Origin.IDLE}:
                self._gate.now_from(Origin.DELIVER)  # it is connected; whether events go through is not known yet
            return
        if isinstance(trouble, SendAgainFrom):
            self._is_open = True
            self._go_back(trouble, None)
            return
        self._must_close |= origin is Origin.OPEN or isinstance(trouble, ConnectionLost | SinkFault)
        if isinstance(trouble, SinkFault):
            _log.error("sink_fault", sink=self._description.name, exc_info=trouble.__cause__)
        self._gate.failed(trouble, origin)

    def _settle(self, item: Item, parked_because: str | None) -> None:
        """One event less on its way; the receiver answered, so it is there."""
        self._window.settle(item)
        self._rewinds_in_a_row = 0
        if self._gate.failed_item is None or self._gate.failed_item is item:
            self._gate.recovered()
        if parked_because is not None:
            outcome = Outcome.PARKED
        elif item.is_resend:
            outcome = Outcome.RESENT
        else:
            return
        self._settlements.append(Settlement(item.event.sequence, outcome, parked_because, item.attempts))

    def _note_parked(self, item: Item, reason: str) -> None:
        """One line for the first of several: a receiver that refuses all would fill the log."""
        self._parked_in_a_row += 1
        if self._parked_in_a_row == 1:
            _log.warning("event_parked", sink=self._description.name, event_id=item.event.id, reason=reason)

    def _go_back(self, wish: SendAgainFrom, item: Item | None) -> None:
        """Heed a sink that wants events again; one that asks again and takes none has to wait."""
        self._rewinds_in_a_row += 1
        target = max(min(wish.sequence - 1, self._window.position), self._orders.began_after)
        self._go_on_from = target
        if self._rewinds_in_a_row > 1:
            self._gate.failed(
                TryAgain(f"asks for events again without taking one: {wish.reason}"), Origin.DELIVER, item
            )
        else:
            _log.info("sink_sends_again", sink=self._description.name, after=target, reason=wish.reason)

    def _start_report(self) -> None:
        if self._reporting is None and _seconds() >= self._report_due_s:
            self._report_due_s = _seconds() + self._limits.report_every_s
            self._reporting = asyncio.create_task(self._report())

    async def _report(self) -> None:
        """Tell the desk, and do what people want; what it did not take is told again."""
        told = len(self._settlements)
        position = self._window.position if self._go_on_from is None else min(self._go_on_from, self._window.position)
        report = SinkReport(
            sink=self._description.name,
            epoch=self._orders.epoch,
            position=position,
            delivered=self._delivered,
            state=self._gate.state,
            trouble=self._gate.trouble,
            settlements=tuple(self._settlements),
        )
        try:
            orders = await self._desk.report(report)
        except LinesideError as error:
            _log.debug("delivery_report_not_taken", sink=self._description.name, reason=str(error))
            return
        self._resending.difference_update(settled.sequence for settled in self._settlements[:told])
        del self._settlements[:told]
        is_rewound = orders.epoch != self._orders.epoch
        self._orders = orders
        if is_rewound:
            self._go_on_from = orders.position
            self._gate.try_now()
            return
        self._drop_skipped()
        await self._take_resends()

    def _drop_skipped(self) -> None:
        dropped = self._window.drop(self._orders.skip)
        self._resending.difference_update(item.event.sequence for item in dropped)
        if any(item is self._gate.failed_item for item in dropped):
            self._gate.forget_item()
            self._gate.try_now()

    async def _take_resends(self) -> None:
        """Put what a person wants again into its lane."""
        unreported = {settled.sequence for settled in self._settlements}
        for sequence in self._orders.resend:
            if sequence in self._resending or sequence in unreported or self._window.size >= self._limits.window:
                continue
            try:
                found = await self._log.events_after(sequence - 1, limit=1)
                await self._learn_lines(found)
            except LedgerError:
                return  # the desk names it again
            if found and found[0].sequence == sequence:
                self._resending.add(sequence)
                self._window.admit_resend(found[0])
                self._gate.try_now()

    async def _close(self) -> None:
        self._must_close = False
        self._is_open = False
        try:
            await call(self._sink.close(), what="no orderly end", limit_s=self._limits.close_s)
        except Trouble as trouble:
            _log.warning("sink_not_closed", sink=self._description.name, reason=trouble.reason)

    async def _end(self) -> None:
        """Give what is under way a moment, close, and report a last time."""
        under_way = [*self._delivering, *self._housework, *([self._reporting] if self._reporting else [])]
        if under_way:
            await asyncio.wait(under_way, timeout=self._limits.close_s)
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        self._forget_cancelled()
        self._collect()
        await self._close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_s):
                await self._report()

    def _forget_cancelled(self) -> None:
        """What this end cut off is neither delivered nor an outage: it goes again in the next life."""
        self._delivering = {task: item for task, item in self._delivering.items() if not task.cancelled()}
        self._housework = {task: origin for task, origin in self._housework.items() if not task.cancelled()}
        if self._reporting is not None and self._reporting.cancelled():
            self._reporting = None


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _trouble_of(task: "asyncio.Task[None]") -> Trouble | None:
    """How a call ended: None if well."""
    error = task.exception()
    if error is None or isinstance(error, Trouble):
        return error
    raise error
