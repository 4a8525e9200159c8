"""GET, POST and DELETE of deployments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from lineside.inspection.release import DeploymentMode
from lineside.serving.bodies import from_base64
from lineside.serving.dependencies import ServicesDep
from lineside.serving.deployments.book import DeploymentRecord
from lineside.serving.deployments.overview import in_force_now
from lineside.serving.deployments.schemas import (
    DeploymentIn,
    DeploymentList,
    DeploymentView,
    InForceList,
    view_of,
)
from lineside.serving.errors import DeploymentWithdrawn
from lineside.serving.fields import Prose
from lineside.serving.security import Action, Principal, allow
from lineside.serving.services import Services
from lineside.serving.shadowing import store as comparisons
from lineside.serving.shadowing.schemas import DisagreementList

router = APIRouter(prefix="/v1/deployments", tags=["deployments"])

_MOST_DISAGREEMENTS = 200


@router.get("", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def list_deployments(services: ServicesDep) -> DeploymentList:
    """Every deployment that was ever accepted, newest first, with what became of it."""
    book = services.deployments.book
    items = [await _view(services, record) for record in reversed(book.records)]
    return DeploymentList(items=tuple(items), highest_serial=book.highest_serial)


@router.post("")
async def post_deployment(
    deployment: DeploymentIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_DEPLOYMENTS))],
) -> DeploymentView:
    """Carry out a deployment that the deploy key signed; the very same one again changes nothing.

    Its release is loaded and tried on its known defects first. Whatever fails, what was live stays live.
    """
    document = from_base64("document", deployment.document)
    signature = from_base64("signature", deployment.signature)
    return await _view(services, await services.deployments.accept(document, signature, accepted_by=principal.name))


@router.get("/in-force", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def list_in_force(services: ServicesDep) -> InForceList:
    """Who judges what now, for each line and product that a station works on."""
    return InForceList(items=in_force_now(services.deployments, services.inspections, now=services.clock.now()))


@router.get("/{deployment_id}", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def get_deployment(deployment_id: str, services: ServicesDep) -> DeploymentView:
    """One deployment; of a shadow or canary with what was compared and the evidence so far."""
    return await _view(services, services.deployments.find(deployment_id))


@router.get("/{deployment_id}/disagreements", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def list_disagreements(
    deployment_id: str,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=_MOST_DISAGREEMENTS)] = 50,
) -> DisagreementList:
    """The latest parts that two releases see differently, with the findings of both, newest first."""
    record = services.deployments.find(deployment_id)
    items = await services.ledger.read(
        lambda connection: comparisons.latest_disagreements(connection, record.id, limit=limit)
    )
    return DisagreementList(items=tuple(items))


@router.delete("/{deployment_id}")
async def delete_deployment(
    deployment_id: str,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_DEPLOYMENTS))],
    reason: Annotated[Prose, Query()],
) -> DeploymentView:
    """Take a deployment back: what was in force below it is in force again. Harmless when repeated."""
    try:
        record = await services.deployments.withdraw(deployment_id, by=principal.name, reason=reason)
    except DeploymentWithdrawn:
        record = services.deployments.find(deployment_id)
    return await _view(services, record)


async def _view(services: Services, record: DeploymentRecord) -> DeploymentView:
    is_compared = record.deployment.mode is not DeploymentMode.LIVE
    return view_of(
        record,
        services.deployments.book,
        now=services.clock.now(),
        unusable=services.deployments.unusable(record),
        comparison=await services.shadowing.comparison(record.id) if is_compared else None,
    )
