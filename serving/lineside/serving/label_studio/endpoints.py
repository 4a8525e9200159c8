"""The protocol that Label Studio speaks with an ML backend, and its webhook."""

from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.datasets.labelling.config import TASK_UUID
from lineside.serving.bodies import read_bounded
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import Unacceptable
from lineside.serving.label_studio.password import allow_password
from lineside.serving.label_studio.schemas import (
    MOST_TASKS,
    AskedTask,
    HealthOut,
    PredictIn,
    PredictOut,
    SetupOut,
    VersionsOut,
)
from lineside.serving.labelling.project_schemas import BIGGEST_NUMBER
from lineside.serving.security import Action, allow

_MOST_BYTES = 16 * 1024 * 1024
"""Of a request. A thousand tasks with their annotations are some megabytes."""

Body = TypeVar("Body", bound=BaseModel)


def _body(description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """A body that is read by hand, for the API's description: never more of it than the limit."""
    schema = {"type": "object", "required": list(required), "properties": properties, "description": description}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_ASKED = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "object", "properties": {TASK_UUID: {"type": "string", "format": "uuid"}}}},
}
_TASKS_BODY = _body(
    "What Label Studio sends; more than this is not looked at.",
    {"tasks": {"type": "array", "maxItems": MOST_TASKS, "items": _ASKED}},
    "tasks",
)
_EVENT_BODY = _body(
    "What Label Studio sends; without a payload the address says the project.",
    {
        "action": {"type": "string", "maxLength": 200},
        "project": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
    },
    "action",
)

router = APIRouter(prefix="/label-studio", tags=["label-studio"])

_by_password = Depends(allow_password(Action.SERVE_LABEL_STUDIO))


@router.get("/health", dependencies=[_by_password])
async def health() -> HealthOut:
    """That the server is there."""
    return HealthOut()


@router.post("/setup", dependencies=[_by_password])
async def setup(services: ServicesDep) -> SetupOut:
    """Which model suggestions would come from; loads none and keeps nothing of what is sent.

    Label Studio asks this whenever somebody looks at its settings. What it sends holds a token of the project's
    creator, so the body is not even read.
    """
    return SetupOut(model_version=services.live_models.version())


@router.get("/versions", dependencies=[_by_password])
async def versions(services: ServicesDep) -> VersionsOut:
    """The live releases."""
    return VersionsOut(versions=list(services.live_models.versions()))


@router.post("/predict", dependencies=[_by_password], openapi_extra=_TASKS_BODY)
async def predict(request: Request, services: ServicesDep) -> PredictOut:
    """The live model's boxes on the pictures that we sent: one entry for each task, in the order asked."""
    asked = _parsed(PredictIn, await read_bounded(request, _MOST_BYTES))
    return PredictOut(results=await services.suggestions.suggest([_our_id(task) for task in asked.tasks]))


class _HintedProject(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[int, Field(ge=0, le=BIGGEST_NUMBER)]


class _WebhookIn(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    action: Annotated[str, Field(max_length=200)]
    project: _HintedProject | None = None


ProjectNumber = Annotated[
    int, Query(ge=0, le=BIGGEST_NUMBER, description="Label Studio's number of the project that it is about.")
]


@router.post(
    "/webhook",
    status_code=204,
    dependencies=[Depends(allow(Action.SERVE_LABEL_STUDIO))],
    openapi_extra=_EVENT_BODY,
)
async def webhook(request: Request, services: ServicesDep, project: ProjectNumber | None = None) -> Response:
    """Somebody labelled something: a hint to pull soon, whatever it says. Nothing else follows from it.

    Its key comes as `Authorization: Bearer`, which Label Studio sends as one of the webhook's own headers. The project
    is said in the address, so that the webhook needs no payload; else in the payload, which holds a token of the
    project: only the number is read of it, and nothing is logged.
    """
    said = _parsed(_WebhookIn, await read_bounded(request, _MOST_BYTES))
    if project is None and said.project is not None:
        project = said.project.id
    if project is not None:
        services.label_hints.offer(project)
    return Response(status_code=204)


def _parsed(shape: type[Body], body: bytes) -> Body:
    """The body as a record; what is wrong with it is said by place alone, since it may hold secrets."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors()[:5]
        )
        raise Unacceptable(f"the body is not what Label Studio 1.23 sends: {places}") from None


def _our_id(task: AskedTask) -> str | None:
    try:
        return str(UUID(str(task.data.get(TASK_UUID))))
    except ValueError:
        return None
