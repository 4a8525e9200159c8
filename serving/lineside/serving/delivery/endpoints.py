"""How sinks stand, what is parked, sending again and skipping; and the delivery process's own reports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.delivery.reconciliation import ReconciliationOut
from lineside.serving.delivery.schemas import (
    DecidedOut,
    DeliveryOut,
    OrdersOut,
    ParkedList,
    ParkedState,
    ReportIn,
    ResendIn,
    SinkIn,
    SkipIn,
)
from lineside.serving.delivery.settings import SinkName
from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Instant, Name
from lineside.serving.security import Action, Principal, allow

router = APIRouter(tags=["delivery"])

_Sink = Annotated[SinkName, Path(description="The sink's name in the delivery file.")]


@router.get("/v1/delivery", dependencies=[Depends(allow(Action.READ_DELIVERY))])
async def get_delivery(services: ServicesDep) -> DeliveryOut:
    """Every sink: what it can prove, how far it is, and what is wrong where nothing goes through."""
    return await services.delivery.overview()


@router.get("/v1/delivery/{sink}/parked", dependencies=[Depends(allow(Action.READ_DELIVERY))])
async def list_parked(
    sink: _Sink,
    services: ServicesDep,
    state: Annotated[ParkedState | None, Query(description="Only these; all without.")] = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ParkedList:
    """Events that the sink refused for good, or that people had sent again or skipped; oldest first."""
    return await services.delivery.parked(sink, state=state, after=after, limit=limit)


@router.post("/v1/delivery/{sink}/resend")
async def resend(
    sink: _Sink,
    wish: ResendIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.DECIDE_DELIVERY))],
) -> DecidedOut:
    """Send events again, with the same identifiers: some, all parked ones, or everything from a place on."""
    return await services.delivery.resend(sink, wish, by=principal.name)


@router.post("/v1/delivery/{sink}/skip")
async def skip(
    sink: _Sink,
    wish: SkipIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.DECIDE_DELIVERY))],
) -> DecidedOut:
    """Never deliver some parked or waiting events; who decided it and why is kept."""
    return await services.delivery.skip(sink, wish, by=principal.name)


@router.put("/v1/delivery/{sink}", dependencies=[Depends(allow(Action.REPORT_DELIVERY))])
async def enrol(sink: _Sink, described: SinkIn, services: ServicesDep) -> OrdersOut:
    """Where a sink goes on, or begins. For the delivery process."""
    return OrdersOut.of(await services.delivery.enrol(described.to_record(sink)))


@router.post("/v1/delivery/reports", dependencies=[Depends(allow(Action.REPORT_DELIVERY))])
async def report(report: ReportIn, services: ServicesDep) -> OrdersOut:
    """How a sink stands; the answer says what people want of it. For the delivery process."""
    return OrdersOut.of(await services.delivery.report(report.to_record()))


@router.get("/v1/reconciliation", dependencies=[Depends(allow(Action.READ_DELIVERY))])
async def get_reconciliation(
    services: ServicesDep,
    start: Annotated[Instant, Query(alias="from", description="First instant of the period.")],
    end: Annotated[Instant, Query(alias="to", description="First instant behind it.")],
    station: Annotated[Name | None, Query(description="Only this station.")] = None,
) -> ReconciliationOut:
    """Whether frames = verdicts = events = delivered in a period, in each sink's own word of proof; or the gaps."""
    return await services.delivery.reconciliation(start=start, end=end, station=station)
