"""The plant's orders: given to stations, and done once their quantity of parts is judged."""

from collections.abc import Sequence
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


class OrderBook:
    """Gives orders to stations and follows how far they are. Open it with `open`, then run its `follower`.

    An order is done at a station once as many of its parts as it asks for were judged there, OK or NG, each counted by
    its newest attempt. That changes nothing for the parts that still come: what is made next, the MES says.
    """

    def __init__(self, ledger: Ledger, *, stations: StationDirectory) -> None:
        self._ledger = ledger
        self._stations = stations
        self._missing: dict[tuple[str, str], tuple[RunningOrder, int]] = {}
        self.follower = InspectionFollower(ledger, self._take, is_waiting=lambda: bool(self._missing), rest_s=_REST_S)

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
        self._missing.pop((order.order_id, station_id), None)
        if order.quantity is not None:
            await self._follow(RunningOrder(order.order_id, station_id, order.quantity), after_sequence=begin)
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
        self._missing[running.order_id, running.station] = (running, 0)
        self.follower.follow_from(after_sequence)
        await self._count(running)

    async def _take(self, judged: Sequence[JudgedPart]) -> None:
        """Count again where so many parts came that an order may be done."""
        for part in judged:
            known = self._missing.get((part.order_id or "", part.station))
            if known is not None and part.verdict is not Verdict.NOT_INSPECTED:
                running, missing = known
                self._missing[running.order_id, running.station] = (running, missing - 1)
        for running, missing in tuple(self._missing.values()):
            if missing <= 0:
                await self._count(running)

    async def _count(self, running: RunningOrder) -> None:
        """Count an order's parts; end it, or see how many are missing at least."""
        key = (running.order_id, running.station)
        plant = self._ledger.plant
        order = await self._ledger.read(partial(order_store.find_order, plant=plant, order_id=running.order_id))
        place = next((each for each in order.stations if each.station == running.station), None)
        if place is None or place.state in {OrderState.DONE, OrderState.REPLACED}:
            self._missing.pop(key, None)
            return
        missing = running.quantity - place.judged.inspected
        if missing > 0:
            self._missing[key] = (running, missing)
            return
        await self._ledger.write(partial(self._finish, running=running))
        self._missing.pop(key, None)

    def _finish(self, transaction: Transaction, running: RunningOrder) -> None:
        done = order_store.finish(transaction, running)
        if done is None:
            return
        order, place = done
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

    def _context(self, order: OrderOut, place: StationOrderOut) -> BoundContext:
        """What the order brought into force; without the recipe if something else is by now."""
        context = self._stations.get(place.station).context
        if context.order_id == order.order_id:
            return context
        return BoundContext(order.product, order.order_id, order.lot)
