"""What the station makes and who can judge it, asked of the server again and again; the machine is told of changes."""

import asyncio
import math
from collections.abc import Callable, Set
from contextlib import suppress
from typing import Final

import structlog

from lineside.client import ClientError, LinesideClient, TryAgainLater
from lineside.client.calls import Json
from lineside.client.clock import Clock
from lineside.inspection.catalogue import load_catalogue
from lineside.inspection.errors import CatalogueError, RecipeError
from lineside.inspection.recipe import load_recipe
from lineside.station.agent.making import UNKNOWN, Making, Pending
from lineside.station.agent.server_watch import ASK_AWAY_S, ServerWatch
from lineside.station.agent.workers import Workers
from lineside.station.machine import (
    Changeover,
    DeploymentNotReady,
    DeploymentReady,
    Effect,
    Happening,
    Report,
    Severity,
)
from lineside.station.own_engine import KitStoreFailed, NoKit, OwnEngine
from lineside.station.spool import PartContext, SpoolError, UsedRecipe

_REFRESH_S: Final = 2.0
_log = structlog.get_logger("lineside.station")


class Upkeep:
    """Keeps order, recipe and the own engine's kit up to date.

    Args:
        client: to the server.
        station: whose kit.
        own: the own engine; None where the station never judges by itself.
        watch: whether the server is there.
        workers: where a kept model is loaded.
        views: what the station has cameras for.
        clock: the station's.
        has_part: whether a part of this name was at the camera; blocks for the disk.
        happen: the machine's ear.
        carry_out: begins a report.
    """

    def __init__(
        self,
        client: LinesideClient,
        station: str,
        *,
        own: OwnEngine | None,
        watch: ServerWatch,
        workers: Workers,
        views: Set[str],
        clock: Clock,
        has_part: Callable[[str], bool],
        happen: Callable[[Happening], None],
        carry_out: Callable[[Effect], None],
    ) -> None:
        self.making: Making = UNKNOWN
        self._client = client
        self._station = station
        self._own = own
        self._watch = watch
        self._workers = workers
        self._views = frozenset(views)
        self._clock = clock
        self._has_part = has_part
        self._since_s = -math.inf
        self._pending: Pending | None = None
        self._begun: Pending | None = None
        self._happen = happen
        self._carry_out = carry_out
        self._refusal: str | None = "the server was not asked yet"
        self._told: str | None = ""
        self._refused: str | None = None
        self._answer: Json | None = None
        self._time_trouble: str | None = None
        self._hurried = asyncio.Event()

    async def load_kept(self) -> None:
        """Take up the kit that was kept before, so that the station can judge though the server is away."""
        if self._own is None:
            return
        try:
            await self._workers.on_pictures(self._own.load_kept)
        except (NoKit, KitStoreFailed) as error:
            _log.info("no_kept_kit", why=str(error))
            return
        kit = self._own.kit
        if kit is not None:
            self.making = Making(self._own.context, kit.used_recipe, frozenset(kit.recipe.views))

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self._hurried.clear()
            await self.refresh()
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_AWAY_S if self._watch.is_away else _REFRESH_S):
                    await self._hurried.wait()

    def hurry(self) -> None:
        """Ask at once: what is made has changed."""
        self._hurried.set()

    async def refresh(self) -> None:
        """Ask once, and tell the machine what changed."""
        try:
            answer = await self._client.station_kit(self._station)
        except TryAgainLater as error:
            self._watch.note_away(str(error))
        except ClientError as error:
            self._watch.note_answer()
            self._refusal = f"the server refuses the station: {error}"
            self._answer = None
        else:
            self._watch.note_answer()
            await self._take_up(answer)
            await self._refresh_own(answer)
        await self._note_time()
        self._tell()

    def bind(self, *, encoder: int, seen_s: float, part_id: str | None = None, bound: Making | None = None) -> Making:
        """What was being made at a part's trigger; see `Bind`."""
        pending = self._pending
        if pending is not None and pending.begins_with(part_id, encoder):
            self._pending, self._begun = None, pending
            self._make(pending.making, since_s=seen_s)
            self._tell()
        return self.making if bound is None or seen_s >= self._since_s else bound

    def tell(self) -> None:
        """Say anew who can judge; for whoever finds the server away in between."""
        self._tell()

    async def _take_up(self, answer: Json) -> None:
        if answer == self._answer:
            return
        try:
            making = await self._workers.on_pictures(making_of, answer)
            pending = await self._workers.on_pictures(pending_of, answer)
            first = None if pending is None else pending.part_id
            has_begun = first is not None and await self._workers.on_disk(self._has_part, first)
        except (RecipeError, CatalogueError, KeyError, TypeError, SpoolError) as error:
            self._refusal = f"the server's kit cannot be used: {error}"
            self._answer = None  # the one before, should it come back, is taken up anew
            return
        self._answer = answer
        if pending is not None and (has_begun or pending.is_same_order(self._begun)):
            making, pending = pending.making, None  # the server has not heard of its first part yet
        else:
            self._begun = None
        self._pending = pending
        self._make(making, since_s=self._clock.monotonic())

    def _make(self, making: Making, *, since_s: float) -> None:
        """This is made from now on."""
        before, self.making = self.making, making
        self._refusal = None if making.recipe is not None else "the station has no recipe: give it an order"
        if before != making:
            self._since_s = since_s
        if before is not UNKNOWN and before.context.product != self.making.context.product:
            self._happen(Changeover(self.making.context.product))
        if before.context != self.making.context:
            _log.info(
                "making",
                product=self.making.context.product,
                lot=self.making.context.lot,
                order=self.making.context.order_id,
            )

    async def _refresh_own(self, answer: Json) -> None:
        if self._own is None:
            return
        try:
            await self._own.refresh(self._client, answer=answer)
        except (NoKit, KitStoreFailed) as error:
            if self._refused != str(error):
                self._refused = str(error)
                self._carry_out(Report("deployment_refused", Severity.WARNING, str(error)))
        except ClientError as error:
            _log.warning("kit_not_fetched", why=str(error))
        else:
            self._refused = None

    async def _note_time(self) -> None:
        if self._own is None:
            return
        try:
            await self._workers.on_disk(self._own.note_time)
        except (NoKit, KitStoreFailed) as error:
            if self._time_trouble is None:
                _log.warning("time_not_kept", why=str(error))  # the next look tries again
            self._time_trouble = str(error)
        else:
            self._time_trouble = None

    def _tell(self) -> None:
        trouble = self._trouble()
        if trouble == self._told:
            return
        self._told = trouble
        self._happen(DeploymentReady() if trouble is None else DeploymentNotReady(trouble))

    def _trouble(self) -> str | None:
        """Why nobody can judge now; None if somebody can."""
        if self._watch.is_away:
            if self._own is None:
                return "the server is away, and the station may not judge by itself"
            why_not = self._own.why_not_for(self.making.context, self.making.recipe)
            if why_not is not None:
                return f"the server is away, and the station cannot judge by itself: {why_not}"
        elif self._refusal is not None:
            return self._refusal
        if self.making.views and self.making.views != self._views:
            return (
                f"the recipe asks for the views {', '.join(sorted(self.making.views))}; "
                f"the station has cameras for {', '.join(sorted(self._views))}"
            )
        return None


def making_of(answer: Json) -> Making:
    """What a kit says is made.

    Raises:
        RecipeError, CatalogueError: its recipe or catalogue cannot be used.
    """
    context = PartContext(answer["product"], answer["lot"], answer["order_id"])
    said = answer["recipe"]
    if said is None:
        return Making(context)
    recipe = load_recipe(said["text"], catalogue=load_catalogue(said["catalogue_text"]))
    return Making(context, UsedRecipe(recipe.id, recipe.version), frozenset(recipe.views))


def pending_of(answer: Json) -> Pending | None:
    """What a kit says will be made; None where no order waits.

    Raises:
        RecipeError, CatalogueError: its recipe or catalogue cannot be used.
    """
    said = answer.get("pending")  # which an older server does not say
    return None if said is None else Pending(making_of(said), said["part_id"], said["encoder"])
