"""Job control of ISA-95 at one station (OPC 10031-4): orders in, counts out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from asyncua import ua

from lineside.client import LinesideClient
from lineside.client.calls import Json
from lineside.serving.delivery.opcua.job_orders import (
    MOST_STORED,
    STATE_TEXTS,
    JobOrder,
    JobOrderState,
    ReturnStatus,
    StoredOrders,
)
from lineside.serving.delivery.opcua.methods import Code, Method, MethodRefused, Outputs, structure, text_of
from lineside.serving.delivery.opcua.vision_system import VisionSystem

_MOST_ORDERS: Final = 100

_STATUS: Final[Mapping[Code, ReturnStatus]] = MappingProxyType(
    {
        Code.UNKNOWN: ReturnStatus.UNKNOWN_ORDER,
        Code.REFUSED: ReturnStatus.NOT_ACCEPTED,
        Code.UNREACHABLE: ReturnStatus.UNREACHABLE,
        Code.NOT_SUPPORTED: ReturnStatus.NOT_ACCEPTED,
        Code.WRONG_STATE: ReturnStatus.INVALID_STATE,
        Code.WRONG_ARGUMENT: ReturnStatus.INVALID_REQUEST,
    }
)
_STATES: Final[Mapping[str, JobOrderState]] = MappingProxyType(
    {
        "accepted": JobOrderState.ALLOWED_TO_START,
        "in_force": JobOrderState.RUNNING,
        "done": JobOrderState.ENDED,
        "replaced": JobOrderState.ABORTED,
    }
)
_JUDGED: Final = MappingProxyType({"ok": "PartsOK", "ng": "PartsNG", "not_inspected": "PartsNotInspected"})
"""Counts of the API and the names under which a response has them."""


class OrderMethods:
    """The methods of a station's `JobOrderReceiver` and `JobResponseProvider`.

    Args:
        system: the station's nodes.
        client: of the plant's server.
        stored: orders that wait for their start.
        is_allowed: whether orders may be given over OPC UA.
    """

    def __init__(self, system: VisionSystem, client: LinesideClient, stored: StoredOrders, *, is_allowed: bool) -> None:
        self._system = system
        self._client = client
        self._stored = stored
        self._is_allowed = is_allowed

    def receiver(self) -> Mapping[str, Method]:
        """By browse name."""
        return MappingProxyType(
            {
                "Store": _changing(self._store, inputs=2),
                "StoreAndStart": _changing(self._store_and_start, inputs=2),
                "Start": _changing(self._start, inputs=2),
                "Cancel": _changing(self._cancel, inputs=2),
            }
        )

    def provider(self) -> Mapping[str, Method]:
        """By browse name."""
        return MappingProxyType(
            {
                "RequestJobResponseByJobOrderID": Method(
                    self._response,
                    lambda code: [structure(ua.ISA95JobResponseDataType()), _returned(_STATUS[code])],
                    inputs=1,
                    only_operators=False,
                    failed_status=ua.StatusCodes.Uncertain,
                ),
                "RequestJobResponseByJobOrderState": Method(
                    self._responses,
                    lambda code: [structure([]), _returned(_STATUS[code])],
                    inputs=1,
                    only_operators=False,
                    failed_status=ua.StatusCodes.Uncertain,
                ),
            }
        )

    async def begin(self) -> None:
        """Show what may be ordered, and the orders that wait."""
        most = await self._system.orders.get_child([f"{self._namespace}:MaxDownloadableJobOrders"])
        await most.write_value(ua.Variant(MOST_STORED, ua.VariantType.UInt16))
        for name in ("EquipmentID", "MaterialClassID", "MaterialDefinitionID", "PersonnelID", "PhysicalAssetID"):
            node = await self._system.orders.get_child([f"{self._namespace}:{name}"])
            shown = [self._system.station] if name == "EquipmentID" else []
            await node.write_value(ua.Variant(shown, ua.VariantType.String, is_array=True))
        await self._show()

    async def _store(self, values: Sequence[Any]) -> Outputs:
        self._require()
        self._stored.put(self._system.station, _order_of(values[0], self._system.station))
        await self._show()
        return [_returned(ReturnStatus.NO_ERROR)]

    async def _store_and_start(self, values: Sequence[Any]) -> Outputs:
        self._require()
        await self._give(_order_of(values[0], self._system.station))
        return [_returned(ReturnStatus.NO_ERROR)]

    async def _start(self, values: Sequence[Any]) -> Outputs:
        self._require()
        await self._give(self._waiting(values[0]))
        return [_returned(ReturnStatus.NO_ERROR)]

    async def _cancel(self, values: Sequence[Any]) -> Outputs:
        self._require()
        self._stored.remove(self._system.station, self._waiting(values[0]).order_id)
        await self._show()
        return [_returned(ReturnStatus.NO_ERROR)]

    async def _response(self, values: Sequence[Any]) -> Outputs:
        order_id = text_of(values[0], what="JobOrderID")
        waiting = self._stored.find(self._system.station, order_id)
        if waiting is not None:
            return [structure(_waiting_response(waiting)), _returned(ReturnStatus.NO_ERROR)]
        order = await self._client.order(order_id)
        here = [each for each in order["stations"] if each["station"] == self._system.station]
        if not here:
            raise MethodRefused(Code.UNKNOWN, f"order {order_id!r} is not at station {self._system.station}")
        return [structure(_response_of(order, here[0])), _returned(ReturnStatus.NO_ERROR)]

    async def _responses(self, values: Sequence[Any]) -> Outputs:
        wanted = {getattr(each, "StateNumber", 0) for each in values[0] or ()}
        orders = await self._client.orders(station=self._system.station, limit=_MOST_ORDERS)
        found = [
            _response_of(order, here)
            for order in orders
            for here in order["stations"]
            if here["station"] == self._system.station
        ]
        found += [_waiting_response(order) for order in self._stored.at(self._system.station)]
        shown = [each for each in found if not wanted or each.JobState[0].StateNumber in wanted]
        return [structure(shown), _returned(ReturnStatus.NO_ERROR)]

    async def _give(self, order: JobOrder) -> None:
        """Give an order to the plant's server, which makes it this station's."""
        await self._client.put_order(
            self._system.station,
            order_id=order.order_id,
            product=order.product or await self._product_of(order.recipe),
            lot=order.lot,
            quantity=order.quantity,
            from_part_id=order.from_part_id,
        )
        self._stored.remove(self._system.station, order.order_id)
        await self._show()

    async def _product_of(self, recipe_id: str) -> str:
        for recipe in await self._client.recipes():
            if recipe["id"] == recipe_id:
                return str(recipe["product"])
        raise MethodRefused(Code.REFUSED, f"there is no recipe {recipe_id!r}")

    def _waiting(self, order_id: Any) -> JobOrder:
        name = text_of(order_id, what="JobOrderID")
        order = self._stored.find(self._system.station, name)
        if order is None:
            raise MethodRefused(Code.UNKNOWN, f"no order {name!r} waits at station {self._system.station}")
        return order

    async def _show(self) -> None:
        """Show the orders that wait; those that were given are found by the response provider."""
        listed = [
            ua.ISA95JobOrderAndStateDataType(
                JobOrder=_structure_of(order), State=[_state(JobOrderState.NOT_ALLOWED_TO_START)]
            )
            for order in self._stored.at(self._system.station)
        ]
        node = await self._system.orders.get_child([f"{self._namespace}:JobOrderList"])
        await node.write_value(ua.Variant(listed, ua.VariantType.ExtensionObject, is_array=True))

    @property
    def _namespace(self) -> int:
        return self._system.jobs_namespace

    def _require(self) -> None:
        if not self._is_allowed:
            raise MethodRefused(Code.NOT_SUPPORTED, "orders are not among what the sink may do")


def _changing(body: Any, *, inputs: int) -> Method:
    return Method(
        body,
        lambda code: [_returned(_STATUS[code])],
        inputs=inputs,
        only_operators=True,
        failed_status=ua.StatusCodes.Uncertain,
    )


def _order_of(value: Any, station: str) -> JobOrder:
    try:
        return JobOrder.of(value, station=station)
    except AttributeError as error:
        raise MethodRefused(Code.WRONG_ARGUMENT, f"{type(value).__name__} is no job order") from error


def _returned(status: ReturnStatus) -> Any:
    return ua.Variant(int(status), ua.VariantType.UInt64)


def _state(state: JobOrderState) -> Any:
    return ua.ISA95StateDataType(StateText=ua.LocalizedText(STATE_TEXTS[state]), StateNumber=ua.UInt32(state))


def _structure_of(order: JobOrder) -> Any:
    material = ua.ISA95MaterialDataType(
        MaterialDefinitionID=order.product or None,
        MaterialLotID=order.lot,
        MaterialUse="Material Produced",
        Quantity=None if order.quantity is None else str(order.quantity),
    )
    return ua.ISA95JobOrderDataType(
        JobOrderID=order.order_id,
        WorkMasterID=[ua.ISA95WorkMasterDataType(ID=order.recipe)] if order.recipe else None,
        MaterialRequirements=[material],
    )


def _waiting_response(order: JobOrder) -> Any:
    return ua.ISA95JobResponseDataType(
        JobResponseID=order.order_id, JobOrderID=order.order_id, JobState=[_state(JobOrderState.NOT_ALLOWED_TO_START)]
    )


def _response_of(order: Json, here: Json) -> Any:
    """What an order has come to at one station, from the API's JSON."""
    state = _STATES[here["state"]]
    if state is JobOrderState.ABORTED and order["quantity"] is None:
        state = JobOrderState.ENDED  # it had no end of its own: the next one is its end
    judged = here["judged"]
    counts = [
        ua.ISA95ParameterDataType(ID=name, Value=ua.Variant(int(judged[key]), ua.VariantType.UInt32))
        for key, name in _JUDGED.items()
    ]
    material = ua.ISA95MaterialDataType(
        MaterialDefinitionID=order["product"],
        MaterialLotID=order["lot"],
        MaterialUse="Material Produced",
        Quantity=str(sum(int(judged[key]) for key in _JUDGED)),
    )
    return ua.ISA95JobResponseDataType(
        JobResponseID=f"{order['order_id']}/{here['station']}",
        JobOrderID=order["order_id"],
        StartTime=_instant(here["in_force_at"]),
        EndTime=_instant(here["done_at"]),
        JobState=[_state(state)],
        JobResponseData=counts,
        MaterialActuals=[material],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
