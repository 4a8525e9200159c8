"""Starting, listing and aborting jobs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name
from lineside.serving.holds.schemas import ReasonIn
from lineside.serving.idempotency import RequestKeyDep
from lineside.serving.jobs.schemas import JobIn, JobList, JobOut, JobState
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1", tags=["jobs"])

StationId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
JobId = Annotated[Name, Path()]


@router.post("/stations/{station_id}/jobs")
async def start_job(
    station_id: StationId,
    job: JobIn,
    services: ServicesDep,
    key: RequestKeyDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_JOBS))],
) -> JobOut:
    """Have a part judged once; its inspection ends the job, and `job.v1` says so."""
    return await services.jobs.start(station_id, job, principal=principal, key=key)


@router.get("/stations/{station_id}/jobs")
async def list_jobs(
    station_id: StationId,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_STATIONS))],
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JobList:
    """A station's jobs, newest first."""
    principal.require_station(station_id)
    return JobList(items=tuple(await services.jobs.jobs(station_id, state=state, limit=limit)))


@router.get("/jobs/{job_id}")
async def get_job(
    job_id: JobId,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_STATIONS))],
) -> JobOut:
    """One job and what became of it."""
    job = await services.jobs.get(job_id)
    principal.require_station(job.station)
    return job


@router.post("/jobs/{job_id}/abort")
async def abort_job(
    job_id: JobId,
    abort: ReasonIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_JOBS))],
) -> JobOut:
    """End a job without a result; a part that is being judged is judged all the same."""
    return await services.jobs.abort(job_id, reason=abort.reason, by=principal.name)
