"""The routes of one submodel and its elements, which are there twice: in the repository, and below its shell."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse, Response

from lineside.serving.dependencies import ServicesDep
from lineside.serving.twin.aas.errors import UnknownTwinObject
from lineside.serving.twin.aas.id_short_paths import LONGEST_PATH, IdShortPath
from lineside.serving.twin.aas.paging import LARGEST_PAGE, USUAL_PAGE, page_of
from lineside.serving.twin.aas.views import (
    Extent,
    Json,
    Level,
    at_level,
    children_of,
    element_paths,
    find_element,
    metadata_of,
    named_value_of,
    paths_in,
    reference_to,
    value_of,
)

LevelQuery: TypeAlias = Annotated[Level, Query(description="core: only what stands directly below.")]


async def any_extent(
    extent: Annotated[Extent, Query(description="No element of ours is a Blob: both give the same.")] = (
        Extent.WITHOUT_BLOB_VALUE
    ),
) -> Extent:
    """Takes what the API has and refuses what it has not."""
    return extent


ANY_EXTENT: Final = Depends(any_extent)


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is wanted."""

    limit: int | None
    cursor: str | None

    def of(self, items: Sequence[Any]) -> JSONResponse:
        """The page, as an answer.

        Raises:
            CursorUnreadable: this server gave out no such cursor.
        """
        return JSONResponse(page_of(items, limit=self.limit, cursor=self.cursor))


async def wanted_page(
    limit: Annotated[
        int | None,
        Query(ge=1, description=f"Items at most; {USUAL_PAGE} by default, never more than {LARGEST_PAGE}."),
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="paging_metadata.cursor of the page before.")
    ] = None,
) -> Page:
    """The page that a request asks for."""
    return Page(limit, cursor)


PageDep: TypeAlias = Annotated[Page, Depends(wanted_page)]


async def element_path(
    id_short_path: Annotated[
        str, Path(max_length=LONGEST_PATH, description="Such as Segments.HourlyPoints.Records.Record01.Rate.")
    ],
) -> IdShortPath:
    """Where the element of a request stands.

    Raises:
        TwinRequestUnfit: the path cannot be read.
    """
    return IdShortPath.parse(id_short_path)


PathDep: TypeAlias = Annotated[IdShortPath, Depends(element_path)]


def add_submodel_routes(router: APIRouter, prefix: str, found: Callable[..., Awaitable[Json]]) -> None:
    """Add the routes of one submodel.

    Args:
        router: to add to.
        prefix: path of the submodel, with its parameters.
        found: a dependency that finds the submodel of a request.
    """
    _add_whole(router, prefix, found)
    _add_lists(router, f"{prefix}/submodel-elements", found)
    _add_elements(router, f"{prefix}/submodel-elements/{{id_short_path}}", found)


def _add_whole(router: APIRouter, prefix: str, found: Callable[..., Awaitable[Json]]) -> None:
    @router.get(prefix, dependencies=[ANY_EXTENT])
    async def get_submodel(
        submodel: Annotated[Json, Depends(found)],
        level: LevelQuery = Level.DEEP,
    ) -> JSONResponse:
        """The submodel."""
        return JSONResponse(at_level(submodel, level))

    @router.get(f"{prefix}/$metadata")
    async def get_submodel_metadata(submodel: Annotated[Json, Depends(found)]) -> JSONResponse:
        """The submodel without its elements."""
        return JSONResponse(metadata_of(submodel))

    @router.get(f"{prefix}/$value", dependencies=[ANY_EXTENT])
    async def get_submodel_value(
        submodel: Annotated[Json, Depends(found)],
        level: LevelQuery = Level.DEEP,
    ) -> JSONResponse:
        """The values of the submodel's elements, by idShort."""
        return JSONResponse(value_of(submodel, level))

    @router.get(f"{prefix}/$reference")
    async def get_submodel_reference(submodel: Annotated[Json, Depends(found)]) -> JSONResponse:
        """A reference to the submodel."""
        return JSONResponse(reference_to(submodel))

    @router.get(f"{prefix}/$path")
    async def get_submodel_paths(
        submodel: Annotated[Json, Depends(found)], level: LevelQuery = Level.DEEP
    ) -> JSONResponse:
        """The paths of the submodel's elements."""
        return JSONResponse(paths_in(submodel, level))


