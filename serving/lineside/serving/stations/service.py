"""The plant's stations, in memory: what each is, what is in force there, and what is bound to each part."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import structlog

from lineside.inspection.errors import LinesideError
from lineside.serving.clock import Clock
from lineside.serving.errors import NoRecipeForProduct, OrderTooLate, UnknownStation
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.stations import order_store, store
from lineside.serving.stations.records import BoundContext, EffectiveFrom, Hold, PendingChange, Station
from lineside.serving.stations.schemas import (
    ContextModel,
    EffectiveModel,
    OrderChanged,
    OrderEventState,
    OrderIn,
    StationChanged,
    StationIn,
    StationOut,
)
from lineside.serving.stations.taken_in import TakenIn

STATION_EVENT: Final = "station.v1"
ORDER_EVENT: Final = "order.v1"

_log = structlog.get_logger(__name__)


class StationDirectory:
    """All stations of the plant; the ledger is written first, the memory after it. Open it with `open`.

    One process serves a plant, so the memory is the truth while it runs.
    """

    def __init__(self, ledger: Ledger, *, recipes: RecipeBook, clock: Clock) -> None:
        self._ledger = ledger
        self._recipes = recipes
        self._clock = clock
        self._stations: dict[str, Station] = {}
        self._taken_in: defaultdict[str, TakenIn] = defaultdict(TakenIn)
        self._changing = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, ledger: Ledger, *, recipes: RecipeBook, clock: Clock) -> "StationDirectory":
        """Read every station."""
        directory = cls(ledger, recipes=recipes, clock=clock)
        found = await ledger.read(lambda connection: store.all_stations(connection, ledger.plant))
        directory._stations = {station.id: station for station in found}
        for station in await ledger.read(lambda connection: store.begun_stations(connection, ledger.plant, found)):
            if station.pending is not None:
                directory._stations[station.id] = replace(station, context=station.pending.context, pending=None)
                await directory._record_in_force(station.id, station.pending)
        return directory

    async def stop(self) -> None:
        """Let the changes being written down finish."""
        if self._background:
            await asyncio.wait(self._background)

    @property
    def is_changing(self) -> bool:
        """Whether a change is being written down; parts are bound meanwhile."""
        return self._changing.locked()

    def get(self, station_id: str) -> Station:
        """One station.

        Raises:
            UnknownStation: there is none.
        """
        station = self._stations.get(station_id)
        if station is None:
            raise UnknownStation(f"no station {station_id!r}: enrol it with PUT /v1/stations/{station_id}")
        return station

    def all(self) -> tuple[Station, ...]:
        """All stations, by identifier."""
        return tuple(self._stations[station_id] for station_id in sorted(self._stations))

    def bind(self, station_id: str, part_id: str, encoder: int | None) -> BoundContext:
        """What is in force for a part; the first part of a pending change brings it into force.

        The change is written down in the background. Should the server stop before that, the part's own row in
        the ledger says at the next start that it had begun.

        Raises:
            UnknownStation: there is none.
        """
        station = self.get(station_id)
        self._taken_in[station_id].add(part_id, encoder)
        pending = station.pending
        if pending is None or not pending.is_due(part_id, encoder):
            return station.context
        changed = replace(station, context=pending.context, pending=None, updated_at=self._clock.now())
        self._stations[station_id] = changed
        task = asyncio.get_running_loop().create_task(self._record_in_force(changed.id, pending))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return pending.context

    async def put(self, station_id: str, settings: StationIn, *, changed_by: str) -> Station:
        """Enrol a station or change its settings; a recipe of another product than its order's ends the order.

        Raises:
            UnknownRecipe: it names a recipe version that does not exist.
            OrderTooLate: it is from a part that was taken in, or from an encoder count that has passed.
        """
        if settings.recipe is not None:
            self._recipes.get(settings.recipe.id, settings.recipe.version)
        changes_context = False

        def change(old: Station | None) -> Station:
            nonlocal changes_context
            context = BoundContext() if old is None else old.context
            if settings.recipe is not None:
                stored = self._recipes.get(settings.recipe.id, settings.recipe.version)
                if context.order_id is not None and context.product != stored.recipe.product:
                    context = BoundContext()
                context = replace(
                    context,
                    product=stored.recipe.product,
                    recipe_id=stored.recipe.id,
                    recipe_version=stored.recipe.version,
                )
            if settings.lot is not None:
                context = replace(context, lot=settings.lot)
            now = self._clock.now()
            base = Station(
                id=station_id,
                name=settings.name,
                line=settings.line,
                digest_required=settings.digest_required,
                raw_geometry=None if settings.raw_geometry is None else settings.raw_geometry.to_record(),
                expected_geometry=None
                if settings.expected_geometry is None
                else settings.expected_geometry.to_record(),
                context=BoundContext() if old is None else old.context,
                pending=None if old is None else old.pending,
                hold=None if old is None else old.hold,
                updated_at=now,
            )
            changes_context = context != base.context
            if not changes_context:
                return base
            self._taken_in[station_id].check_has_not_begun(station_id, settings.effective)
            return self._with_context(base, context, settings.effective, changed_by)

        def event(station: Station) -> Mapping[str, Any]:
            return StationChanged(station=StationOut.of(station), changed_by=changed_by).model_dump(mode="json")

        def check(transaction: Transaction) -> None:
            if changes_context:
                order_store.check_has_not_begun(
                    transaction.connection, transaction.plant, station_id, settings.effective
                )

        return await self._change(station_id, change, event_type=STATION_EVENT, event=event, also=check)

    async def order(self, station_id: str, order: OrderIn, *, changed_by: str) -> Station:
        """Give a station an order; its product selects the recipe. The very same order again changes nothing.

        Raises:
            UnknownStation: there is none.
            NoRecipeForProduct: the product has no recipe.
            OrderConflict: the order's number stands for another product or lot.
            OrderTooLate: it is from a part that was taken in, or from an encoder count that has passed.
        """
        context = self.context_for(order)
        if _has(self.get(station_id), context, order.effective) and await self._ledger.read(
            partial(order_store.is_ordered, plant=self._ledger.plant, station=station_id, order=order)
        ):
            return self.get(station_id)
        pending_before: list[PendingChange | None] = []

        def change(old: Station | None) -> Station:
            station = self.get(station_id) if old is None else old
            self._taken_in[station_id].check_has_not_begun(station_id, order.effective)
            pending_before.append(station.pending)
            return self._with_context(station, context, order.effective, changed_by)

        def event(_station: Station) -> Mapping[str, Any]:
            state: OrderEventState = "in_force" if order.effective.from_ is EffectiveFrom.NOW else "accepted"
            return self._order_event(station_id, state, context, order.effective, order.quantity, changed_by)

        def save(transaction: Transaction) -> None:
            order_store.check_has_not_begun(transaction.connection, transaction.plant, station_id, order.effective)
            order_store.save_order(transaction, station_id, order, by=changed_by)

        station = await self._change(station_id, change, event_type=ORDER_EVENT, event=event, also=save)
        try:
            if station.pending is not None:
                # Its first part may have come while it was being written down.
                self._taken_in[station_id].check_has_not_begun(station_id, order.effective)
        except OrderTooLate:
            await self._take_back(station_id, order, context, pending_before[-1], changed_by=changed_by)
            raise
        return station

    async def _take_back(
        self,
        station_id: str,
        order: OrderIn,
        context: BoundContext,
        pending_before: PendingChange | None,
        *,
        changed_by: str,
    ) -> None:
        """Forget a pending order that can come into force no more."""

        def change(old: Station | None) -> Station:
            station = self.get(station_id) if old is None else old
            return replace(station, pending=pending_before, updated_at=self._clock.now())

        def event(_station: Station) -> Mapping[str, Any]:
            return self._order_event(station_id, "refused", context, order.effective, order.quantity, changed_by)

        await self._change(station_id, change, event_type=ORDER_EVENT, event=event)

    def _order_event(
        self,
        station_id: str,
        state: OrderEventState,
        context: BoundContext,
        effective: EffectiveModel,
        quantity: int | None,
        changed_by: str,
    ) -> Mapping[str, Any]:
        return OrderChanged(
            station=station_id,
            state=state,
            context=ContextModel.of(context),
            quantity=quantity,
            effective=effective,
            changed_by=changed_by,
        ).model_dump(mode="json", by_alias=True)

    async def use_recipe(self, stored: StoredRecipe, *, changed_by: str) -> tuple[str, ...]:
        """Bring a version of a recipe into force wherever an earlier one is; orders and lots stay.

        Returns:
            The stations.
        """
        changed = []
        for station in self.all():
            contexts = [station.context] + ([] if station.pending is None else [station.pending.context])
            if any(_is_earlier(context, stored) for context in contexts):
                await self._use_recipe(station.id, stored, changed_by=changed_by)
                changed.append(station.id)
        return tuple(changed)

    async def _use_recipe(self, station_id: str, stored: StoredRecipe, *, changed_by: str) -> None:
        def renewed(context: BoundContext) -> BoundContext:
            return replace(context, recipe_version=stored.recipe.version) if _is_earlier(context, stored) else context

        def change(old: Station | None) -> Station:
            station = self.get(station_id) if old is None else old
            pending = station.pending
            if pending is not None:
                pending = replace(pending, context=renewed(pending.context))
            return replace(station, context=renewed(station.context), pending=pending, updated_at=self._clock.now())

        def event(station: Station) -> Mapping[str, Any]:
            return StationChanged(station=StationOut.of(station), changed_by=changed_by).model_dump(mode="json")

        await self._change(station_id, change, event_type=STATION_EVENT, event=event)

    def context_for(self, order: OrderIn) -> BoundContext:
        """What an order brings into force.

        Raises:
            NoRecipeForProduct: the product has no recipe.
        """
        stored = self._recipes.latest_for_product(order.product)
        if stored is None:
            raise NoRecipeForProduct(
                f"product {order.product!r} has no recipe: add one with PUT /v1/recipes/<id> before ordering it"
            )
        return BoundContext(order.product, order.order_id, order.lot, stored.recipe.id, stored.recipe.version)

    def show_hold(self, station_id: str, hold: Hold | None) -> None:
        """Show a station's hold, or that it has none; the hold book has written it down.

        Raises:
            UnknownStation: there is none.
        """
        self._stations[station_id] = replace(self.get(station_id), hold=hold)

    def _with_context(
        self, station: Station, context: BoundContext, effective: EffectiveModel, changed_by: str
    ) -> Station:
        """The station with a context in force or pending; a pending one that was there before is dropped."""
        now = self._clock.now()
        if effective.from_ is EffectiveFrom.NOW:
            return replace(station, context=context, pending=None, updated_at=now)
        pending = PendingChange(context, effective.part_id, effective.encoder, now, changed_by)
        return replace(station, pending=pending, updated_at=now)

    async def _change(
        self,
        station_id: str,
        change: Callable[[Station | None], Station],
        *,
        event_type: str,
        event: Callable[[Station], Mapping[str, Any]],
        also: Callable[[Transaction], None] | None = None,
    ) -> Station:
        """Write a change and its event in one transaction, and only then let it count."""
        async with self._changing:
            before = self._stations.get(station_id)
            changed = change(before)
            data = event(changed)

            def write(transaction: Transaction) -> None:
                if also is not None:
                    also(transaction)
                store.save_station(transaction, changed)
                order_store.follow_station(transaction, changed)
                transaction.append_event(event_type, station=station_id, occurred_at=changed.updated_at, data=data)

            await self._ledger.write(write)
            current = self._stations.get(station_id)
            if changed.pending is not None and before is not None and current is not None and _began(before, current):
                # A part brought what was pending into force while this was being written: that stands.
                if changed.pending.is_same_request(before.pending):
                    changed = replace(changed, context=changed.pending.context, pending=None)
                else:
                    changed = replace(changed, context=current.context)
            if current is not None:
                changed = replace(changed, hold=current.hold)  # set or lifted while this was being written
            self._stations[station_id] = changed
            return changed

    async def _record_in_force(self, station_id: str, pending: PendingChange) -> None:
        """Write down that a pending change came into force with a part."""
        by_part = pending.part_id is not None
        effective = EffectiveModel.model_validate(
            {
                "from": EffectiveFrom.PART if by_part else EffectiveFrom.ENCODER,
                "value": pending.part_id if by_part else pending.encoder,
            }
        )

        def event(_station: Station) -> Mapping[str, Any]:
            return self._order_event(station_id, "in_force", pending.context, effective, None, pending.requested_by)

        def unchanged(station: Station | None) -> Station:
            return self.get(station_id) if station is None else station

        try:
            await self._change(station_id, unchanged, event_type=ORDER_EVENT, event=event)
        except LinesideError as error:
            # In force it is: the part's own row tells the next start. Only the event is missing.
            _log.error("order_in_force_not_written", station=station_id, reason=str(error))


def _is_earlier(context: BoundContext, stored: StoredRecipe) -> bool:
    version = context.recipe_version
    return context.recipe_id == stored.recipe.id and version is not None and version < stored.recipe.version


def _began(before: Station, current: Station) -> bool:
    """Whether a part brought the pending change into force between two looks at a station."""
    return before.pending is not None and current.pending is None


def _has(station: Station, context: BoundContext, effective: EffectiveModel) -> bool:
    """Whether a context is in force at a station, or will be from that very position on."""
    if station.pending is None:
        return station.context == context
    at = (station.pending.part_id, station.pending.encoder)
    return station.pending.context == context and at == (effective.part_id, effective.encoder)
