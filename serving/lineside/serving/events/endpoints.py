"""GET /v1/events: the plant's log as server-sent events."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from lineside.serving.dependencies import ServicesDep
from lineside.serving.events.stream import EventFilter, event_stream
from lineside.serving.fields import Name
from lineside.serving.security import Action, Principal, allow
from lineside.serving.security.guard import authenticate
from lineside.serving.shutdown import shutdown_of

router = APIRouter(prefix="/v1/events", tags=["events"])

_LARGEST_SEQUENCE = 2**63 - 1
Sequence = Annotated[int | None, Query(ge=0, le=_LARGEST_SEQUENCE)]


@router.get("", response_class=StreamingResponse)
async def follow_events(
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_EVENTS))],
    after: Sequence = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=_LARGEST_SEQUENCE)] = None,
    types: Annotated[list[Name] | None, Query(alias="type", max_length=50)] = None,
    station: Annotated[Name | None, Query()] = None,
) -> StreamingResponse:
    """Events after a sequence number, in order, and each new one as it comes.

    Resumes from the header Last-Event-ID, which browsers send by themselves, or from `after`; without either it starts
    with the next event. A station's key sees its own station's events.
    """
    if station is not None:
        principal.require_station(station)
    resumes_at = after if last_event_id is None else last_event_id
    stream = event_stream(
        services.ledger,
        EventFilter(frozenset(types or ()), principal.station or station),
        after=services.ledger.last_sequence if resumes_at is None else resumes_at,
        shutdown=shutdown_of(request.app),
        check_access=partial(authenticate, request),
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would hold events back
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
