"""The review place's routes: what waits, claims of parts, readings, and how well people read."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Instant, Name
from lineside.serving.security import Action, Principal, allow
from lineside.serving.verification.pictures import Layer
from lineside.serving.verification.schemas import ClaimIn, ClaimOut, QueueOut, ReadingIn, ReadingOut, ReviewersOut

router = APIRouter(prefix="/v1", tags=["verification"])

ClaimId = Annotated[Name, Path()]
Reviewing = Annotated[Principal, Depends(allow(Action.POST_REVIEW))]
_NOTHING_WAITS: Any = {204: {"description": "Nothing waits for this reader."}}
_TAKEN: Any = {204: {"description": "Somebody else has the part by now."}}
_LOOK_BACK = timedelta(days=90)
_CACHING = "private, max-age=86400"  # its pixels never change; a day is long enough for a shift's browsers


@router.get("/verification", dependencies=[Depends(allow(Action.READ_INSPECTIONS))])
async def get_verification(services: ServicesDep) -> QueueOut:
    """What waits to be read by people."""
    return await services.verification.queue()


@router.post("/verification/claims", status_code=201, responses=_NOTHING_WAITS)
async def post_claim(wanted: ClaimIn, services: ServicesDep, principal: Reviewing) -> ClaimOut:
    """Take the part that has waited longest; the same window asking again gets the part that it holds.

    Nobody else gets the part for a first reading until the claim is read, let go, or has run out.
    """
    taken = await services.verification.take(wanted, principal)
    return Response(status_code=204) if taken is None else taken  # type: ignore[return-value]  # FastAPI passes it on


@router.put("/verification/claims/{claim_id}")
async def put_claim(claim_id: ClaimId, services: ServicesDep, principal: Reviewing) -> ClaimOut:
    """Hold the part longer."""
    return await services.verification.hold_on(claim_id, principal)


@router.delete("/verification/claims/{claim_id}", status_code=204)
async def delete_claim(claim_id: ClaimId, services: ServicesDep, principal: Reviewing) -> None:
    """Let the part go unread."""
    await services.verification.release(claim_id, principal)


@router.put("/verification/claims/{claim_id}/reading")
async def put_reading(claim_id: ClaimId, reading: ReadingIn, services: ServicesDep, principal: Reviewing) -> ReadingOut:
    """Say what the part is and what becomes of it: review, disposition and the claim's end in one transaction.

    The same again changes nothing. Whoever reviews may also decide what becomes of a part read here, whose key may
    not post dispositions elsewhere.
    """
    return await services.verification.read(claim_id, reading, principal)


@router.delete("/verification/claims/{claim_id}/reading", responses=_TAKEN)
async def delete_reading(claim_id: ClaimId, services: ServicesDep, principal: Reviewing) -> ClaimOut:
    """Take the reading back: its review is withdrawn, the part set aside and held by its reader again."""
    taken = await services.verification.undo(claim_id, principal)
    return Response(status_code=204) if taken is None else taken  # type: ignore[return-value]  # FastAPI passes it on


@router.get("/reviewers", dependencies=[Depends(allow(Action.READ_REVIEWERS))])
async def get_reviewers(
    services: ServicesDep,
    start: Annotated[Instant | None, Query(alias="from", description="Parts opened then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Default: now.")] = None,
    simulated: Annotated[bool | None, Query(description="Default: as the server is set.")] = None,
    confidence: Annotated[float, Query(ge=0.5, le=0.999)] = 0.95,
) -> ReviewersOut:
    """How well people read: errors on known parts and in blind second readings, agreement, minutes.

    By default of the parts of the last 90 days. Over all readers, known parts and second readings together are the
    `reviewers` that the rates of the same parts lean on.
    """
    until = end or services.clock.now()
    since = start or until - _LOOK_BACK
    return await services.verification.reviewers(start=since, end=until, is_simulated=simulated, confidence=confidence)


@router.get("/inspections/{inspection_id}/layers/{layer}", dependencies=[Depends(allow(Action.READ_IMAGES))])
async def get_layer(
    inspection_id: Annotated[Name, Path()],
    layer: Layer,
    services: ServicesDep,
    view: Annotated[Name | None, Query()] = None,
) -> Response:
    """A view as PNG, pixel for pixel as the detector saw it; its reference laid on it; or how the two differ."""
    png = await services.verification.layer(inspection_id, layer, view=view)
    return Response(png, media_type="image/png", headers={"Cache-Control": _CACHING})
