"""The demonstration: start everything, run the line at its pace, review, close, sum up."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from lineside.client import InspectionAnswer, LinesideClient, TryAgainLater
from lineside.inspection.frames import MediaType
from lineside.serving.clock import Clock, SystemClock
from lineside.serving.settings import Settings
from lineside.workflows.demo.plan import BOARDS_PER_PANEL, PANELS_PER_LOT, DemoPlan
from lineside.workflows.demo.reviewing import ScriptedReviewer
from lineside.workflows.demo.run_rate import ask_run_rate
from lineside.workflows.demo.server_child import server_child
from lineside.workflows.demo.site import STATION, DemoKeys, DemoSite, demo_keys, enrol, order_lot
from lineside.workflows.demo.tally import DemoSummary, Tally
from lineside.workflows.demo.view import LineView
from lineside.workflows.demo.virtual_line import VirtualPart, virtual_parts

_ENROL_S = 180.0  # the first start measures the engines before the station can work
_ANSWER_S = 20.0  # a station would wait less; the recipe's deadline is 3 s


async def run_demo(plan: DemoPlan, *, view: LineView, stop: asyncio.Event, clock: Clock | None = None) -> DemoSummary:
    """Run the line until its parts are made or `stop` is set; parts under way are finished either way.

    Args:
        plan: what to do.
        view: told of everything.
        stop: set it to end in good order.
        clock: where time comes from.

    Raises:
        ServerFailed: the server did not start.
        ClientError: enrolling was refused.
    """
    used_clock = clock or SystemClock()
    settings = Settings(data_dir=plan.data_dir, database_url=None)
    run_id = f"D{used_clock.now():%y%m%d%H%M%S}"
    async with AsyncExitStack() as stack:
        view.stage("server")
        plan.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        server = await stack.enter_async_context(server_child(plan))
        keys = stack.enter_context(demo_keys(settings, used_clock))
        clients = await stack.enter_async_context(_clients(server.url, keys))
        view.stage("enrol")
        await enrol(clients.admin, audit_share=plan.audit_share)
        view.stage("line")
        view.running(
            DemoSite(
                url=server.url,
                page_url=f"{server.url}/page" if plan.page else None,
                viewer_key=keys.viewer,
                mlops_key=None if plan.trust_file is None else keys.mlops,
            )
        )
        reviewer = await stack.enter_async_context(ScriptedReviewer(clients.quality, used_clock))
        line = _Line(plan, clients, reviewer, view, run_id)
        began_at = used_clock.now()
        started_s = used_clock.monotonic()
        await server.watch(line.run(stop))
        view.stage("closing")
        line.tally.reviews.update(await reviewer.finish())
        duration_s = used_clock.monotonic() - started_s
        rate = await server.watch(
            ask_run_rate(
                clients.quality,
                lots=line.lots,
                since=began_at,
                judged=line.tally.inspected,
                audit_share=plan.audit_share,
            )
        )
    tally = line.tally
    return DemoSummary(
        parts=tally.parts,
        defective=tally.defective,
        marked=tally.marked,
        faint=tally.faint,
        defect_rate=plan.defect_rate,
        outcomes=dict(tally.outcomes),
        verdicts=dict(tally.verdicts),
        reviews=dict(tally.reviews),
        detector_rate=tally.detector_rate(),
        rate=rate,
        latency_p50_ms=tally.latency_ms(0.5),
        latency_p99_ms=tally.latency_ms(0.99),
        duration_s=duration_s,
        seed=plan.seed,
        run_id=run_id,
        data_dir=plan.data_dir,
    )


@dataclass(frozen=True, slots=True)
class _Clients:
    admin: LinesideClient
    station: LinesideClient
    quality: LinesideClient
    mes: LinesideClient


@asynccontextmanager
async def _clients(url: str, keys: DemoKeys) -> AsyncIterator[_Clients]:
    async with (
        LinesideClient(url, keys.admin, timeout_s=_ENROL_S) as admin,
        LinesideClient(url, keys.station, timeout_s=_ANSWER_S) as station,
        LinesideClient(url, keys.quality, timeout_s=_ANSWER_S) as quality,
        LinesideClient(url, keys.mes, timeout_s=_ENROL_S) as mes,
    ):
        yield _Clients(admin, station, quality, mes)


class _Line:
    """The virtual line at work."""

    def __init__(
        self, plan: DemoPlan, clients: _Clients, reviewer: ScriptedReviewer, view: LineView, run_id: str
    ) -> None:
        self.tally = Tally()
        self.lots: list[str] = []
        self._plan = plan
        self._clients = clients
        self._reviewer = reviewer
        self._view = view
        self._parts = virtual_parts(plan, run_id=run_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Bring parts under the camera at the line's pace, several under way at once."""
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(self._plan.in_flight)
        due_s = loop.time()
        async with asyncio.TaskGroup() as under_way:
            while not stop.is_set():
                # Drawing a board takes longer than handling one: not on the event loop.
                part = await asyncio.to_thread(_next, self._parts)
                if part is None:
                    return
                await _beat(stop, due_s - loop.time())
                due_s = max(due_s + 1 / self._plan.parts_per_s, loop.time())
                if part.starts_lot:
                    await self._change_over(part, room)
                await room.acquire()
                under_way.create_task(self._inspect(part, room))

    async def _change_over(self, first: VirtualPart, room: asyncio.Semaphore) -> None:
        """A new lot: the line runs empty, then the MES orders it from its first part on."""
        self.lots.append(first.lot)
        for _ in range(self._plan.in_flight):
            await room.acquire()
        await order_lot(
            self._clients.mes,
            product=first.product,
            lot=first.lot,
            first_part_id=first.part_id,
            quantity=BOARDS_PER_PANEL * PANELS_PER_LOT,
        )
        for _ in range(self._plan.in_flight):
            room.release()

    async def _inspect(self, part: VirtualPart, room: asyncio.Semaphore) -> None:
        started_s = time.perf_counter()
        answer: InspectionAnswer | None = None
        failure: str | None = None
        try:
            got = await self._clients.station.inspect(
                part.frame_png,
                MediaType.PNG,
                station=STATION,
                part_id=part.part_id,
                parent_id=part.panel_id,
                sequence=part.number,
                encoder=part.number,
            )
            answer = got if isinstance(got, InspectionAnswer) else None
        except TryAgainLater as error:
            failure = str(error)  # counted as unanswered: the station's own record says NOT_INSPECTED
        finally:
            room.release()
        latency_ms = (time.perf_counter() - started_s) * 1000.0
        self._view.judged(self.tally.add(part, answer, latency_ms=latency_ms, failure=failure), self.tally)
        if answer is not None:
            self._reviewer.consider(part, answer)


def _next(parts: Iterator[VirtualPart]) -> VirtualPart | None:
    return next(parts, None)


async def _beat(stop: asyncio.Event, wait_s: float) -> None:
    """Wait for the next beat of the line, or for its end."""
    if wait_s > 0:
        try:
            await asyncio.wait_for(stop.wait(), wait_s)
        except TimeoutError:
            return