def _add_lists(router: APIRouter, prefix: str, found: Callable[..., Awaitable[Json]]) -> None:
    @router.get(prefix, dependencies=[ANY_EXTENT])
    async def list_elements(
        submodel: Annotated[Json, Depends(found)],
        page: PageDep,
        level: LevelQuery = Level.DEEP,
    ) -> JSONResponse:
        """The elements directly below the submodel."""
        return page.of([at_level(element, level) for element in children_of(submodel)])

    @router.get(f"{prefix}/$metadata")
    async def list_element_metadata(submodel: Annotated[Json, Depends(found)], page: PageDep) -> JSONResponse:
        """The same without values."""
        return page.of([metadata_of(element) for element in children_of(submodel)])

    @router.get(f"{prefix}/$value", dependencies=[ANY_EXTENT])
    async def list_element_values(
        submodel: Annotated[Json, Depends(found)],
        page: PageDep,
        level: LevelQuery = Level.DEEP,
    ) -> JSONResponse:
        """The values alone, each in an object with the idShort as its key."""
        return page.of([{element["idShort"]: value_of(element, level)} for element in children_of(submodel)])

    @router.get(f"{prefix}/$reference")
    async def list_element_references(submodel: Annotated[Json, Depends(found)], page: PageDep) -> JSONResponse:
        """References to the elements."""
        elements = children_of(submodel)
        return page.of([reference_to(submodel, IdShortPath((element["idShort"],))) for element in elements])

    @router.get(f"{prefix}/$path")
    async def list_element_paths(
        submodel: Annotated[Json, Depends(found)], page: PageDep, level: LevelQuery = Level.DEEP
    ) -> JSONResponse:
        """The paths of all elements."""
        return page.of(paths_in(submodel, level))


def _add_elements(router: APIRouter, prefix: str, found: Callable[..., Awaitable[Json]]) -> None:
    @router.get(prefix, dependencies=[ANY_EXTENT])
    async def get_element(
        submodel: Annotated[Json, Depends(found)],
        path: PathDep,
        level: LevelQuery = Level.DEEP,
    ) -> JSONResponse:
        """An element."""
        return JSONResponse(at_level(find_element(submodel, path), level))

    @router.get(f"{prefix}/$metadata")
    async def get_element_metadata(submodel: Annotated[Json, Depends(found)], path: PathDep) -> JSONResponse:
        """An element without its value."""
        return JSONResponse(metadata_of(find_element(submodel, path)))

    @router.get(f"{prefix}/$value", dependencies=[ANY_EXTENT])
    async def get_element_value(
        submodel: Annotated[Json, Depends(found)],
        path: PathDep,
        level: LevelQuery = Level.DEEP,
    ) -> JSONResponse:
        """An element's value; of a plain property in an object with the idShort as its key."""
        return JSONResponse(named_value_of(find_element(submodel, path), level))

    @router.get(f"{prefix}/$reference")
    async def get_element_reference(submodel: Annotated[Json, Depends(found)], path: PathDep) -> JSONResponse:
        """A reference to an element."""
        return JSONResponse(reference_to(submodel, path))

    @router.get(f"{prefix}/$path")
    async def get_element_paths(
        submodel: Annotated[Json, Depends(found)], path: PathDep, level: LevelQuery = Level.DEEP
    ) -> JSONResponse:
        """The paths of an element and of those below it; of collections and lists alone."""
        return JSONResponse(element_paths(find_element(submodel, path), path, level))

    @router.get(f"{prefix}/attachment")
    async def get_attachment(
        services: ServicesDep, submodel: Annotated[Json, Depends(found)], path: PathDep
    ) -> Response:
        """The content of a File element.

        Raises:
            UnknownTwinObject: the element is no file.
        """
        element = find_element(submodel, path)
        attachments = (await services.twin.state()).attachments
        attachment = attachments.get(element.get("value", "")) if element["modelType"] == "File" else None
        if attachment is None:
            raise UnknownTwinObject(f"{path} is a {element['modelType']} without an attachment")
        return Response(attachment.content, media_type=attachment.content_type)
