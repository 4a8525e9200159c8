"""A peer that does what a script says, a log and a desk in memory: everything around a runner, real but small."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lineside.serving.delivery.desk import DeliveryState, Orders, Outcome, Settlement, SinkDescription, SinkReport
from lineside.serving.delivery.errors import ConnectionLost, PersonNeeded, Poison, SendAgainFrom, TryAgain
from lineside.serving.delivery.sinks import Proof
from lineside.serving.errors import ServingError
from lineside.serving.ledger import Event

START: Final = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)


def made_event(sequence: int, *, station: str | None = "aoi-1", event_type: str = "inspection.v1") -> Event:
    """An event of the plant's log."""
    at = START + timedelta(seconds=sequence)
    return Event(
        id=f"018f0000-0000-7000-8000-{sequence:012d}",
        plant="plant-1",
        sequence=sequence,
        type=event_type,
        station=station,
        occurred_at=at,
        recorded_at=at,
        data={},
        previous_hash="0" * 64,
        hash="0" * 64,
    )


class MemoryLog:
    """An `EventLog` in memory."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events = list(events)
        self.longest_read = 0
        self._grew = asyncio.Condition()

    @property
    def head(self) -> int:
        """The last number."""
        return len(self.events)

    async def append(self, *events: Event) -> None:
        """Let the log grow."""
        async with self._grew:
            self.events.extend(events)
            self._grew.notify_all()

    async def events_after(self, sequence: int, *, limit: int) -> tuple[Event, ...]:
        """As the ledger gives them."""
        found = tuple(self.events[sequence : sequence + limit])
        self.longest_read = max(self.longest_read, len(found))
        await asyncio.sleep(0)
        return found

    async def wait_past(self, sequence: int, *, timeout_s: float) -> bool:
        """Until it grew."""
        try:
            async with asyncio.timeout(timeout_s), self._grew:
                await self._grew.wait_for(lambda: self.head > sequence)
        except TimeoutError:
            return False
        return True


class NoLines:
    """Stations without lines."""

    def line_of(self, station: str | None) -> str | None:
        """None is known."""
        return None if station is None else "line-1"

    def knows(self, station: str | None) -> bool:
        """Nothing is to be read."""
        return station is None or True

    async def refresh(self) -> None:
        """Nothing to read."""


class MemoryDesk:
    """A `Desk` in memory; like the ledger's it outlives runners."""

    def __init__(self) -> None:
        self.orders = Orders(0, 0, 0, 0, (), frozenset())
        self.parked: dict[int, Settlement] = {}
        self.resent: list[int] = []
        self.reports: list[SinkReport] = []
        self.is_down = False

    @property
    def last(self) -> SinkReport:
        """The newest report."""
        return self.reports[-1]

    async def enrol(self, sink: SinkDescription) -> Orders:
        """Where to go on."""
        self._answers()
        return self.orders

    async def report(self, report: SinkReport) -> Orders:
        """Store it."""
        await asyncio.sleep(0)
        self._answers()
        self.reports.append(report)
        for settled in report.settlements:
            if settled.outcome is Outcome.PARKED:
                self.parked[settled.sequence] = settled
            else:
                self.parked.pop(settled.sequence, None)
                self.resent.append(settled.sequence)
        settled_now = {settled.sequence for settled in report.settlements}
        self.orders = replace(
            self.orders,
            position=report.position if report.epoch == self.orders.epoch else self.orders.position,
            delivered=report.delivered,
            resend=tuple(each for each in self.orders.resend if each not in settled_now),
        )
        return self.orders

    def resend(self, *sequences: int) -> None:
        """A person wants these again."""
        self.orders = replace(self.orders, resend=(*self.orders.resend, *sequences))

    def rewind(self, position: int) -> None:
        """A person wants everything behind a place again."""
        self.orders = replace(self.orders, position=position, epoch=self.orders.epoch + 1)

    def skip(self, *sequences: int) -> None:
        """A person wants these never."""
        for sequence in sequences:
            self.parked.pop(sequence, None)
        self.orders = replace(self.orders, skip=self.orders.skip.union(sequences))

    def _answers(self) -> None:
        if self.is_down:
            raise ServingError("the server is away")


@dataclass
class Receiver:
    """What a peer got: it outlives sinks and runners, as a peer does.

    Attributes:
        got: every event as it arrived, duplicates too.
    """

    got: list[Event] = field(default_factory=list)

    def first_arrivals(self, station: str | None) -> list[int]:
        """A station's events in the order in which each came for the first time."""
        seen = dict.fromkeys(event.sequence for event in self.got if event.station == station)
        return list(seen)


Script = Callable[[Event], str]
"""A delivery: "ok", "lost" (taken, but no answer), "again", "cut", "person", "poison", "hang", "fault", "back"."""


class ScriptedSink:
    """A `Sink` that does what its script says.

    Args:
        receiver: gets what arrives.
        script: what happens to each delivery.
        lanes: how many stations at once.
        takes_s: seconds of one delivery.
    """

    def __init__(
        self, receiver: Receiver, script: Script = lambda _event: "ok", *, lanes: int = 1, takes_s: float = 0.01
    ) -> None:
        self.receiver = receiver
        self.script = script
        self.opened = 0
        self.is_open = False
        self.under_way: set[str | None] = set()
        self.most_under_way = 0
        self.open_script: Callable[[], str] = lambda: "ok"
        self._lanes = lanes
        self._takes_s = takes_s

    @property
    def proof(self) -> Proof:
        """Of a peer that answers."""
        return Proof.ACKNOWLEDGED

    @property
    def lanes(self) -> int:
        """As it was made."""
        return self._lanes

    async def open(self) -> None:
        """Connect, or not."""
        assert not self.is_open
        await asyncio.sleep(self._takes_s)
        _raise(self.open_script(), 0)
        self.opened += 1
        self.is_open = True

    async def deliver(self, event: Event) -> None:
        """Do what the script says."""
        assert self.is_open
        lane = event.station
        assert lane not in self.under_way, "two events of one station are under way"
        self.under_way.add(lane)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        try:
            await asyncio.sleep(self._takes_s)
            what = self.script(event)
            if what in {"ok", "lost"}:
                self.receiver.got.append(event)
            if what == "hang":
                await asyncio.sleep(1e9)
            _raise(what, event.sequence)
        finally:
            self.under_way.discard(lane)

    async def close(self) -> None:
        """Disconnect."""
        self.is_open = False


def _raise(what: str, sequence: int) -> None:
    match what:
        case "again" | "lost":
            raise TryAgain("busy")
        case "cut":
            raise ConnectionLost("cut off")
        case "person":
            raise PersonNeeded("who are you", "log in")
        case "poison":
            raise Poison("cannot read that")
        case "back":
            raise SendAgainFrom(max(sequence - 3, 1), "overlap")
        case "fault":
            raise KeyError("a fault of this program")


def outcomes(*script: str) -> Script:
    """A script that says these in turn, then always "ok"."""
    left: list[str] = list(script)

    def say(_event: Event) -> str:
        return left.pop(0) if left else "ok"

    return say


def states_told(reports: Sequence[SinkReport]) -> list[DeliveryState]:
    """How the sink stood, without repetitions."""
    told: list[DeliveryState] = []
    for report in reports:
        if not told or told[-1] is not report.state:
            told.append(report.state)
    return told
