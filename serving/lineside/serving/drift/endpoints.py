"""GET of how the stations stand, POST of an acknowledgement."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.drift.schemas import AcknowledgementIn, AlarmOut, DriftList
from lineside.serving.fields import Name
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/drift", tags=["drift"])


@router.get("", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_drift(
    services: ServicesDep,
    station: Annotated[Name | None, Query(description="Only this station.")] = None,
) -> DriftList:
    """How each station stands against its reference period, with what the last look found."""
    return await services.drift.states(station)


@router.post("/alarms/{alarm_id}/acknowledgement")
async def post_acknowledgement(
    alarm_id: Name,
    given: AcknowledgementIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.ACKNOWLEDGE_DRIFT))],
) -> AlarmOut:
    """End an alarm: a person looked after it, says what it was, and what later parts are held against."""
    return await services.drift.acknowledge(alarm_id, given, by=principal.name)
