"""The station as a program: until a signal ends it, Ready off first."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from lineside.client.clock import SystemClock
from lineside.station.agent.configuration import StationConfiguration
from lineside.station.agent.errors import StationFailed
from lineside.station.agent.station import Station

_log = structlog.get_logger("lineside.station")


@dataclass(frozen=True, slots=True)
class StationReady:
    """A station that scans.

    Attributes:
        station: its name.
        cameras: the views that it takes.
        interrupted: parts that its last run left without a verdict.
    """

    station: str
    cameras: tuple[str, ...]
    interrupted: int


def run_station(
    configuration: StationConfiguration,
    *,
    on_ready: Callable[[StationReady], None],
    ends_with_stdin: bool = False,
) -> None:
    """Run a station until SIGINT or SIGTERM: Ready goes off, what is on its way ends without a permit.

    Args:
        configuration: what it is.
        on_ready: called once it scans.
        ends_with_stdin: also end when stdin closes, so that a child never outlives the program that started it.

    Raises:
        LinesideError: why it could not start.
        StationFailed: a task of it died; it stood in Error until then.
    """
    asyncio.run(_run(configuration, on_ready, ends_with_stdin=ends_with_stdin))


async def _run(
    configuration: StationConfiguration, on_ready: Callable[[StationReady], None], *, ends_with_stdin: bool
) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    if ends_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, ending), daemon=True, name="stdin-watch").start()
    try:
        async with Station(configuration, clock=SystemClock()) as station:
            on_ready(StationReady(configuration.station, tuple(configuration.cameras), station.recovered.interrupted))
            await station.run(until=ending)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if station.failure is not None:
        raise StationFailed(station.failure)


def _watch_stdin(loop: asyncio.AbstractEventLoop, ending: asyncio.Event) -> None:
    # Past Python's buffer, whose lock this thread would hold while the interpreter ends: it would end with an abort.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with suppress(RuntimeError):  # the station ended meanwhile
        loop.call_soon_threadsafe(ending.set)
