"""The plant's orders: given to stations, and done once their quantity of parts is judged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.stations import order_store
from lineside.serving.stations.following import InspectionFollower, JudgedPart
from lineside.serving.stations.order_schemas import OrderOut, OrderState, StationOrderOut
from lineside.serving.stations.order_store import RunningOrder
from lineside.serving.stations.records import BoundContext, Station
from lineside.serving.stations.schemas import ContextModel, OrderChanged, OrderIn
from lineside.serving.stations.service import ORDER_EVENT, StationDirectory

_REST_S: Final = 0.5  # nobody waits for this second
_LOOKS_BEHIND: Final = 60
"""How often it is looked for an order's last parts once another one is in force: half a minute at least."""


@dataclass(slots=True)
class _Count:
    """How far an order is at a station.

    Attributes:
        missing: parts that must come at least before it can be done.
        looks_behind: how often parts were looked at since another order is in force there.
    """

    missing: int = 0
    looks_behind: int = 0


class OrderBook:
    """Gives orders to stations and follows how far they are. Open it with `open`, then run its `follower`.

    An order is done at a station once as many of its parts as it asks for were judged there, OK or NG, each counted by
    its newest attempt; its last ones may be judged when the next order is in force already. That changes nothing for
    the parts that still come: what is made next, the MES says.
    """

    def __init__(self, ledger: Ledger, *, stations: StationDirectory) -> None:
        self._ledger = ledger
        self._stations = stations
        self._counts: dict[RunningOrder, _Count] = {}
        self._counting = asyncio.Lock()
        self.follower = InspectionFollower(ledger, self._take, is_waiting=lambda: bool(self._counts), rest_s=_REST_S)

    @classmethod
    async def open(cls, ledger: Ledger, *, stations: StationDirectory) -> "OrderBook":
        """Read which orders run; those whose last part was judged just before a crash are done now."""
        book = cls(ledger, stations=stations)
        begin = ledger.last_sequence
        for running in await ledger.read(partial(order_store.running_orders, plant=ledger.plant)):
            await book._follow(running, after_sequence=begin)
        return book

    async def give(self, station_id: str, order: OrderIn, *, by: str) -> Station:
        """Give a station an order; its product selects the recipe. The very same order again changes nothing.

        Raises:
            UnknownStation: there is none.
            NoRecipeForProduct: the product has no recipe.
            OrderConflict: the order's number stands for another product or lot.
            OrderTooLate: it is from a part that was taken in, or from an encoder count that has passed.
        """
        begin = self._ledger.last_sequence
        station = await self._stations.order(station_id, order, changed_by=by)
        this = RunningOrder(order.order_id, station_id)
        for running in {this, *(each for each in self._counts if each.order_id == order.order_id)}:
            self._counts.pop(running, None)  # the quantity is the order's, wherever it runs
            if order.quantity is not None:
                await self._follow(running, after_sequence=begin)
        return station

    async def get(self, order_id: str) -> OrderOut:
        """One order.

        Raises:
            UnknownOrder: there is none.
        """
        return await self._ledger.read(partial(order_store.find_order, plant=self._ledger.plant, order_id=order_id))

    async def orders(
        self, *, station: str | None = None, state: OrderState | None = None, lot: str | None = None, limit: int
    ) -> Sequence[OrderOut]:
        """Orders, newest first.

        Args:
            station: only orders of this station.
            state: only orders that stand so, at that station where one is named.
            lot: only orders of this lot.
            limit: how many at most.
        """
        return await self._ledger.read(
            partial(
                order_store.all_orders, plant=self._ledger.plant, station=station, state=state, lot=lot, limit=limit
            )
        )

    async def _follow(self, running: RunningOrder, *, after_sequence: int) -> None:
        """Count an order's parts from now on; those that were judged before count too."""
        self._counts[running] = _Count()
        self.follower.follow_from(after_sequence)
        await self._count(running)

    async def _take(self, judged: Sequence[JudgedPart]) -> None:
        """Count again where so many parts came that an order may be done."""
        for part in judged:
            known = self._counts.get(RunningOrder(part.order_id or "", part.station))
            if known is not None and part.verdict is not Verdict.NOT_INSPECTED:
                known.missing -= 1
        for running, count in tuple(self._counts.items()):
            if count.missing <= 0:
                await self._count(running)
            if not self._is_at_its_station(running):
                count.looks_behind += 1
                if count.looks_behind >= _LOOKS_BEHIND:
                    self._counts.pop(running, None)

    def _is_at_its_station(self, running: RunningOrder) -> bool:
        """Whether an order is in force at its station, or will be."""
        station = self._stations.get(running.station)
        pending = None if station.pending is None else station.pending.context.order_id
        return running.order_id in {station.order_id, pending}

    async def _count(self, running: RunningOrder) -> None:
        """Count an order's parts; end it, or see how many are missing at least."""
        async with self._counting:
            order = await self.get(running.order_id)
            place = next((each for each in order.stations if each.station == running.station), None)
            if place is None or place.state is OrderState.DONE or order.quantity is None:
                self._counts.pop(running, None)
                return
            missing = order.quantity - place.judged.inspected
            if missing <= 0 and await self._ledger.write(partial(self._finish, order=order, place=place)):
                self._counts.pop(running, None)
            elif running in self._counts:
                self._counts[running].missing = max(missing, 1)

    def _finish(self, transaction: Transaction, *, order: OrderOut, place: StationOrderOut) -> bool:
        if not order_store.finish(transaction, order.order_id, place):
            return False
        event = OrderChanged(
            station=place.station,
            state="done",
            context=ContextModel.of(self._context(order, place)),
            quantity=order.quantity,
            effective=place.effective,
            changed_by=place.ordered_by,
            judged=place.judged,
        )
        transaction.append_event(
            ORDER_EVENT,
            station=place.station,
            occurred_at=transaction.now(),
            data=event.model_dump(mode="json", by_alias=True),
        )
        return True

    def _context(self, order: OrderOut, place: StationOrderOut) -> BoundContext:
        """What the order brought into force; without the recipe if something else is by now."""
        context = self._stations.get(place.station).context
        if context.order_id == order.order_id:
            return context
        return BoundContext(order.product, order.order_id, order.lot)
