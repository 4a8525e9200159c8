"""What a sink has read and not yet settled: which event may go next, and how far the cursor may be."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lineside.serving.ledger import Event


@dataclass(slots=True, eq=False)
class Item:
    """One event on its way.

    Attributes:
        event: what is delivered.
        is_resend: a person had it sent again; it does not move the cursor.
        attempts: tries so far.
        faults: of them, those that ended in an error that no sink should raise.
    """

    event: Event
    is_resend: bool = False
    attempts: int = 0
    faults: int = 0


class Window:
    """Events between the cursor and the last one read, in lanes.

    A station's events go one after another, in order; events of no station are a lane of their own. With `lanes` of 1
    the whole plant is one lane. An item stays at its lane's head until it is settled, so a failed one goes again first.

    Args:
        position: the cursor.
        lanes: how many items may be under way at once.
    """

    def __init__(self, position: int, *, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"{lanes} lanes: expected at least 1")
        self._read_to = position
        self._lanes = lanes
        self._waiting: dict[str | None, deque[Item]] = {}  # a lane is here while it has items
        self._under_way: set[str | None] = set()
        self._unsettled: dict[int, None] = {}  # sequence numbers in reading order, which is their own

    @property
    def read_to(self) -> int:
        """The last sequence number read."""
        return self._read_to

    @property
    def position(self) -> int:
        """Up to here everything wanted is settled."""
        first = next(iter(self._unsettled), None)
        return self._read_to if first is None else first - 1

    @property
    def size(self) -> int:
        """Items that are not settled."""
        return sum(len(lane) for lane in self._waiting.values())

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    def admit(self, wanted: Iterable[Event], *, read_to: int) -> None:
        """Take in events that follow the last one read.

        Args:
            wanted: of them, those to deliver, in order.
            read_to: the last sequence number of all that was read.
        """
        for event in wanted:
            self._unsettled[event.sequence] = None
            self._waiting.setdefault(self._lane(event), deque()).append(Item(event))
        self._read_to = read_to

    def admit_resend(self, event: Event) -> None:
        """Take in an event that is to be sent again: it goes next in its lane, behind what is under way."""
        lane = self._waiting.setdefault(self._lane(event), deque())
        place = 1 if self._lane(event) in self._under_way else 0
        while place < len(lane) and lane[place].is_resend:
            place += 1
        lane.insert(place, Item(event, is_resend=True))

    def ready(self) -> Iterator[Item]:
        """Take items that may go now, oldest event first, as many as lanes are free; each is under way from then on."""
        free = sorted(
            (lane for lane in self._waiting if lane not in self._under_way),
            key=lambda lane: self._waiting[lane][0].event.sequence,
        )
        for lane in free[: self._lanes - len(self._under_way)]:
            self._under_way.add(lane)
            yield self._waiting[lane][0]

    def take(self, item: Item) -> bool:
        """Take this one alone; False if it is no longer first in its lane."""
        lane = self._lane(item.event)
        if lane in self._under_way or not self._waiting.get(lane) or self._waiting[lane][0] is not item:
            return False
        self._under_way.add(lane)
        return True

    def give_back(self, item: Item) -> None:
        """It did not go through: it stays first in its lane."""
        self._under_way.discard(self._lane(item.event))

    def settle(self, item: Item) -> None:
        """It is delivered, parked or skipped."""
        lane = self._lane(item.event)
        self._under_way.discard(lane)
        self._waiting[lane].popleft()
        if not self._waiting[lane]:
            del self._waiting[lane]
        if not item.is_resend:
            del self._unsettled[item.event.sequence]

    def drop(self, sequences: Iterable[int]) -> list[Item]:
        """Settle waiting items without delivering them; those under way stay.

        Returns:
            What was dropped.
        """
        unwanted = frozenset(sequences)
        dropped: list[Item] = []
        for lane, items in list(self._waiting.items()):
            first = [items[0]] if lane in self._under_way else []
            rest = [item for item in items if item not in first]
            gone = [item for item in rest if item.event.sequence in unwanted]
            dropped.extend(gone)
            kept = deque([*first, *(item for item in rest if item not in gone)])
            if kept:
                self._waiting[lane] = kept
            else:
                del self._waiting[lane]
        for item in dropped:
            if not item.is_resend:
                self._unsettled.pop(item.event.sequence, None)
        return dropped

    def _lane(self, event: Event) -> str | None:
        return None if self._lanes == 1 else event.station
