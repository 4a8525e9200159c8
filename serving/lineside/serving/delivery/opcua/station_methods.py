"""What clients may have a station do: single jobs, holds, and the recipe that it works by (OPC 40100-1, 7.3 and 8)."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from asyncua import ua

from lineside.client import LinesideClient
from lineside.serving.delivery.opcua.guard import caller
from lineside.serving.delivery.opcua.handles import Handles
from lineside.serving.delivery.opcua.methods import (
    Code,
    Method,
    MethodRefused,
    Outputs,
    boolean,
    count_of,
    id_of,
    int32,
    number_of,
    structure,
    text_of,
    uint32,
    version_of,
)
from lineside.serving.delivery.opcua.result_values import ResultValues
from lineside.serving.delivery.opcua.vision_system import VisionSystem
from lineside.serving.signals.schemas import StateName

_ANY_PREPARED = 2
"""`TriStateBooleanDataType`: 0 false, 1 true, 2 does not matter."""


class StationMethods:
    """The methods of one station that go through the plant's server, under the name of whoever called.

    Args:
        system: its nodes.
        client: of the plant's server.
        values: how recipes are put.
        may: of "jobs", "orders" and "holds", what is allowed over OPC UA.
        sink: the sink's name, which orders begin with that clients give by choosing a product.
    """

    def __init__(
        self,
        system: VisionSystem,
        client: LinesideClient,
        values: ResultValues,
        *,
        may: Collection[str],
        sink: str,
    ) -> None:
        self._system = system
        self._models = values.models
        self._client = client
        self._values = values
        self._may = frozenset(may)
        self._sink = sink
        self._handles = Handles()

    def outer(self) -> Mapping[str, Method]:
        """The methods of `VisionStateMachine` by browse name."""
        return MappingProxyType(
            {
                "Halt": Method(self._halt, _error, inputs=2, only_operators=True),
                "Reset": Method(self._reset, _error, inputs=2, only_operators=True),
                "SelectModeAutomatic": Method(self._automatic, _error, inputs=0, only_operators=True),
            }
        )

    def inner(self) -> Mapping[str, Method]:
        """The methods of `AutomaticModeStateMachine` by browse name."""
        return MappingProxyType(
            {
                "StartSingleJob": Method(self._start_single_job, self._no_job, inputs=5, only_operators=True),
                "StartContinuous": Method(self._start_continuous, self._no_job, inputs=5, only_operators=True),
                "Abort": Method(self._abort, _error, inputs=2, only_operators=True),
                "Stop": Method(self._stop, _error, inputs=2, only_operators=True),
            }
        )

    def recipes(self) -> Mapping[str, Method]:
        """The methods of `RecipeManagement` by browse name."""
        return MappingProxyType(
            {
                "GetRecipeListFiltered": Method(self._list, self._no_list, inputs=6, only_operators=False),
                "ReleaseRecipeHandle": Method(self._release, _error, inputs=1, only_operators=False),
                "PrepareRecipe": Method(self._prepare, self._not_prepared, inputs=2, only_operators=True),
                "PrepareProduct": Method(self._prepare_product, self._no_recipe, inputs=1, only_operators=True),
                "UnprepareRecipe": Method(self._unprepare, self._no_recipe, inputs=2, only_operators=True),
            }
        )

    async def _start_single_job(self, values: Sequence[Any]) -> Outputs:
        self._require("jobs")
        job = await self._client.start_job(
            self._system.station,
            meas_id=id_of(values[0], what="MeasId") or None,
            part_id=id_of(values[1], what="PartId") or None,
            recipe_id=id_of(values[2], what="RecipeId") or None,
            product=id_of(values[3], what="ProductId") or None,
        )
        return [structure(ua.JobIdDataType(Id=job["id"])), int32(Code.GOOD)]

    async def _start_continuous(self, _values: Sequence[Any]) -> Outputs:
        raise MethodRefused(Code.NOT_SUPPORTED, "a line judges every part that comes; nobody has to start it")

    async def _stop(self, _values: Sequence[Any]) -> Outputs:
        raise MethodRefused(Code.NOT_SUPPORTED, "inspection never stops while parts come; Halt holds them back")

    async def _abort(self, values: Sequence[Any]) -> Outputs:
        self._require("jobs")
        reason = _reason(values)
        waiting = await self._client.jobs(self._system.station, state="started")
        if not waiting:
            raise MethodRefused(Code.WRONG_STATE, "no job waits for its part")
        for job in waiting:
            await self._client.abort_job(job["id"], reason=reason)
        return [int32(Code.GOOD)]

    async def _halt(self, values: Sequence[Any]) -> Outputs:
        self._require("holds")
        await self._client.hold(station=self._system.station, reason=_reason(values))
        return [int32(Code.GOOD)]

    async def _reset(self, values: Sequence[Any]) -> Outputs:
        self._require("holds")
        holds = await self._client.holds(station=self._system.station, state="held")
        own = [hold for hold in holds if hold["station"] == self._system.station]
        if not own:
            raise MethodRefused(Code.WRONG_STATE, "no hold of this station can be released; a lot's is the MES's")
        for hold in own:
            await self._client.release_hold(hold["id"], reason=_reason(values))
        return [int32(Code.GOOD)]

    async def _automatic(self, _values: Sequence[Any]) -> Outputs:
        if self._system.states.name in {StateName.HALTED, StateName.ERROR}:
            raise MethodRefused(Code.WRONG_STATE, f"the station is {self._system.states.name.value}")
        return [int32(Code.GOOD)]  # there is no other mode

    async def _list(self, values: Sequence[Any]) -> Outputs:
        wanted_id, wanted_version = id_of(values[0], what="ExternalId"), version_of(values[0], what="ExternalId")
        product, prepared = id_of(values[1], what="ProductId"), number_of(values[2], what="IsPrepared")
        in_force = await self._in_force()
        found = [
            recipe
            for recipe in await self._client.recipes()
            if wanted_id in {"", recipe["id"]}
            and wanted_version in {"", str(recipe["version"])}
            and product in {"", recipe["product"]}
            and prepared in {_ANY_PREPARED, int((recipe["id"], recipe["version"]) == in_force)}
        ]
        most = count_of(values[3], what="MaxResults") or len(found)
        start = count_of(values[4], what="StartIndex")
        page = found[start : start + most]
        return [
            boolean(start + most >= len(found)),
            uint32(len(page)),
            uint32(self._handles.give()),
            structure([self._values.recipe(recipe, self._models.internal_recipe_id) for recipe in page]),
            int32(Code.GOOD),
        ]

    async def _release(self, values: Sequence[Any]) -> Outputs:
        if not self._handles.take_back(count_of(values[0], what="RecipeHandle")):
            raise MethodRefused(Code.UNKNOWN, "no such handle is out")
        return [int32(Code.GOOD)]

    async def _prepare(self, values: Sequence[Any]) -> Outputs:
        wanted = values[0] if id_of(values[0], what="ExternalId") else values[1]
        name, version = id_of(wanted, what="InternalIdIn"), version_of(wanted, what="InternalIdIn")
        recipe = await self._recipe(name=name)
        if version not in {"", str(recipe["version"])}:
            raise MethodRefused(
                Code.REFUSED,
                f"recipe {name!r} is at version {recipe['version']}; an order takes the newest, not {version}",
            )
        internal = await self._order_for(recipe)
        return [structure(internal), boolean(True), int32(Code.GOOD)]  # noqa: FBT003

    async def _prepare_product(self, values: Sequence[Any]) -> Outputs:
        recipe = await self._recipe(product=id_of(values[0], what="ProductId"))
        return [structure(await self._order_for(recipe)), int32(Code.GOOD)]

    async def _unprepare(self, _values: Sequence[Any]) -> Outputs:
        raise MethodRefused(Code.NOT_SUPPORTED, "a station works by a recipe until another one is ordered")

    async def _recipe(self, *, name: str = "", product: str = "") -> Mapping[str, Any]:
        for recipe in await self._client.recipes():
            if recipe["id"] == name or (product and recipe["product"] == product):
                return recipe
        raise MethodRefused(Code.UNKNOWN, f"no recipe {name!r} or of product {product!r}")

    async def _order_for(self, recipe: Mapping[str, Any]) -> Any:
        """Have the station work by a recipe: by an order for its product, where it does not already."""
        if (recipe["id"], recipe["version"]) != await self._in_force():
            self._require("orders")
            await self._client.put_order(
                self._system.station,
                order_id=f"{self._sink}-{recipe['id']}-{recipe['version']}",
                product=recipe["product"],
            )
        return self._values.recipe(recipe, self._models.internal_recipe_id)

    async def _in_force(self) -> tuple[str, int] | None:
        recipe = (await self._client.station(self._system.station))["context"]["recipe"]
        return None if recipe is None else (recipe["id"], recipe["version"])

    def _require(self, what: str) -> None:
        if what not in self._may:
            raise MethodRefused(Code.NOT_SUPPORTED, f"`may` of sink {self._sink!r} does not have {what!r}")

    def _no_job(self, code: Code) -> Outputs:
        return [structure(ua.JobIdDataType(Id="")), int32(code)]

    def _no_recipe(self, code: Code) -> Outputs:
        return [structure(self._models.internal_recipe_id(Id="")), int32(code)]

    def _not_prepared(self, code: Code) -> Outputs:
        return [structure(self._models.internal_recipe_id(Id="")), boolean(False), int32(code)]  # noqa: FBT003

    def _no_list(self, code: Code) -> Outputs:
        return [boolean(False), uint32(0), uint32(0), structure([]), int32(code)]  # noqa: FBT003


def _reason(values: Sequence[Any]) -> str:
    """The inputs `Cause` and `CauseDescription` as a reason, with who gave it."""
    cause, said = number_of(values[0], what="Cause"), text_of(values[1], what="CauseDescription")
    return f"{said or 'no reason given'} (cause {cause}, {caller.get()} over OPC UA)"


def _error(code: Code) -> Outputs:
    return [int32(code)]
