"""A station that runs in the test's own process, on a simulated line."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lineside.client.clock import Clock, SystemClock
from lineside.station.agent import Station, load_station
from lineside.station.rig import StationState
from lineside.station.rig.simulated import SimulatedRig
from lineside.station.rig.simulated_line import SimulatedLine

_AT_MOST_S = 60.0


@dataclass(frozen=True)
class Running:
    """A station that runs."""

    station: Station
    line: SimulatedLine
    task: "asyncio.Task[None]"

    @property
    def state(self) -> StationState | None:
        """What the PLC is told now."""
        outputs = self.station.scan.outputs
        return None if outputs is None else outputs.state

    async def until_left(self, parts: int) -> None:
        """Wait until so many parts have left the gate."""
        await self.until(lambda: len(self.line.truth.parts) >= parts)

    async def until_all_is_told(self) -> None:
        """Wait until the line is empty and the server has everything."""
        await self.until_line_is_empty()
        await self.until(lambda: not self.station.spool.unfinished())
        while not await self.station.forwarder.drain():  # noqa: ASYNC110 - it tells nobody when it is through
            await asyncio.sleep(0.02)

    async def until_line_is_empty(self) -> None:
        """Wait until the last part has left."""
        await self.until(lambda: self.line.is_empty)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not is_so():
            assert not self.task.done(), self.station.failure
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(path: Path, *, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run a station of a file until the block ends.

    Args:
        path: of the file; its rig is a simulated one.
        clock: the station's; the system's unless given.
    """
    station = Station(load_station(path), clock=clock or SystemClock())
    ending = asyncio.Event()
    async with asyncio.timeout(_AT_MOST_S), station:
        assert isinstance(station.rig, SimulatedRig)
        task = asyncio.create_task(station.run(until=ending))
        try:
            yield Running(station, station.rig.line, task)
        finally:
            ending.set()
            await task
