"""GET of a part's and a lot's history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.genealogy.schemas import LotOut, PartOut
from lineside.serving.security import Action, allow

router = APIRouter(prefix="/v1", tags=["genealogy"], dependencies=[Depends(allow(Action.READ_INSPECTIONS))])


@router.get("/parts/{part_id:path}")
async def get_part(part_id: Annotated[Name, Path()], services: ServicesDep) -> PartOut:
    """Where a part has been: its attempts at every station, what it belongs to, what was said and done."""
    return await services.genealogy.part(part_id)


@router.get("/lots/{lot:path}")
async def get_lot(lot: Annotated[Name, Path()], services: ServicesDep) -> LotOut:
    """What a lot is made of: its parts by verdict, its defect rate, orders, stations and holds."""
    return await services.genealogy.lot(lot)
