"""`/aas`: the lines' shells over the AAS API, version 3.0, read profiles (IDTA 01002-3-0, SSP-002).

Shells and submodels each have a repository; below a shell its submodels are there once more. Nothing can be written:
the ledger is where the twin comes from. Errors are Result objects, see `results`.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import JSONResponse, Response

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.security import Action, allow
from lineside.serving.twin.aas.encoded import LONGEST_ENCODED, AssetIdFilter, decode, meant_by
from lineside.serving.twin.aas.errors import UnknownTwinObject
from lineside.serving.twin.aas.media_types import AASX_MEDIA_TYPE, chosen_media_type
from lineside.serving.twin.aas.results import AAS_PREFIX
from lineside.serving.twin.aas.state_queries import (
    select,
    shell_at,
    shells_like,
    submodel_at,
    submodel_of,
    submodels_like,
)
from lineside.serving.twin.aas.submodel_endpoints import (
    ANY_EXTENT,
    LevelQuery,
    PageDep,
    add_submodel_routes,
)
from lineside.serving.twin.aas.views import (
    Json,
    Level,
    at_level,
    metadata_of,
    paths_in,
    reference_to,
    reference_to_shell,
    value_of,
)

PROFILES: Final = tuple(
    f"https://admin-shell.io/aas/API/3/0/{service}ServiceSpecification/SSP-002"
    for service in ("AssetAdministrationShellRepository", "SubmodelRepository")
)
"""What is served: the read profiles of both repositories."""

_MOST_IDS: Final = 100

Encoded: TypeAlias = Annotated[str, Path(max_length=LONGEST_ENCODED, description="The identifier in base64url.")]
EncodedText: TypeAlias = Annotated[str, Query(max_length=LONGEST_ENCODED)]
EncodedTexts: TypeAlias = Annotated[list[EncodedText], Query(max_length=_MOST_IDS)]

router = APIRouter(prefix=AAS_PREFIX, tags=["twin"], dependencies=[Depends(allow(Action.READ_TWIN))])


@router.get("/description")
async def get_description() -> JSONResponse:
    """The profiles that are served."""
    return JSONResponse({"profiles": list(PROFILES)})


@router.get("/serialization")
async def get_serialization(
    services: ServicesDep,
    aas_ids: Annotated[EncodedTexts, Query(alias="aasIds", description="Shells, in base64url; all by default.")] = [],  # noqa: B006 - FastAPI copies it
    submodel_ids: Annotated[
        EncodedTexts, Query(alias="submodelIds", description="Submodels, likewise; those of the shells by default.")
    ] = [],  # noqa: B006
    with_concepts: Annotated[bool, Query(alias="includeConceptDescriptions")] = True,  # noqa: FBT002 - a query's flag
    accept: Annotated[str | None, Header(description=f"{AASX_MEDIA_TYPE} for a package; else JSON.")] = None,
) -> Response:
    """Shells and submodels as one file: an environment in JSON, or an AASX package."""
    form = chosen_media_type(accept)
    state = await services.twin.state()
    chosen = select(state, shells=aas_ids, submodels=submodel_ids, with_concepts=with_concepts)
    from lineside.serving.twin.aas.packages import environment_aasx, environment_json

    if form == AASX_MEDIA_TYPE:
        package = await asyncio.to_thread(environment_aasx, state, chosen)
        return Response(package, media_type=AASX_MEDIA_TYPE)
    return JSONResponse(environment_json(chosen))


async def _wanted_shells(
    services: ServicesDep,
    id_short: Annotated[Name | None, Query(alias="idShort")] = None,
    asset_ids: Annotated[
        EncodedTexts, Query(alias="assetIds", description='base64url of {"name": ..., "value": ...}.')
    ] = [],  # noqa: B006
) -> Sequence[Json]:
    filters = [AssetIdFilter.parse(each) for each in asset_ids]
    return shells_like(await services.twin.state(), id_short=id_short, asset_ids=filters)


ShellsDep: TypeAlias = Annotated[Sequence[Json], Depends(_wanted_shells)]


@router.get("/shells")
async def list_shells(shells: ShellsDep, page: PageDep) -> JSONResponse:
    """The lines' shells."""
    return page.of(shells)


