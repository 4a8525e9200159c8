"""Setting, listing and releasing holds."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.holds.schemas import HoldIn, HoldList, HoldOut, HoldState, ReasonIn
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/holds", tags=["holds"])


@router.post("")
async def post_hold(
    hold: HoldIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.HOLD_STATIONS))],
) -> HoldOut:
    """Hold back a station's parts or a lot's, whatever their verdict; what is held already stays held as it is."""
    return await services.holds.hold(
        station=hold.station, lot=hold.lot, reason=hold.reason, by=principal.name, evidence=hold.evidence
    )


@router.get("", dependencies=[Depends(allow(Action.READ_INSPECTIONS))])
async def list_holds(
    services: ServicesDep,
    state: HoldState | None = None,
    station: Annotated[Name | None, Query()] = None,
    lot: Annotated[Name | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> HoldList:
    """Holds that stand or stood, newest first; of a station, of a lot, or of both where both are named."""
    found = await services.holds.holds(state=state, station=station, lot=lot, limit=limit)
    return HoldList(items=tuple(found))


@router.post("/{hold_id}/release")
async def release_hold(
    hold_id: Annotated[Name, Path()],
    release: ReasonIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.HOLD_STATIONS))],
) -> HoldOut:
    """Let held parts go on; the very same release again changes nothing."""
    return await services.holds.release(hold_id, reason=release.reason, by=principal.name)
