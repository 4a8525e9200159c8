"""GET of rates, GET and PUT of the calendar that their windows come from."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from lineside.serving.certificates import ThresholdStatus
from lineside.serving.certificates.standing import standing_now
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import RateQuestionUnfit
from lineside.serving.fields import Instant, Name
from lineside.serving.rates.answers import RateQuestion
from lineside.serving.rates.calendar_book import StoredCalendar
from lineside.serving.rates.comparison import compare
from lineside.serving.rates.priors import RecallBelief
from lineside.serving.rates.schemas import CalendarIn, CalendarOut, RateComparisonOut, RatesOut
from lineside.serving.rates.service import Bucket, By
from lineside.serving.rates.windows import RateFilter
from lineside.serving.security import Action, Principal, allow
from lineside.serving.services import Services

router = APIRouter(prefix="/v1", tags=["rates"])

Digest = Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")]


async def rate_filter(
    services: ServicesDep,
    start: Annotated[Instant | None, Query(alias="from", description="Default: the present production day.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Default: now.")] = None,
    station: Annotated[Name | None, Query()] = None,
    line: Annotated[Name | None, Query()] = None,
    lot: Annotated[Name | None, Query()] = None,
    product: Annotated[Name | None, Query()] = None,
    class_name: Annotated[Name | None, Query(description="The rate of parts with a defect of this class.")] = None,
    release_digest: Annotated[Digest | None, Query()] = None,
    shift: Annotated[Name | None, Query()] = None,
    simulated: Annotated[bool | None, Query(description="Default: as the server is set.")] = None,
) -> RateFilter:
    """The parts that a request asks about, from its query.

    Raises:
        RateQuestionUnfit: the span is empty.
    """
    until = end or services.clock.now()
    since = start
    if since is None:
        calendar = services.calendar.calendar()
        since = calendar.day_window(calendar.production_day(until)).start
        if since == until:
            raise RateQuestionUnfit("the production day begins just now: nothing can have come; give `from`")
    return RateFilter(
        start=since,
        end=until,
        station=station,
        line=line,
        lot=lot,
        product=product,
        class_name=class_name,
        release_digest=release_digest,
        shift=shift,
        is_simulated=services.settings.is_simulated if simulated is None else simulated,
    )


RateFilterDep = Annotated[RateFilter, Depends(rate_filter)]


@router.get("/rates", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_rates(
    services: ServicesDep,
    wanted: RateFilterDep,
    by: Annotated[By | None, Query(description="What to tell apart.")] = None,
    bucket: Annotated[
        str | None, Query(max_length=20, description="hour, shift, day, lot or parts:N: a series of windows.")
    ] = None,
    confidence: Annotated[float, Query(ge=0.5, le=0.999)] = 0.95,
    recall: Annotated[
        RecallBelief, Query(description="vague: leave the golden set out, where nothing watches the recall.")
    ] = RecallBelief.GOLDEN,
) -> RatesOut:
    """Defect rates with their intervals, and beside them what they rest on.

    A part counts once, at its first judged attempt. The rate takes in what people confirmed and what the audit of
    passed parts found; `detector_rate` is the raw share of NG parts and no defect rate.
    """
    question = RateQuestion(
        wanted, by=by, bucket=None if bucket is None else Bucket.parse(bucket), confidence=confidence, recall=recall
    )
    answer = await services.rate_answers.answer(question)
    return answer.model_copy(update={"threshold_status": _threshold_status(services, wanted)})


@router.get("/rates/comparison", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_comparison(
    services: ServicesDep,
    wanted: RateFilterDep,
    by: Annotated[Literal["station", "line"], Query(description="What to compare.")] = "station",
    confidence: Annotated[float, Query(ge=0.5, le=0.999)] = 0.95,
) -> RateComparisonOut:
    """Stations or lines held against each other, product by product, with how sure their ranks are."""
    return await compare(services.rates, services.rate_answers, wanted, by=By(by), confidence=confidence)


@router.delete("/rates/cells", dependencies=[Depends(allow(Action.REBUILD_RATES))], status_code=204)
async def delete_rate_cells(services: ServicesDep) -> Response:
    """Give up the cells that rates are added up from: they are counted anew from the inspections.

    It is never needed while all goes well: the cells follow the log, and a new version of the program counts anew by
    itself. Rates say `rebuilding` until it is done.
    """
    await services.rate_projector.request_rebuild()
    return Response(status_code=204)


@router.get("/calendar", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_calendar(services: ServicesDep) -> CalendarOut:
    """The plant's calendar in force."""
    return _out(services.calendar.stored)


@router.put("/calendar")
async def put_calendar(
    calendar: CalendarIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_CALENDAR))],
) -> CalendarOut:
    """Say when production days and shifts begin; windows of the past begin and end otherwise, too."""
    return _out(await services.calendar.put(calendar, changed_by=principal.name))


def _threshold_status(services: Services, wanted: RateFilter) -> ThresholdStatus:
    """What the rates' thresholds rest on now, on the asked line, or that of the asked station."""
    line = wanted.line
    if line is None and wanted.station is not None:
        line = next((station.line for station in services.stations.all() if station.id == wanted.station), None)
    return standing_now(
        services.deployments, services.releases, services.certificates.book, now=services.clock.now(), line=line
    ).threshold_status


def _out(stored: StoredCalendar) -> CalendarOut:
    return CalendarOut(
        **CalendarIn.of(stored.calendar).model_dump(),
        version=stored.version,
        created_at=stored.created_at,
        created_by=stored.created_by,
    )
