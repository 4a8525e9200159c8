"""The demonstration: PLC, server and station run, parts pass, the server goes and comes back, all is added up."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from lineside.serving.clock import Clock, SystemClock
from lineside.serving.settings import Settings
from lineside.station.spool import reconcile
from lineside.workflows.demo.child_process import ChildProcess
from lineside.workflows.demo.running import demo_clients
from lineside.workflows.demo.site import demo_keys
from lineside.workflows.errors import LineFailed
from lineside.workflows.ports import free_port
from lineside.workflows.station_demo.account import StationDemoSummary
from lineside.workflows.station_demo.adding_up import LineSaid, add_up
from lineside.workflows.station_demo.plan import StationDemoPlan
from lineside.workflows.station_demo.plant import enrol, sign_deployment
from lineside.workflows.station_demo.programs import PluggedServer, plc, station
from lineside.workflows.station_demo.station_files import golden_image, spool_folder, write_station

Tell = Callable[[str], None]

_LOOK_S = 0.1
_PRESSED_S = 0.5
_MORE_S = 60.0  # past the time that the parts need: a stop of the line, a machine that is busy
_SENT_WITHIN_S = 30.0


async def run_station_demo(plan: StationDemoPlan, *, tell: Tell, clock: Clock | None = None) -> StationDemoSummary:
    """Run it once; whatever ends it, no process of it is left.

    Args:
        plan: what to do.
        tell: told of each step, a line at a time.
        clock: where time comes from.

    Raises:
        LineFailed: the folder holds something already.
        ServerFailed: a program did not start, or ended by itself.
        LinesideError: a step does not do.
    """
    used_clock = clock or SystemClock()
    _make_folder(plan)
    settings = Settings(data_dir=plan.server_folder, database_url=None)
    async with AsyncExitStack() as stack:
        signed = await asyncio.to_thread(sign_deployment, plan, used_clock)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        keys = stack.enter_context(demo_keys(settings, used_clock))
        line = await stack.enter_async_context(plc(plan))
        await line.ask({"do": "stop", "reason": "nobody inspects yet"})
        tell(f"PLC: Modbus/TCP at 127.0.0.1:{line.announced['port']}, a belt with {plan.parts} parts behind it")
        server = await stack.enter_async_context(PluggedServer(plan, port=port))
        clients = await stack.enter_async_context(demo_clients(url, keys))
        write_station(plan, url=url, plc_port=int(line.announced["port"]), key=keys.station)
        golden = await asyncio.to_thread(golden_image, plan)
        await enrol(clients.admin, clients.mlops, golden=golden, signed=signed)
        release = signed.deployment.release
        tell(f"server: {url}, release {release.name} {release.version} deployed with a signature")
        async with station(plan) as program:
            tell(f"station: {program.announced['station']}, {plan.station_file}")
            course = _Course(plan, line, server, tell, used_clock)
            await line.watch(program.watch(course.run()))
        tell("the station has ended; adding up")
        said = LineSaid(await line.close(), course.stops, course.outage_s)
        return await add_up(plan, said, clients.quality)


def _make_folder(plan: StationDemoPlan) -> None:
    if plan.folder.exists() and any(plan.folder.iterdir()):
        raise LineFailed(f"{plan.folder} is not empty; the demonstration of the station wants a folder of its own")
    plan.station_folder.mkdir(parents=True, exist_ok=True, mode=0o700)


@dataclass(slots=True)
class _Course:
    """What happens on the line from the first part to the last."""

    plan: StationDemoPlan
    line: ChildProcess
    server: PluggedServer
    tell: Tell
    clock: Clock
    stops: list[str] = field(default_factory=list)
    outage_s: float | None = None

    async def run(self) -> None:
        """Let the parts pass, then wait until the server has everything."""
        await self._press_reset()
        plan = self.plan
        try:
            async with asyncio.timeout(plan.parts / plan.parts_per_s + _MORE_S):
                if plan.outage:
                    await self._until(plan.away_from)
                    await self._outage()
                await self._until(None)
        except TimeoutError:
            self.tell("the line did not get empty in time")
        await self._until_sent()

    async def _outage(self) -> None:
        away_from_s = self.clock.monotonic()
        await self.server.pull_plug()
        self.tell(f"server: killed after {self.plan.away_from} parts; the line runs on")
        await self._until(self.plan.back_from)
        await self.server.start()
        self.outage_s = self.clock.monotonic() - away_from_s
        self.tell(f"server: back after {self.outage_s:.1f} s; the station hands in what it wrote down meanwhile")

    async def _until(self, triggers: int | None) -> None:
        """Wait until so many parts came to the camera, None for until all have left; start a line that stopped anew."""
        while True:
            seen = await self.line.ask({"do": "look"})
            came = seen["counts"]["triggers"] + seen["counts"]["parts_not_triggered"]
            if seen["is_empty"] or (triggers is not None and came >= triggers):
                return
            if seen["stopped_because"] is not None:
                await self._start_anew(seen["stopped_because"])
            await asyncio.sleep(_LOOK_S)

    async def _start_anew(self, why: str) -> None:
        self.stops.append(why)
        self.tell(f"the line was stopped by {why}; an operator presses reset")
        await self._press_reset()

    async def _press_reset(self) -> None:
        """Hold the button until PLC and station have seen it."""
        await self.line.ask({"do": "reset", "for_s": _PRESSED_S})
        await asyncio.sleep(_PRESSED_S)

    async def _until_sent(self) -> None:
        """Wait until the server has what the station wrote down; what it does not have by then is a gap."""
        folder = spool_folder(self.plan)
        try:
            async with asyncio.timeout(_SENT_WITHIN_S):
                while True:
                    if (await asyncio.to_thread(reconcile, folder)).is_even:
                        return
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            self.tell(f"the server did not have everything within {_SENT_WITHIN_S:.0f} s")
