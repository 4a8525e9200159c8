"""Stations, their orders and holds."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from lineside.serving.dependencies import ServicesDep
from lineside.serving.holds.schemas import ReasonIn
from lineside.serving.security import Action, Principal, allow
from lineside.serving.services import Services
from lineside.serving.stations.schemas import OrderIn, StationIn, StationList, StationOut
from lineside.serving.stations.views import StationView

router = APIRouter(prefix="/v1/stations", tags=["stations"])

StationId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


@router.get("")
async def list_stations(
    services: ServicesDep, principal: Annotated[Principal, Depends(allow(Action.READ_STATIONS))]
) -> StationList:
    """All stations; a station's key sees its own."""
    visible = [each for each in services.stations.all() if principal.station in {None, each.id}]
    return StationList(items=tuple(StationOut.of(each) for each in visible))


@router.get("/{station_id}")
async def get_station(
    station_id: StationId,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_STATIONS))],
) -> StationView:
    """One station, what is in force there, and what will be."""
    principal.require_station(station_id)
    return _view(services, station_id)


@router.put("/{station_id}")
async def put_station(
    station_id: StationId,
    settings: StationIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_STATIONS))],
) -> StationView:
    """Enrol a station or change its settings."""
    if settings.recipe is not None:
        services.recipes.get(settings.recipe.id, settings.recipe.version)
        await services.inspections.prepare(settings.recipe.id, settings.recipe.version, line=settings.line)
    await services.stations.put(station_id, settings, changed_by=principal.name)
    return _view(services, station_id)


@router.put("/{station_id}/order")
async def put_order(
    station_id: StationId,
    order: OrderIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_ORDERS))],
) -> StationView:
    """Give a station the order it works on, at once or from a stated part or encoder count; selects the recipe."""
    station = services.stations.get(station_id)
    context = services.stations.context_for(order)
    if context.recipe_id is not None and context.recipe_version is not None:
        await services.inspections.prepare(context.recipe_id, context.recipe_version, line=station.line)
    await services.orders.give(station_id, order, by=principal.name)
    return _view(services, station_id)


@router.post("/{station_id}/hold")
async def hold_station(
    station_id: StationId,
    hold: ReasonIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.HOLD_STATIONS))],
) -> StationView:
    """Hold back the station's parts, whatever their verdict; the same as POST /v1/holds."""
    await services.holds.hold(station=station_id, reason=hold.reason, by=principal.name)
    return _view(services, station_id)


@router.post("/{station_id}/release")
async def release_station(
    station_id: StationId,
    release: ReasonIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.HOLD_STATIONS))],
) -> StationView:
    """Let the station's parts go on; a lot's hold stands."""
    await services.holds.release_station(station_id, reason=release.reason, by=principal.name)
    return _view(services, station_id)


def _view(services: Services, station_id: str) -> StationView:
    station = StationOut.of(services.stations.get(station_id))
    return StationView(**dict(station), holds=services.holds.concerning(station_id))