@router.get("/shells/$reference")
async def list_shell_references(shells: ShellsDep, page: PageDep) -> JSONResponse:
    """References to the lines' shells."""
    return page.of([reference_to_shell(shell) for shell in shells])


async def _shell(services: ServicesDep, shell_id: Encoded) -> Json:
    return shell_at(await services.twin.state(), shell_id)


ShellDep: TypeAlias = Annotated[Json, Depends(_shell)]


@router.get("/shells/{shell_id}")
async def get_shell(shell: ShellDep) -> JSONResponse:
    """One line's shell."""
    return JSONResponse(shell)


@router.get("/shells/{shell_id}/$reference")
async def get_shell_reference(shell: ShellDep) -> JSONResponse:
    """A reference to a line's shell."""
    return JSONResponse(reference_to_shell(shell))


@router.get("/shells/{shell_id}/asset-information")
async def get_asset_information(shell: ShellDep) -> JSONResponse:
    """What asset a shell is of."""
    return JSONResponse(shell["assetInformation"])


@router.get("/shells/{shell_id}/asset-information/thumbnail")
async def get_thumbnail(shell: ShellDep) -> Response:
    """A picture of the line.

    Raises:
        UnknownTwinObject: always, a plant gives none.
    """
    raise UnknownTwinObject(f"shell {shell['idShort']!r} has no thumbnail")


@router.get("/shells/{shell_id}/submodel-refs")
async def list_submodel_references(shell: ShellDep, page: PageDep) -> JSONResponse:
    """References to a shell's submodels."""
    return page.of(shell["submodels"])


async def _wanted_submodels(
    services: ServicesDep,
    id_short: Annotated[Name | None, Query(alias="idShort")] = None,
    semantic_id: Annotated[
        EncodedText | None, Query(alias="semanticId", description="base64url of the identifier, or of a Reference.")
    ] = None,
) -> Sequence[Json]:
    wanted = None if semantic_id is None else meant_by(decode(semantic_id, what="semantic id"))
    return submodels_like(await services.twin.state(), id_short=id_short, semantic_id=wanted)


SubmodelsDep: TypeAlias = Annotated[Sequence[Json], Depends(_wanted_submodels)]


@router.get("/submodels", dependencies=[ANY_EXTENT])
async def list_submodels(
    submodels: SubmodelsDep,
    page: PageDep,
    level: LevelQuery = Level.DEEP,
) -> JSONResponse:
    """Every submodel."""
    return page.of([at_level(submodel, level) for submodel in submodels])


@router.get("/submodels/$metadata")
async def list_submodel_metadata(submodels: SubmodelsDep, page: PageDep) -> JSONResponse:
    """Every submodel without its elements."""
    return page.of([metadata_of(submodel) for submodel in submodels])


@router.get("/submodels/$value", dependencies=[ANY_EXTENT])
async def list_submodel_values(
    submodels: SubmodelsDep,
    page: PageDep,
    level: LevelQuery = Level.DEEP,
) -> JSONResponse:
    """Every submodel's values."""
    return page.of([value_of(submodel, level) for submodel in submodels])


@router.get("/submodels/$reference")
async def list_references(submodels: SubmodelsDep, page: PageDep) -> JSONResponse:
    """References to every submodel."""
    return page.of([reference_to(submodel) for submodel in submodels])


@router.get("/submodels/$path")
async def list_paths(submodels: SubmodelsDep, page: PageDep, level: LevelQuery = Level.DEEP) -> JSONResponse:
    """The paths of every submodel's elements, one submodel after the other."""
    return page.of([path for submodel in submodels for path in paths_in(submodel, level)])


async def _submodel(services: ServicesDep, submodel_id: Encoded) -> Json:
    return submodel_at(await services.twin.state(), submodel_id)


async def _submodel_of_shell(services: ServicesDep, shell: ShellDep, submodel_id: Encoded) -> Json:
    return submodel_of(await services.twin.state(), shell, submodel_id)


add_submodel_routes(router, "/submodels/{submodel_id}", _submodel)
add_submodel_routes(router, "/shells/{shell_id}/submodels/{submodel_id}", _submodel_of_shell)
