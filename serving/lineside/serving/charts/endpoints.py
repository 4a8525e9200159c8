"""GET of control charts; what they leave out; frozen baselines."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.charts import baselines, exclusions
from lineside.serving.charts.computing import ChartChoices
from lineside.serving.charts.schemas import (
    BaselineIn,
    BaselineList,
    BaselineOut,
    BucketName,
    ChartChoice,
    ChartScope,
    ChartsOut,
    Counted,
    ExclusionIn,
    ExclusionList,
    ExclusionOut,
    RuleSetName,
)
from lineside.serving.charts.service import ChartQuestion
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import ChartRefused
from lineside.serving.fields import Instant, Name
from lineside.serving.notes.places import check_place
from lineside.serving.notes.schemas import Reason
from lineside.serving.security import Action, Principal, allow
from lineside.statistics.spc import ChartOptions

router = APIRouter(tags=["charts"])

_SPANS: Final = {
    "hour": timedelta(days=2),
    "shift": timedelta(days=14),
    "day": timedelta(days=60),
    "lot": timedelta(days=30),
    "parts": timedelta(days=7),
}
"""How far back a chart goes where nobody says from when: some 50 points."""

BaselineId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
WriterDep = Annotated[Principal, Depends(allow(Action.WRITE_CHARTS))]


async def chart_question(
    services: ServicesDep,
    station: Annotated[Name | None, Query()] = None,
    line: Annotated[Name | None, Query()] = None,
    lot: Annotated[Name | None, Query()] = None,
    product: Annotated[Name | None, Query()] = None,
    class_name: Annotated[Name | None, Query()] = None,
    start: Annotated[Instant | None, Query(alias="from", description="By default some 50 points before `to`.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="By default now.")] = None,
    by: Annotated[BucketName, Query(description="hour, shift, day, lot or parts:N, such as parts:500.")] = "hour",
    counted: Annotated[Counted, Query()] = Counted.PROCESS,
    baseline: Annotated[
        Name | None, Query(description="Hold the points against this frozen baseline (phase II); NAME or NAME@VERSION.")
    ] = None,
    rules: Annotated[RuleSetName, Query()] = "western-electric",
    weight: Annotated[float, Query(alias="lambda", gt=0, le=1, description="Of EWMA charts.")] = 0.1,
    events: Annotated[int, Query(ge=1, le=20, description="Of g-r charts: gaps of so many defective parts.")] = 4,
) -> ChartQuestion:
    """What is asked of a chart."""
    until = services.clock.now() if end is None else end
    since = until - _SPANS[by.partition(":")[0]] if start is None else start
    if since >= until:
        raise ChartRefused(
            f"the time starts at {since.isoformat()} and ends at {until.isoformat()}; expected a later end"
        )
    return ChartQuestion(
        scope=ChartScope(station=station, line=line, lot=lot, product=product, class_name=class_name),
        start=since,
        end=until,
        by=by,
        counted=counted,
        baseline=baseline,
        choices=ChartChoices(rules=rules, options=ChartOptions(weight=weight, order=events)),
    )


QuestionDep = Annotated[ChartQuestion, Depends(chart_question)]


@router.get("/v1/charts", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_default_charts(question: QuestionDep, services: ServicesDep) -> ChartsOut:
    """The charts to look at first: Laney's p' and EWMA (lambda 0.1) of confirmed defective parts."""
    return await services.charts.charts(ChartChoice.DEFAULT, question)


@router.get("/v1/charts/{kind}", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_charts(kind: Annotated[ChartChoice, Path()], question: QuestionDep, services: ServicesDep) -> ChartsOut:
    """A control chart of one kind, with limits, broken rules, what was left out and what happened meanwhile."""
    return await services.charts.charts(kind, question)


@router.post("/v1/chart-exclusions")
async def post_exclusion(exclusion: ExclusionIn, services: ServicesDep, principal: WriterDep) -> ExclusionOut:
    """Leave a time or a lot out of what charts estimate, and say why; its points stay visible."""
    check_place(services.stations, exclusion)
    return await services.ledger.write(
        lambda transaction: exclusions.record(transaction, exclusion, excluded_by=principal.name)
    )


@router.get("/v1/chart-exclusions", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_exclusions(services: ServicesDep) -> ExclusionList:
    """What charts leave out now, newest first."""
    found = await services.ledger.read(partial(exclusions.standing_exclusions, plant=services.settings.plant))
    return ExclusionList(items=tuple(found))


@router.delete("/v1/chart-exclusions/{exclusion_id}")
async def end_exclusion(
    exclusion_id: Annotated[Name, Path()],
    reason: Annotated[Reason, Query()],
    services: ServicesDep,
    principal: WriterDep,
) -> ExclusionOut:
    """Take in again what was left out; both stay in the ledger."""
    return await services.ledger.write(
        lambda transaction: exclusions.end(transaction, exclusion_id, reason=reason, ended_by=principal.name)
    )


@router.put("/v1/chart-baselines/{baseline_id}")
async def put_baseline(
    baseline_id: BaselineId, baseline: BaselineIn, services: ServicesDep, principal: WriterDep
) -> BaselineOut:
    """Freeze what a chart estimates from a time in control, as the next version of the baseline."""
    return await services.charts.freeze(baseline_id, baseline, created_by=principal.name)


@router.get("/v1/chart-baselines", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_baselines(services: ServicesDep) -> BaselineList:
    """The latest version of every baseline."""
    found = await services.ledger.read(partial(baselines.latest_baselines, plant=services.settings.plant))
    return BaselineList(items=tuple(found))


@router.get("/v1/chart-baselines/{baseline_id}", dependencies=[Depends(allow(Action.READ_RATES))])
async def get_baseline(baseline_id: BaselineId, services: ServicesDep) -> BaselineList:
    """Every version of a baseline, newest first."""
    found = await services.ledger.read(
        partial(baselines.versions_of, plant=services.settings.plant, baseline_id=baseline_id)
    )
    return BaselineList(items=tuple(found))
