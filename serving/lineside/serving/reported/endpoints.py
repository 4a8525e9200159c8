"""PUT /v1/inspections/{id}: what a station judged by itself while the server was away."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from lineside.inspection.canonical_json import canonical_json
from lineside.serving.bodies import arriving
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import BodyTooLarge, MediaTypeUnsupported
from lineside.serving.reported.schemas import RejudgementOut, ReportIn
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/inspections", tags=["inspections"])

_MOST_VIEWS = 32
_MOST_LARGE_VIEWS = 4
"""So many pictures of the largest size fit into one record: each may be as large as it may be alone."""
_LARGEST_RECORD_BYTES = 4 * 1024 * 1024  # some 15,000 defects: a fouled web has them, and its record must not be lost


@router.put(
    "/{inspection_id}",
    responses={201: {"model": RejudgementOut}},
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["record"],
                        "properties": {"record": {"type": "string", "description": "the station's record as JSON"}},
                        "additionalProperties": {"type": "string", "format": "binary"},
                    }
                }
            },
        }
    },
)
async def put_inspection(
    inspection_id: UUID,
    request: Request,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.POST_INSPECTION))],
) -> Response:
    """Hand in a station's own judgement with its frames; the server judges them again and keeps both.

    `multipart/form-data`: the part `record` is the station's record as JSON, each other part an image, named after its
    view. An image that the station no longer has may be left out. The identifier is the station's own UUID; sending it
    again gives the same answer.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MediaTypeUnsupported("expected multipart/form-data with a part `record` and one part for each image")
    claimed = request.headers.get("content-length", "")
    most_bytes = services.settings.max_body_bytes
    limit_bytes = _MOST_LARGE_VIEWS * most_bytes + _LARGEST_RECORD_BYTES
    if not claimed.isdigit() or int(claimed) > limit_bytes:
        raise BodyTooLarge(f"a record needs a Content-Length of at most {limit_bytes} bytes; got {claimed or 'none'}")
    with services.reported.room():
        record, bodies = await _read_form(request, most_bytes=most_bytes)
        try:
            report = ReportIn.model_validate_json(record)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error
        principal.require_station(report.station)
        services.stations.get(report.station)
        answer = await services.reported.take_in(str(inspection_id), report, bodies)
    headers = {"Lineside-Replayed": "true"} if answer.replayed else None
    return Response(
        canonical_json(answer.body), status_code=answer.status, media_type="application/json", headers=headers
    )


async def _read_form(request: Request, *, most_bytes: int) -> tuple[str, dict[str, bytes]]:
    """The record's JSON, and the images by view, none of more than `most_bytes`."""
    record, bodies = "", {}
    async with (
        arriving(),
        request.form(max_files=_MOST_VIEWS, max_fields=2, max_part_size=_LARGEST_RECORD_BYTES) as form,
    ):
        for name, part in form.multi_items():
            if isinstance(part, UploadFile):
                if part.size is None or part.size > most_bytes:
                    raise BodyTooLarge(f"the picture of view {name[:40]!r} has {part.size} bytes; at most {most_bytes}")
                bodies[name] = await part.read()
            elif name == "record":
                record = part
    return record, bodies
