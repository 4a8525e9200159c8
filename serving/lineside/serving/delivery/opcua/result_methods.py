"""`ResultManagement` of OPC 40100-1 (clause 7.5): results by id and by list, from the ledger."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from asyncua import ua

from lineside.serving.delivery.opcua.found_results import FoundResult, ResultQuery, ResultShelf
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
    uint32,
    version_of,
)
from lineside.serving.delivery.opcua.result_values import ResultValues, verdicts_of

MOST_RESULTS: Final = 500
"""In one answer; `IsComplete` tells that there are more, and `StartIndex` gets at them."""

_COMPONENTS: Final[Sequence[tuple[str, Any]]] = (
    ("IsPartial", ua.VariantType.Boolean),
    ("IsSimulated", ua.VariantType.Boolean),
    ("ResultState", ua.VariantType.Int32),
    *(
        (name, ua.VariantType.ExtensionObject)
        for name in (
            "MeasId",
            "PartId",
            "ExternalRecipeId",
            "InternalRecipeId",
            "ProductId",
            "ExternalConfigurationId",
            "InternalConfigurationId",
            "JobId",
        )
    ),
    ("CreationTime", ua.VariantType.DateTime),
    ("ProcessingTimes", ua.VariantType.ExtensionObject),
    ("ResultContent", ua.VariantType.ExtensionObject),
)
"""The outputs of `GetResultComponentsById` in order, between the handle and the error."""


class ResultMethods:
    """The methods of one station.

    Args:
        station: whose results they give.
        shelf: where results are found.
        values: how they are put.
    """

    def __init__(self, station: str, shelf: ResultShelf, values: ResultValues) -> None:
        self._station = station
        self._shelf = shelf
        self._values = values
        self._handles = Handles()

    def methods(self) -> Mapping[str, Method]:
        """By browse name."""
        return MappingProxyType(
            {
                "GetResultById": Method(self._by_id, self._no_result, inputs=2, only_operators=False),
                "GetResultComponentsById": Method(
                    self._components_by_id, self._no_components, inputs=2, only_operators=False
                ),
                "GetResultListFiltered": Method(self._filtered, self._no_list, inputs=12, only_operators=False),
                "ReleaseResultHandle": Method(
                    self._release, lambda code: [int32(code)], inputs=1, only_operators=False
                ),
            }
        )

    async def _by_id(self, values: Sequence[Any]) -> Outputs:
        found = await self._find(values[0])
        return [uint32(self._handles.give()), structure(self._values.result(found)), int32(Code.GOOD)]

    async def _components_by_id(self, values: Sequence[Any]) -> Outputs:
        fields = self._values.fields(await self._find(values[0]))
        components = [ua.Variant(fields[name], variant_type) for name, variant_type in _COMPONENTS]
        return [boolean(False), uint32(self._handles.give()), *components, int32(Code.GOOD)]  # noqa: FBT003

    async def _filtered(self, values: Sequence[Any]) -> Outputs:
        wanted, start, limit = _query_of(values)
        found, is_complete = await self._shelf.page(self._station, wanted, start=start, limit=limit)
        results = [self._values.result(each) for each in found]
        return [
            boolean(is_complete),
            uint32(len(results)),
            uint32(self._handles.give()),
            structure(results),
            int32(Code.GOOD),
        ]

    async def _release(self, values: Sequence[Any]) -> Outputs:
        if not self._handles.take_back(count_of(values[0], what="ResultHandle")):
            raise MethodRefused(Code.UNKNOWN, "no such handle is out")
        return [int32(Code.GOOD)]

    async def _find(self, result_id: Any) -> FoundResult:
        wanted = id_of(result_id, what="ResultId")
        found = await self._shelf.one(self._station, wanted)
        if found is None:
            raise MethodRefused(Code.UNKNOWN, f"station {self._station} has no result {wanted!r}")
        return found

    def _no_result(self, code: Code) -> Outputs:
        return [uint32(0), structure(ua.ResultDataType()), int32(code)]

    def _no_components(self, code: Code) -> Outputs:
        return [boolean(False), uint32(0), *(ua.Variant() for _ in _COMPONENTS), int32(code)]  # noqa: FBT003

    def _no_list(self, code: Code) -> Outputs:
        return [boolean(False), uint32(0), uint32(0), structure([]), int32(code)]  # noqa: FBT003


def _query_of(values: Sequence[Any]) -> tuple[ResultQuery, int, int]:
    """The inputs of `GetResultListFiltered`: what is wanted, how many to pass over, and how many at most."""
    state, meas, part, external, internal, configuration, own_configuration, product, job = values[:9]
    recipe = external if id_of(external, what="ExternalRecipeId") else internal
    release = configuration if id_of(configuration, what="ExternalConfigurationId") else own_configuration
    query = ResultQuery(
        verdicts=verdicts_of(number_of(state, what="ResultState")),
        meas_id=id_of(meas, what="MeasId"),
        part_id=id_of(part, what="PartId"),
        product=id_of(product, what="ProductId"),
        job_id=id_of(job, what="JobId"),
        recipe_id=id_of(recipe, what="InternalRecipeId"),
        recipe_version=version_of(recipe, what="InternalRecipeId"),
        release_name=id_of(release, what="InternalConfigurationId"),
        release_version=version_of(release, what="InternalConfigurationId"),
    )
    most = count_of(values[9], what="MaxResults") or MOST_RESULTS
    return query, count_of(values[10], what="StartIndex"), min(most, MOST_RESULTS)
