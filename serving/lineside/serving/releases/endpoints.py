"""GET of releases, PUT of a signed package."""

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import Row

from lineside.client import pack_release
from lineside.inspection.errors import LinesideError
from lineside.serving.bodies import media_type_of, store_bounded
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import MediaTypeUnsupported
from lineside.serving.releases import store
from lineside.serving.releases.schemas import ReleaseList, ReleaseSummary, UnusableRelease, UploadOut
from lineside.serving.releases.shelf import ReleaseRef
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/releases", tags=["releases"])

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_ZIP = "application/zip"


@router.get("", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def list_releases(services: ServicesDep) -> ReleaseList:
    """Every release that this server has, each verified anew; those that do not verify are named with the reason."""
    uploads = await services.ledger.read(store.all_uploads)
    refs: list[tuple[ReleaseRef, UploadOut | None]] = [(ReleaseRef(name), None) for name in services.releases.names()]
    refs += [(ReleaseRef(row.name, row.digest), _upload(row)) for row in uploads]
    items, unusable = [], []
    for ref, upload in refs:
        try:
            items.append(ReleaseSummary.of(await asyncio.to_thread(services.releases.read, ref), upload))
        except (LinesideError, OSError) as error:
            unusable.append(UnusableRelease(name=ref.name, digest=ref.digest, reason=str(error)))
    return ReleaseList(items=tuple(items), unusable=tuple(unusable))


@router.put(
    "/{digest}",
    openapi_extra={
        "requestBody": {"required": True, "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def put_release(
    digest: Sha256,
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_DEPLOYMENTS))],
) -> ReleaseSummary:
    """Store a signed package under the digest of its manifest; harmless when repeated.

    The body is a zip file of the release folder's content. It is verified before it is kept, and judges nothing until
    a deployment names it.
    """
    if media_type_of(request) != _ZIP:
        raise MediaTypeUnsupported(f"Content-Type {media_type_of(request) or 'missing'!r}; send {_ZIP}")
    with services.packages.incoming() as archive:
        await store_bounded(request, FilePath(archive), services.settings.max_release_bytes)
        release = await asyncio.to_thread(services.packages.take_in, archive, digest)
    size_bytes = await asyncio.to_thread(services.packages.size_bytes, digest)
    now = services.clock.now()
    row = await services.ledger.write(
        lambda transaction: store.add_upload(transaction, release, size_bytes=size_bytes, now=now, by=principal.name)
    )
    return ReleaseSummary.of(release, _upload(row))


@router.get(
    "/{digest}/package",
    response_class=Response,
    responses={200: {"content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
    dependencies=[Depends(allow(Action.DOWNLOAD_RELEASES))],
)
async def get_package(digest: Sha256, services: ServicesDep) -> Response:
    """A release's folder, packed as `PUT` takes it: the same release gives the same bytes."""
    folder = await asyncio.to_thread(services.releases.folder_of_digest, digest)
    package = await asyncio.to_thread(pack_release, folder)
    return Response(package.content, media_type=_ZIP, headers={"ETag": f'"{digest}"'})


def _upload(row: Row[Any]) -> UploadOut:
    return UploadOut(at=row.uploaded_at, by=row.uploaded_by, size_bytes=row.size_bytes)
