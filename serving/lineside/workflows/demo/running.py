"""The demonstration: start everything, run the line at its pace, review, close, sum up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from lineside.client import LinesideClient
from lineside.serving.clock import Clock, SystemClock
from lineside.serving.settings import Settings
from lineside.workflows.demo.draining import drained
from lineside.workflows.demo.line_at_work import Line
from lineside.workflows.demo.peers import peers
from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.demo.reviewing import ScriptedReviewer
from lineside.workflows.demo.run_rate import ask_run_rate
from lineside.workflows.demo.server_child import server_child
from lineside.workflows.demo.site import DemoKeys, DemoSite, demo_keys, enrol
from lineside.workflows.demo.tally import DemoSummary, Passage
from lineside.workflows.demo.view import LineView
from lineside.workflows.ports import free_port

DEFAULT_PORT = 8470
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
        port = plan.port or free_port(DEFAULT_PORT if plan.port is None else 0)
        url = f"http://127.0.0.1:{port}"
        keys = stack.enter_context(demo_keys(settings, used_clock))
        listening = await stack.enter_async_context(peers(plan, server_url=url, mes_key=keys.mes))
        server = await stack.enter_async_context(server_child(plan, port=port))
        clients = await stack.enter_async_context(demo_clients(url, keys))
        view.stage("enrol")
        await enrol(clients.admin, audit_share=plan.audit_share)
        view.stage("line")
        view.running(
            DemoSite(
                url=url,
                page_url=f"{url}/page" if plan.page else None,
                viewer_key=keys.viewer,
                mlops_key=None if plan.trust_file is None else keys.mlops,
                peers=listening,
            )
        )
        reviewer = await stack.enter_async_context(ScriptedReviewer(clients.quality, used_clock))

        def pass_on(passage: Passage) -> None:
            view.judged(passage, line.tally)
            if passage.answer is not None:
                reviewer.consider(passage.part, passage.answer)

        line = Line(plan, station=clients.station, mes=clients.mes, run_id=run_id, on_passage=pass_on, clock=used_clock)
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
        sinks = await server.watch(drained(clients.mes)) if plan.has_peers else ()
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
        sinks=sinks,
    )


@dataclass(frozen=True, slots=True)
class DemoClients:
    """One client a role."""

    admin: LinesideClient
    station: LinesideClient
    quality: LinesideClient
    mes: LinesideClient
    mlops: LinesideClient


@asynccontextmanager
async def demo_clients(url: str, keys: DemoKeys) -> AsyncIterator[DemoClients]:
    """Open them for the length of the block."""
    async with (
        LinesideClient(url, keys.admin, timeout_s=_ENROL_S) as admin,
        LinesideClient(url, keys.station, timeout_s=_ANSWER_S) as station,
        LinesideClient(url, keys.quality, timeout_s=_ANSWER_S) as quality,
        LinesideClient(url, keys.mes, timeout_s=_ENROL_S) as mes,
        LinesideClient(url, keys.mlops, timeout_s=_ENROL_S) as mlops,
    ):
        yield DemoClients(admin, station, quality, mes, mlops)
