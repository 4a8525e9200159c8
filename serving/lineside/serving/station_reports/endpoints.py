"""PUT and GET of a station's reports."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.security import Action, Principal, allow
from lineside.serving.station_reports.schemas import (
    ReportKind,
    StationReportIn,
    StationReportList,
    StationReportOut,
)

router = APIRouter(prefix="/v1/stations", tags=["stations"])

StationId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


@router.put("/{station_id}/reports/{report_id}")
async def put_report(
    station_id: StationId,
    report_id: UUID,
    report: StationReportIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.POST_INSPECTION))],
) -> StationReportOut:
    """Tell the plant of something that the station met; the same report again is recorded once.

    `bypass_on`, `master_missed` and `wrong_lane` hold the lot that the station works on.
    """
    principal.require_station(station_id)
    return await services.station_reports.take_in(str(report_id), station_id, report, recorded_by=principal.name)


@router.get("/{station_id}/reports")
async def list_reports(
    station_id: StationId,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.READ_STATIONS))],
    kind: ReportKind | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> StationReportList:
    """What a station reported, newest first."""
    principal.require_station(station_id)
    return StationReportList(items=tuple(await services.station_reports.newest(station_id, kind=kind, limit=limit)))
