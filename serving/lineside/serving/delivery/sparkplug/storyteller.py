"""What an edge node tells, and whether it is news: the ledger's side of the sink, without a network."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import SendAgainFrom
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.delivery.mqtt.messages import Message, level
from lineside.serving.delivery.sparkplug.edge_node import EdgeNode, Reading
from lineside.serving.delivery.sparkplug.ledger_pictures import (
    advanced,
    enrolled_stations,
    head_of,
    picture_at,
    tally_of_all,
    tally_on,
)
from lineside.serving.delivery.sparkplug.memory import Confirmed, NodeMemory
from lineside.serving.delivery.sparkplug.picture import Picture, Tally
from lineside.serving.ledger import Event

_PROVED_EACH: Final = 100
"""Events after which the broker is asked to prove that it has them: as many are told twice after a loss, at most."""

_STEP: Final = 20_000
"""Events between two rests of the present on its way to the head: about a second's work."""


class Storyteller:
    """Makes births of the present and data of events, and knows what the broker did not prove to have.

    Births carry the values behind the newest event of the ledger. Events up to that one are history, whenever they are
    told; what comes later is news. The counts in history are those of back then.

    Args:
        node: whose messages they are.
        wanted: which stations are the node's devices.
        context: ledger, lines, clock and plant.
        memory: what outlives the process.
    """

    def __init__(self, node: EdgeNode, wanted: EventFilter, context: SinkContext, memory: NodeMemory) -> None:
        self._node = node
        self._wanted = wanted
        self._context = context
        self._memory = memory
        self._present: Picture | None = None
        self._told: Picture | None = None
        self._proved: Picture | None = None
        self._first_unproved: int | None = None
        self._unproved = 0
        self._is_retold = False
        confirmed = memory.confirmed()
        self._again_from = _left_open(confirmed)
        self._is_heir = confirmed is not None
        self._tally = None if confirmed is None else confirmed.tally

    @property
    def unproved(self) -> int:
        """Events told since the broker last proved to have everything."""
        return self._unproved

    @property
    def needs_proof(self) -> bool:
        """Whether the last event must be proved before it counts as told.

        Those that come in order are proved in batches, since they can be asked for again from the first of them on; one
        that a person had sent again stands alone.
        """
        return self._is_retold or self._unproved >= _PROVED_EACH

    async def catch_up(self) -> Picture:
        """Bring the present up to the ledger's head; what was done stays done if the call is cancelled.

        The first time in the life of a node every inspection of the ledger is counted; later only what came since.

        Raises:
            LedgerUnavailable: the database cannot be read.
        """
        ledger = self._context.ledger
        if self._tally is None:
            self._tally = await tally_of_all(ledger, await head_of(ledger))
            self._memory.confirm(Confirmed(self._tally, is_all=True))
        present = max((one for one in (self._present, self._told) if one), key=lambda one: one.sequence, default=None)
        tally = self._tally if present is None else present.tally
        while (head := await head_of(ledger)) - tally.sequence > _STEP:
            tally = await tally_on(ledger, tally, to=tally.sequence + _STEP)
            self._present = present = await picture_at(ledger, tally)
        present = await (
            picture_at(ledger, await tally_on(ledger, tally, to=head))
            if present is None
            else advanced(ledger, present, to=head)
        )
        self._present = present
        return present

    async def births(self) -> tuple[Message, ...]:
        """The node's birth and its devices', as things stand now.

        Raises:
            LedgerUnavailable: the database cannot be read.
        """
        ledger = self._context.ledger
        present = await self.catch_up()
        now = self._context.clock.now()
        devices: dict[str, Mapping[str, Reading]] = {}
        for station, about in (await enrolled_stations(ledger)).items():
            if self._is_ours(station, line=str(about["Station/Line"].value)):
                devices[level(station)] = {
                    **about,
                    **present.counted(station, now),
                    **present.readings.get(station, {}),
                }
        own = {
            "Properties/Software": Reading("Lineside", now),
            "Properties/Version": Reading(version("lineside"), now),
            "Properties/Plant": Reading(self._context.plant, now),
            "Properties/Simulated": Reading(self._context.is_simulated, now),
        }
        return self._node.birth({**own, **present.readings.get(None, {})}, devices)

    def require_overlap(self, event: Event) -> None:
        """Ask for what was told to a connection that was lost, before anything later is told.

        Raises:
            SendAgainFrom: the event is not the first that must be told.
        """
        again_from = self._again_from
        if again_from is None or event.sequence < again_from:  # an older one: a person has it sent again
            return
        self._again_from = None
        if event.sequence > again_from:
            raise SendAgainFrom(again_from, "the broker did not prove to have what was told before")

    async def tell(self, event: Event) -> tuple[Message, ...]:
        """The messages of one event; with births before them if it is of a station that no birth announced.

        Raises:
            LedgerUnavailable: the database cannot be read.
        """
        births: tuple[Message, ...] = ()
        if self._is_of_new_station(event):
            births = await self.births()
        told = self._told if self._told is not None else await self._picture_before(event)
        self._told = told
        self._is_retold = event.sequence <= told.sequence
        if self._first_unproved is None and not self._is_retold:
            self._memory.confirm(Confirmed(Tally(event.sequence - 1, told.tally.counts), is_all=False))
            self._first_unproved = event.sequence
            self._proved = told.copy()
        self._unproved += 1
        is_historical = event.sequence <= max(told.sequence, self._present.sequence if self._present else 0)
        data = tuple(
            self._node.data(readings, device=None if station is None else level(station), is_historical=is_historical)
            for station, readings in told.apply(event).items()
            if station is None or level(station) in self._node.devices
        )
        return births + data

    def proved(self) -> None:
        """The broker proved to have everything that was told."""
        if self._told is not None and self._first_unproved is not None:
            self._memory.confirm(Confirmed(self._told.tally, is_all=True))
        self._first_unproved = None
        self._proved = None
        self._unproved = 0

    def interrupted(self) -> None:
        """The connection ended: what was not proved is told again, with the values of back then."""
        if self._first_unproved is not None:
            self._again_from = self._first_unproved
            self._told = self._proved
        self._first_unproved = None
        self._proved = None
        self._unproved = 0

    async def _picture_before(self, event: Event) -> Picture:
        """Where the telling begins.

        An event of before what an earlier process told is one that a person has sent again: the telling stands where it
        stood. A new node that is told an old ledger counts from its beginning, or tells a long one without counts.
        """
        ledger, before = self._context.ledger, event.sequence - 1
        present = self._present if self._present is not None else await self.catch_up()
        counted = self._tally or Tally(0, {})
        if present.sequence == before:
            return present.copy()
        if counted.sequence <= before:
            return await picture_at(ledger, await tally_on(ledger, counted, to=before))
        if self._is_heir:
            return await picture_at(ledger, counted)
        return (
            present.copy()
            if before > _STEP
            else await picture_at(ledger, await tally_on(ledger, Tally(0, {}), to=before))
        )

    def _is_of_new_station(self, event: Event) -> bool:
        station = event.station
        if station is None or level(station) in self._node.devices:
            return False
        return self._is_ours(station, line=self._context.lines.line_of(station))

    def _is_ours(self, station: str, *, line: str | None) -> bool:
        wanted = self._wanted
        is_named = not wanted.stations or station in wanted.stations
        return is_named and line is not None and (not wanted.lines or line in wanted.lines)


def _left_open(confirmed: Confirmed | None) -> int | None:
    """The first event that no broker surely has; None for a node that never told anything.

    Also where nothing was left open by the last word on the disk: after a power cut that may be an older one than the
    cursor. Where it is not, nothing wanted lies between the two.
    """
    return None if confirmed is None else confirmed.tally.sequence + 1
