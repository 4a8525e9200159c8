"""The three programs of the demonstration, each a process of its own: server, PLC, station."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

from lineside.workflows.demo.child_process import ChildProcess, child_process
from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.demo.server_child import server_child
from lineside.workflows.station_demo.plan import MM_TO_CONFIRM, MM_TO_GATE, SPACING_MM, StationDemoPlan


class PluggedServer:
    """A server whose plug can be pulled; `async with` ends what runs of it.

    Args:
        plan: what the demonstration shall be.
        port: where it listens, each time.
    """

    def __init__(self, plan: StationDemoPlan, *, port: int) -> None:
        self._plan = DemoPlan(plan.server_folder, page=False, trust_file=plan.trust_file, engine=plan.engine)
        self._port = port
        self._running = AsyncExitStack()
        self._child: ChildProcess | None = None
        self._starts = 0

    async def __aenter__(self) -> Self:
        """Start it."""
        self._plan.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it in good order."""
        await self._running.aclose()

    async def start(self) -> None:
        """Start it, on the ledger that it left behind.

        Raises:
            ServerFailed: it does not start.
        """
        self._starts += 1
        self._child = await self._running.enter_async_context(server_child(self._plan, port=self._port))

    async def pull_plug(self) -> None:
        """Kill it in the middle of whatever it does; nothing of it gets to say goodbye."""
        if self._child is not None:
            await self._child.kill()
        await self._running.aclose()
        self._running = AsyncExitStack()
        log_path = self._plan.data_dir / "server.log"
        log_path.rename(log_path.with_name(f"server-{self._starts}.log"))


@asynccontextmanager
async def plc(plan: StationDemoPlan) -> AsyncIterator[ChildProcess]:
    """A PLC with a belt behind it, serving Modbus/TCP; it announces its port.

    Raises:
        ServerFailed: it does not start.
    """
    command = [
        *(sys.executable, "-m", "lineside.station.rig.plc_modbus"),
        *("--parts", str(plan.parts), "--seed", str(plan.seed)),
        *("--speed-mm-s", str(plan.speed_mm_s), "--spacing-mm", str(SPACING_MM)),
        *("--gate-at-mm", str(MM_TO_GATE), "--confirm-at-mm", str(MM_TO_CONFIRM)),
    ]
    async with child_process("the PLC", command, log_path=plan.folder / "plc.log") as program:
        yield program


@asynccontextmanager
async def station(plan: StationDemoPlan) -> AsyncIterator[ChildProcess]:
    """`lineside station run` on the station's file.

    Raises:
        ServerFailed: it does not start.
    """
    command = [
        *(sys.executable, "-m", "lineside.cli", "station", "run", str(plan.station_file)),
        *("--json", "--ends-with-stdin", "--log-format", "json"),
    ]
    async with child_process("the station", command, log_path=plan.station_folder / "station.log") as program:
        yield program
