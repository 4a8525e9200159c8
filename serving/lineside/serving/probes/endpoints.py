"""/healthz, /readyz, /metrics, and the description of the API."""

import asyncio
from typing import Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from lineside.inspection.errors import LinesideError
from lineside.serving.dependencies import ServicesDep
from lineside.serving.ledger import Ledger
from lineside.serving.probes.schemas import Alive, Readiness
from lineside.serving.security import Action, allow, public
from lineside.serving.shutdown import shutdown_of

router = APIRouter()

_log = structlog.get_logger(__name__)
_LEDGER_PATIENCE_S = 2.0  # a writer that takes longer for nothing than for hundreds of verdicts is stuck


@router.get("/healthz", tags=["probes"], dependencies=[Depends(public())])
async def get_health() -> Alive:
    """Whether the process answers; says nothing about its disk or models."""
    return Alive()


@router.get("/readyz", tags=["probes"], dependencies=[Depends(public())], responses={503: {"model": Readiness}})
async def get_readiness(request: Request, services: ServicesDep) -> JSONResponse:
    """Whether parts can be judged: the ledger takes writes, the releases in use are loaded, no end is near.

    The reasons name kinds only; anybody may ask.
    """
    reasons = []
    if shutdown_of(request.app).has_begun:
        reasons.append("shutting_down")
    if not await _takes_writes(services.ledger):
        reasons.append("ledger_not_writable")
    if services.inspections.unready_reason() is not None:
        reasons.append("release_not_loaded")
    readiness = Readiness(
        status="not_ready" if reasons else "ready",
        reasons=tuple(reasons),
        warnings=("unsigned_releases",) if services.settings.unsigned_releases else (),
    )
    headers = {"Retry-After": "1"} if reasons else None
    return JSONResponse(readiness.model_dump(), status_code=503 if reasons else 200, headers=headers)


@router.get("/metrics", tags=["probes"], dependencies=[Depends(allow(Action.READ_METRICS))])
async def get_metrics(services: ServicesDep) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    await services.delivery.show_metrics()
    exposition = services.metrics.exposition(
        queue_depth=services.inspections.admission.inside,
        ledger_sequence=services.ledger.last_sequence,
        expiry_s={
            (str(record.serial), record.deployment.release.name, record.deployment.mode.value): left_s
            for record, left_s in services.expiry.seconds_left().items()
        },
    )
    return Response(exposition, media_type=services.metrics.content_type)


@router.get("/openapi.json", include_in_schema=False, dependencies=[Depends(allow(Action.READ_API_DESCRIPTION))])
async def get_api_description(request: Request) -> dict[str, Any]:
    """This API in OpenAPI 3.1."""
    description: dict[str, Any] = request.app.openapi()
    return description


async def _takes_writes(ledger: Ledger) -> bool:
    """Whether an empty write gets through the writer's queue and transaction."""
    try:
        async with asyncio.timeout(_LEDGER_PATIENCE_S):
            await ledger.write(lambda _transaction: None)
    except (LinesideError, TimeoutError) as error:
        _log.warning("ledger_not_writable", reason=str(error) or "no answer in time")
        return False
    return True
