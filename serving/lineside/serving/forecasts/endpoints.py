"""GET of forecasts."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.charts.schemas import BucketName, ChartScope
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import ChartRefused
from lineside.serving.fields import Instant, Name
from lineside.serving.forecasts.schemas import ForecastOut, ForecastSubject
from lineside.serving.forecasts.service import ForecastQuestion
from lineside.serving.security import Action, allow

router = APIRouter(prefix="/v1/forecasts", tags=["charts"])

_SPANS: Final = {
    ForecastSubject.RATE: timedelta(days=7),
    ForecastSubject.LAMP: timedelta(days=90),
    ForecastSubject.FOCUS: timedelta(days=90),
}
"""How far back a trend is looked for where nobody says from when."""


@router.get("/{subject}", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_forecast(
    subject: Annotated[ForecastSubject, Path()],
    services: ServicesDep,
    station: Annotated[Name | None, Query()] = None,
    line: Annotated[Name | None, Query()] = None,
    lot: Annotated[Name | None, Query()] = None,
    product: Annotated[Name | None, Query()] = None,
    class_name: Annotated[Name | None, Query()] = None,
    view: Annotated[Name, Query(description="Of which picture; for lamp and focus.")] = "default",
    limit: Annotated[
        float | None,
        Query(
            ge=0,
            le=1e9,
            allow_inf_nan=False,
            description="The level to be reached; for lamp and focus the recipe's by default.",
        ),
    ] = None,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="By default now.")] = None,
    by: Annotated[BucketName, Query(description="Windows of the rate.")] = "hour",
    confidence: Annotated[float, Query(gt=0.5, lt=1)] = 0.95,
) -> ForecastOut:
    """When the limit will be reached: by the confirmed defect rate, a lamp's light, or a lens's focus.

    The trend of lamp and focus begins anew at the last note of kind `lamp`, `lens` or `camera` at that station.
    """
    until = services.clock.now() if end is None else end
    since = until - _SPANS[subject] if start is None else start
    if since >= until:
        raise ChartRefused(f"the time from {since.isoformat()} to {until.isoformat()}; expected a later end")
    question = ForecastQuestion(
        scope=ChartScope(station=station, line=line, lot=lot, product=product, class_name=class_name),
        start=since,
        end=until,
        by=by,
        view=view,
        limit=limit,
        confidence=confidence,
    )
    return await services.forecasts.forecast(subject, question)
