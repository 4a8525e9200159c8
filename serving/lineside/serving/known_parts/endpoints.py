"""GET and PUT of known parts."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.known_parts import store
from lineside.serving.known_parts.schemas import KnownPartIn, KnownPartList, KnownPartOut
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/known-parts", tags=["known parts"])

PartId = Annotated[Name, Path()]


@router.get("", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_known_parts(services: ServicesDep) -> KnownPartList:
    """Every part whose truth is known."""
    return KnownPartList(items=await services.ledger.read(partial(store.read_all, plant=services.settings.plant)))


@router.get("/{part_id}", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_known_part(part_id: PartId, services: ServicesDep) -> KnownPartOut:
    """What is known of a part."""
    return await services.ledger.read(partial(store.get, plant=services.settings.plant, part_id=part_id))


@router.put("/{part_id}")
async def put_known_part(
    part_id: PartId,
    known: KnownPartIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_KNOWN_PARTS))],
) -> KnownPartOut:
    """Say that a part is defective, or good, whatever the line says of it.

    Every inspection of it is a test of the detector then and belongs to no rate; those of the past too.
    """
    return await services.ledger.write(partial(store.put, part_id=part_id, given=known, recorded_by=principal.name))
