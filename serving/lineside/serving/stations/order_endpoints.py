"""GET of orders."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.security import Action, allow
from lineside.serving.stations.order_schemas import OrderList, OrderOut, OrderState

router = APIRouter(prefix="/v1/orders", tags=["stations"], dependencies=[Depends(allow(Action.READ_INSPECTIONS))])


@router.get("")
async def list_orders(
    services: ServicesDep,
    station: Annotated[Name | None, Query()] = None,
    state: OrderState | None = None,
    lot: Annotated[Name | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> OrderList:
    """Orders, newest first, each with its counts at every station."""
    found = await services.orders.orders(station=station, state=state, lot=lot, limit=limit)
    return OrderList(items=tuple(found))


@router.get("/{order_id}")
async def get_order(order_id: Annotated[Name, Path()], services: ServicesDep) -> OrderOut:
    """One order: what it is for, and how far it is at each station."""
    return await services.orders.get(order_id)
