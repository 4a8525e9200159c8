"""GET of a station's kit and of the files that it names."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from lineside.client import pack_release
from lineside.inspection.stored_references import media_type_by_magic
from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.security import Action, Principal, allow
from lineside.serving.station_kits.schemas import KitOut

router = APIRouter(prefix="/v1/stations", tags=["stations"])

StationId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_ZIP = "application/zip"


@router.get("/{station_id}/kit")
async def get_kit(
    station_id: StationId,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_KIT))],
    part_id: Name | None = None,
    encoder: Annotated[int | None, Query(ge=-(2**63), le=2**63 - 1)] = None,
) -> KitOut:
    """What judges the station's next part: context, recipe, signed deployment, release, references."""
    principal.require_station(station_id)
    return services.station_kits.kit(station_id, part_id=part_id, encoder=encoder)


@router.get(
    "/{station_id}/kit/releases/{digest}",
    response_class=Response,
    responses={200: {"content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_kit_release(
    station_id: StationId,
    digest: Sha256,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_KIT))],
) -> Response:
    """The release that the station's kit names, as a zip file of its folder."""
    principal.require_station(station_id)
    services.station_kits.check_release(station_id, digest)
    folder = await asyncio.to_thread(services.releases.folder_of_digest, digest)
    package = await asyncio.to_thread(pack_release, folder)
    return Response(package.content, media_type=_ZIP, headers={"ETag": f'"{digest}"'})


@router.get("/{station_id}/kit/references/{digest}", response_class=Response)
async def get_kit_reference(
    station_id: StationId,
    digest: Sha256,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_KIT))],
) -> Response:
    """A reference image that the station's kit names."""
    principal.require_station(station_id)
    services.station_kits.check_reference(station_id, digest)
    body = await asyncio.to_thread(services.images.read, digest)
    return Response(body, media_type=media_type_by_magic(body).value, headers={"ETag": f'"{digest}"'})
