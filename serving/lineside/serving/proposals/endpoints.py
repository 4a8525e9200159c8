"""Making, listing and deciding on proposals."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import RoleRefused
from lineside.serving.fields import Name
from lineside.serving.proposals.schemas import (
    ApprovalIn,
    DismissalIn,
    ProposalDetail,
    ProposalIn,
    ProposalKind,
    ProposalList,
    ProposalOut,
    ProposalState,
)
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/proposals", tags=["proposals"])

ProposalId = Annotated[Name, Path()]

_NEEDED: Final[Mapping[ProposalKind, Action]] = MappingProxyType(
    {
        ProposalKind.HOLD: Action.HOLD_STATIONS,
        ProposalKind.ORDER: Action.WRITE_ORDERS,
        ProposalKind.THRESHOLD: Action.WRITE_RECIPES,
    }
)  # who approves a change must be allowed to make it himself


@router.post("")
async def post_proposal(
    proposal: Annotated[ProposalIn, Body()],
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_PROPOSALS))],
) -> ProposalOut:
    """Propose a change for a person to approve; the same one that is still open is given back as it is."""
    return await services.proposals.add(proposal, by=principal.name)


@router.get("", dependencies=[Depends(allow(Action.READ_PROPOSALS))])
async def list_proposals(
    services: ServicesDep,
    state: ProposalState | None = None,
    kind: ProposalKind | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ProposalList:
    """Proposals, newest first."""
    return ProposalList(items=tuple(await services.proposals.proposals(state=state, kind=kind, limit=limit)))


@router.get("/{proposal_id}", dependencies=[Depends(allow(Action.READ_PROPOSALS))])
async def get_proposal(proposal_id: ProposalId, services: ServicesDep) -> ProposalDetail:
    """One proposal and, of an open one that moves thresholds, the recipe that approving would add."""
    return await services.proposals.detail(proposal_id)


@router.post("/{proposal_id}/approve")
async def approve_proposal(
    proposal_id: ProposalId,
    approval: ApprovalIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.DECIDE_PROPOSALS))],
) -> ProposalOut:
    """Carry a proposal out; it needs the permission for the change itself too."""
    kind = (await services.proposals.get(proposal_id)).kind
    needed = _NEEDED.get(kind)
    if needed is not None and not principal.may(needed):
        raise RoleRefused(
            f"a key of role {principal.role.value!r} may not {needed.value}, so it may not approve a proposal of kind "
            f"{kind.value!r}: ask somebody whose key may"
        )
    return await services.proposals.approve(proposal_id, approval, by=principal.name)


@router.post("/{proposal_id}/dismiss")
async def dismiss_proposal(
    proposal_id: ProposalId,
    dismissal: DismissalIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.DECIDE_PROPOSALS))],
) -> ProposalOut:
    """Leave things as they are."""
    return await services.proposals.dismiss(proposal_id, note=dismissal.note, by=principal.name)
