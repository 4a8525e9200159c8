"""GET and PUT of recipes and reference images."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import Frame, MediaType
from lineside.serving.bodies import media_type_of, read_bounded, read_yaml_text
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import DigestMismatch, MediaTypeUnsupported, ReferenceRefused, UnknownReference
from lineside.serving.gates.store import find_report
from lineside.serving.images import ImageStore
from lineside.serving.recipes import store
from lineside.serving.recipes.schemas import (
    OverrideOut,
    RecipeList,
    RecipeSummary,
    RecipeVersionOut,
    ReferenceOut,
)
from lineside.serving.recipes.stored import StoredRecipe
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1", tags=["recipes"])

RecipeId = Annotated[str, Path(min_length=1, max_length=100)]
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_YAML_BODY = {"requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}}
_PICTURES = (MediaType.PNG, MediaType.BMP, MediaType.JPEG)
_PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind.value: {"schema": {"type": "string", "format": "binary"}} for kind in _PICTURES},
    }
}


@router.get("/recipes", dependencies=[Depends(allow(Action.READ_RECIPES))])
async def list_recipes(services: ServicesDep) -> RecipeList:
    """The latest version of every recipe."""
    return RecipeList(items=tuple(summary_of(each) for each in services.recipes.latest()))


@router.get("/recipes/{recipe_id}", dependencies=[Depends(allow(Action.READ_RECIPES))])
async def get_recipe(
    recipe_id: RecipeId, services: ServicesDep, version: Annotated[int | None, Query(ge=1)] = None
) -> RecipeVersionOut:
    """One version of a recipe; the latest if none is named."""
    return _out(services.recipes.get(recipe_id, version))


@router.put("/recipes/{recipe_id}", openapi_extra=_YAML_BODY)
async def put_recipe(
    recipe_id: RecipeId,
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_RECIPES))],
    override_name: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    override_reason: Annotated[str | None, Query(min_length=1, max_length=1000)] = None,
    gate_report: Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$")] = None,
) -> RecipeVersionOut:
    """Add the version that follows the last one.

    One that allows more needs the stored report of a gate that it passed, or a named override with a reason.
    """
    if (override_name is None) != (override_reason is None):
        message = "override_name and override_reason belong together: somebody answers for something"
        raise RequestValidationError(
            [{"type": "value_error", "loc": ("query", "override_name"), "msg": message, "input": None}]
        )
    override = None
    if override_name is not None and override_reason is not None:
        override = OverrideOut(name=override_name, reason=override_reason)
    text = await read_yaml_text(request)
    report = None if gate_report is None else await find_report(services.ledger, gate_report)
    return _out(
        await services.recipes.add(
            recipe_id,
            text,
            changed_by=principal.name,
            judged_by=services.deployments.judged_by,
            override=override,
            gate_report=report,
        )
    )


@router.put("/references/{digest}", openapi_extra=_PICTURE_BODY)
async def put_reference(
    digest: Sha256,
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_RECIPES))],
) -> ReferenceOut:
    """Store a reference image under the SHA-256 of its bytes; harmless when repeated."""
    media_type = media_type_of(request)
    if media_type not in {kind.value for kind in _PICTURES}:
        raise MediaTypeUnsupported(
            f"Content-Type {media_type or 'missing'!r}; send one of {', '.join(kind.value for kind in _PICTURES)}"
        )
    body = await read_bounded(request, services.settings.max_body_bytes)
    found = hashlib.sha256(body).hexdigest()
    if found != digest:
        raise DigestMismatch(f"the body's sha-256 is {found}, its address says {digest}: it changed on its way")
    limits = DecodingLimits(max_pixels=services.settings.max_pixels, max_bytes=services.settings.max_body_bytes)
    frame = await asyncio.to_thread(_decode, body, MediaType(media_type), limits)
    await asyncio.to_thread(_keep, services.images, body)
    now = services.clock.now()
    await services.ledger.write(
        lambda transaction: store.add_reference(
            transaction, digest, media_type=media_type, size_bytes=len(body), now=now, created_by=principal.name
        )
    )
    return ReferenceOut(digest=digest, media_type=media_type, size_bytes=len(body), size_wh_px=frame.size_wh_px)


@router.get("/references/{digest}", dependencies=[Depends(allow(Action.READ_IMAGES))])
async def get_reference(digest: Sha256, services: ServicesDep) -> Response:
    """A stored reference image."""
    row = await services.ledger.read(lambda connection: store.find_reference(connection, digest))
    if row is None:
        raise UnknownReference(f"no reference image {digest} is stored; upload it with PUT to this address")
    body = await asyncio.to_thread(services.images.read, digest)
    return Response(body, media_type=row.media_type, headers={"ETag": f'"{digest}"'})


def summary_of(stored: StoredRecipe) -> RecipeSummary:
    """A recipe version as JSON, without its text."""
    recipe = stored.recipe
    return RecipeSummary(
        id=recipe.id,
        version=recipe.version,
        product=recipe.product,
        release=recipe.release,
        catalogue_id=recipe.catalogue_id,
        catalogue_version=recipe.catalogue_version,
        views=tuple(recipe.views),
        digest=stored.digest,
        created_at=stored.created_at,
        created_by=stored.created_by,
        override=stored.override,
        gate_report=stored.gate_report,
    )


def _out(stored: StoredRecipe) -> RecipeVersionOut:
    return RecipeVersionOut(**summary_of(stored).model_dump(), text=stored.text)


def _decode(body: bytes, media_type: MediaType, limits: DecodingLimits) -> Frame:
    try:
        return decode(body, media_type, limits=limits)
    except FrameError as error:
        raise ReferenceRefused(f"the body is no usable reference image: {error}") from error


def _keep(images: ImageStore, body: bytes) -> None:
    images.keep(images.stage(body))
