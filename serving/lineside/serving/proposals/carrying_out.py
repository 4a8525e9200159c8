"""Doing what was approved. Each of these may be begun again after a crash: what is done already stays done."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel

from lineside.inspection.recipe import Recipe
from lineside.serving.errors import LooserRecipe
from lineside.serving.gates.report import GateReport
from lineside.serving.holds import HoldBook
from lineside.serving.holds.schemas import HeldIn
from lineside.serving.proposals.schemas import (
    Change,
    OrderChange,
    ProposalKind,
    ProposalOut,
    SecondStationChange,
    ThresholdChange,
)
from lineside.serving.proposals.threshold_text import with_thresholds
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.releases import ReleaseRef
from lineside.serving.stations import OrderBook, StationDirectory

C = TypeVar("C", bound=BaseModel)

CHANGES: Final[Mapping[ProposalKind, type[Change]]] = MappingProxyType(
    {
        ProposalKind.HOLD: HeldIn,
        ProposalKind.ORDER: OrderChange,
        ProposalKind.THRESHOLD: ThresholdChange,
        ProposalKind.SECOND_STATION: SecondStationChange,
    }
)
"""The shape of what each kind changes."""


class Prepare(Protocol):
    """Loads what a recipe needs before parts come."""

    def __call__(self, recipe_id: str, version: int, *, line: str) -> Awaitable[None]:
        """Load what a recipe needs at a line."""
        ...


class Hands:
    """What can be proposed, checked and done.

    Args:
        holds: sets holds.
        stations: the plant's.
        orders: gives orders.
        recipes: takes new versions.
        judged_by: the releases that judge a recipe's parts.
        prepare: loads what a recipe needs.
    """

    def __init__(
        self,
        *,
        holds: HoldBook,
        stations: StationDirectory,
        orders: OrderBook,
        recipes: RecipeBook,
        judged_by: Callable[[Recipe], Sequence[ReleaseRef]],
        prepare: Prepare,
    ) -> None:
        self._holds = holds
        self._stations = stations
        self._orders = orders
        self._recipes = recipes
        self._judged_by = judged_by
        self._prepare = prepare

    def check(self, change: Change) -> None:
        """Refuse what names a station, recipe or product that does not exist.

        Raises:
            UnknownStation, UnknownRecipe, NoRecipeForProduct: there is none.
            ProposalUnfit: the thresholds cannot be written into the recipe.
        """
        match change:
            case HeldIn(station=str(station)) | SecondStationChange(station=station):
                self._stations.get(station)
            case OrderChange():
                self._stations.get(change.station)
                self._stations.context_for(change.order)
            case ThresholdChange():
                self.recipe_text(change)

    def recipe_text(self, change: ThresholdChange) -> str:
        """The recipe version that moving thresholds would add.

        Raises:
            UnknownRecipe: there is none of that name.
            ProposalUnfit: the thresholds cannot be written into it.
        """
        stored = self._recipes.get(change.recipe_id)
        return with_thresholds(stored.text, change.thresholds, version=stored.recipe.version + 1)

    async def carry_out(self, proposal: ProposalOut, *, by: str, gate_report: GateReport | None) -> Mapping[str, Any]:
        """Do what is proposed.

        Args:
            proposal: what.
            by: name of the key that approved.
            gate_report: lets a looser threshold pass.

        Returns:
            What came of it, as JSON.

        Raises:
            LooserRecipe: the thresholds let more pass, and no gate's report says that they may.
            ServingError: whatever refuses the change itself; nothing was changed then.
        """
        change = CHANGES[proposal.kind].model_validate(proposal.change)
        match change:
            case HeldIn():
                evidence = (*proposal.evidence, {"proposal_id": proposal.id})
                hold = await self._holds.hold(
                    station=change.station, lot=change.lot, reason=proposal.reason, by=by, evidence=evidence
                )
                return {"hold_id": hold.id}
            case OrderChange():
                return await self._order(change, by=by)
            case ThresholdChange():
                return await self._move_thresholds(change, by=by, gate_report=gate_report)
            case SecondStationChange():
                return {}

    async def _order(self, change: OrderChange, *, by: str) -> Mapping[str, Any]:
        station = self._stations.get(change.station)
        context = self._stations.context_for(change.order)
        if context.recipe_id is not None and context.recipe_version is not None:
            await self._prepare(context.recipe_id, context.recipe_version, line=station.line)
        await self._orders.give(change.station, change.order, by=by)
        return {"station": change.station, "order_id": change.order.order_id}

    async def _move_thresholds(
        self, change: ThresholdChange, *, by: str, gate_report: GateReport | None
    ) -> Mapping[str, Any]:
        stored = self._recipes.get(change.recipe_id)
        if not _has(stored, change.thresholds):
            try:
                stored = await self._recipes.add(
                    stored.recipe.id,
                    self.recipe_text(change),
                    changed_by=by,
                    judged_by=self._judged_by,
                    gate_report=gate_report,
                )
            except LooserRecipe as error:
                raise LooserRecipe(
                    f"the proposal stays open: {error}. GET /v1/proposals/<id> has the text to put through the gate; "
                    "approve with its report's digest as gate_report"
                ) from error
        for line in sorted({station.line for station in self._stations.all() if station.recipe_id == stored.recipe.id}):
            await self._prepare(stored.recipe.id, stored.recipe.version, line=line)
        stations = await self._stations.use_recipe(stored, changed_by=by)
        return {"recipe_id": stored.recipe.id, "version": stored.recipe.version, "stations": list(stations)}


def _has(stored: StoredRecipe, thresholds: Mapping[str, float]) -> bool:
    """Whether a recipe says these thresholds already."""
    limits = stored.recipe.limits
    return all(name in limits and limits[name].confidence == value for name, value in thresholds.items())
