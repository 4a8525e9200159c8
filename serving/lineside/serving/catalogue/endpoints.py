"""GET and PUT of defect catalogues."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from lineside.serving.bodies import read_yaml_text
from lineside.serving.catalogue.schemas import CatalogueList, CatalogueOut, CatalogueSummary
from lineside.serving.catalogue.service import StoredCatalogue
from lineside.serving.dependencies import ServicesDep
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/catalogues", tags=["catalogues"])

CatalogueId = Annotated[str, Path(min_length=1, max_length=100)]
_YAML_BODY = {"requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}}


@router.get("", dependencies=[Depends(allow(Action.READ_CATALOGUES))])
async def list_catalogues(services: ServicesDep) -> CatalogueList:
    """The latest version of every defect catalogue."""
    return CatalogueList(items=tuple(_summary(each) for each in services.catalogues.latest()))


@router.get("/{catalogue_id}", dependencies=[Depends(allow(Action.READ_CATALOGUES))])
async def get_catalogue(
    catalogue_id: CatalogueId,
    services: ServicesDep,
    version: Annotated[int | None, Query(ge=1)] = None,
) -> CatalogueOut:
    """One version of a defect catalogue; the latest if none is named."""
    return _out(services.catalogues.get(catalogue_id, version))


@router.put("/{catalogue_id}", openapi_extra=_YAML_BODY)
async def put_catalogue(
    catalogue_id: CatalogueId,
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_CATALOGUES))],
) -> CatalogueOut:
    """Add the version that follows the last one; versions are never edited in place."""
    text = await read_yaml_text(request)
    return _out(await services.catalogues.add(catalogue_id, text, changed_by=principal.name))


def _summary(stored: StoredCatalogue) -> CatalogueSummary:
    return CatalogueSummary(
        id=stored.catalogue.id,
        version=stored.catalogue.version,
        digest=stored.digest,
        created_at=stored.created_at,
        created_by=stored.created_by,
    )


def _out(stored: StoredCatalogue) -> CatalogueOut:
    return CatalogueOut.of(_summary(stored), stored.catalogue, stored.text)
