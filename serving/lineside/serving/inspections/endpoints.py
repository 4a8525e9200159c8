"""POST /v1/inspections: the station's call."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.frames import MediaType
from lineside.serving.bodies import media_type_of, read_bounded
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import MediaTypeUnsupported
from lineside.serving.inspections.content_digest import CheckedBody, check_content_digest
from lineside.serving.inspections.schemas import InspectionOut, PendingOut, SubmissionIn
from lineside.serving.security import CSRF_HEADER, Action, Principal, allow

router = APIRouter(prefix="/v1/inspections", tags=["inspections"])

_HEADER_PREFIX = "lineside-"
_LONGEST_KEY = 255
_LARGE_BODY_BYTES = 1024 * 1024  # SHA-256 of more takes longer than a millisecond: not on the event loop


@router.post(
    "",
    responses={200: {"model": InspectionOut}, 202: {"model": PendingOut}},
    openapi_extra={
        "parameters": [
            {
                "in": "query",
                "name": name,
                "required": name in SubmissionIn.model_json_schema()["required"],
                "schema": schema,
            }
            for name, schema in SubmissionIn.model_json_schema(ref_template="#/components/schemas/{model}")[
                "properties"
            ].items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                media_type.value: {"schema": {"type": "string", "format": "binary"}} for media_type in MediaType
            },
        },
    },
)
async def post_inspection(
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.POST_INSPECTION))],
) -> Response:
    """Judge one frame of one attempt.

    The answer is the verdict (200) once all views of the recipe are there, else the list of those missing (202). The
    verdict is on disk before it is sent. What is said of the frame comes in the query or in `Lineside-*` headers.
    """
    said, media_type = _what_is_said(request)
    principal.require_station(said.station)
    station = services.stations.get(said.station)
    try:
        submission = said.to_submission(media_type, station_raw=station.raw_geometry)
    except ValueError as error:
        raise _invalid("width", str(error)) from error

    async def read_body() -> CheckedBody:
        body = await read_bounded(request, services.settings.max_body_bytes)
        check = partial(
            check_content_digest, body, request.headers.get("content-digest"), required=station.digest_required
        )
        return check() if len(body) < _LARGE_BODY_BYTES else await asyncio.to_thread(check)

    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise _invalid("Idempotency-Key", f"has {len(key)} characters; expected 1 to {_LONGEST_KEY}")
    answer = await services.inspections.submit(
        submission, read_body=read_body, idempotency=None if key is None else (principal.key_id, key)
    )
    headers = {"Lineside-Replayed": "true"} if answer.replayed else None
    return Response(
        canonical_json(answer.body), status_code=answer.status, media_type="application/json", headers=headers
    )


def _what_is_said(request: Request) -> tuple[SubmissionIn, MediaType]:
    """What the request says of the frame; the query and the headers may not contradict each other."""
    said: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in said:
            raise _invalid(name, "is given twice")
        said[name] = value
    for name, value in request.headers.items():
        if name.startswith(_HEADER_PREFIX) and name != CSRF_HEADER.lower():
            field = name.removeprefix(_HEADER_PREFIX).replace("-", "_")
            if said.setdefault(field, value) != value:
                raise _invalid(field, "says one thing in the query and another in its header")
    media_type = media_type_of(request)
    if media_type not in set(MediaType):
        raise MediaTypeUnsupported(
            f"Content-Type {media_type or 'missing'!r} is no frame; send one of "
            f"{', '.join(known.value for known in MediaType)}"
        )
    try:
        return SubmissionIn.model_validate(said), MediaType(media_type)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("query", field), "msg": message, "input": None}])
