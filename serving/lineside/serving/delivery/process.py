"""The delivery process: every sink of the plant in one event loop, beside the server, reading its ledger."""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from lineside.client import LinesideClient
from lineside.client.file_lock import FileLock
from lineside.inspection.errors import LinesideError
from lineside.serving.clock import Clock, SystemClock
from lineside.serving.delivery.configuration import MOST_SINKS, parse_delivery
from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import ExtraMissing, SinkMisconfigured
from lineside.serving.delivery.event_log import LedgerTail
from lineside.serving.delivery.handover import Handover
from lineside.serving.delivery.http_desk import HttpDesk
from lineside.serving.delivery.kinds import SINK_KINDS, described
from lineside.serving.delivery.late_sink import LateSink
from lineside.serving.delivery.runner import RunnerLimits, SinkRunner
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Sink
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.ledger import Ledger

_log = structlog.get_logger(__name__)

_NICENESS: Final = 10
"""Verdicts come first wherever the processor is short."""

_THREADS: Final = 2 * MOST_SINKS
"""Made as they are needed. A host that answers nothing holds one for seconds, and no other sink waits for it."""

_LOCK: Final = ".lock"
"""No sink's name begins with a dot, so none's folder is in the way."""

_LOCK_WITHIN_S: Final = 30.0
"""The process of a server that was killed closes its sinks first: they hold addresses and names that are ours."""


def main() -> int:
    """Deliver until stdin closes; the exit status."""
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    handover = Handover.from_line(line)
    _log_as_json_lines()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    lock = FileLock(handover.delivery_dir / _LOCK)
    if not _locked(lock):
        _log.error("delivery_is_running_already", holder=lock.note())
        return 1
    try:
        asyncio.run(_deliver(handover))
    except LinesideError as error:
        _log.error("delivery_cannot_run", reason=str(error))
        return 1
    finally:
        lock.release()
    return 0


async def _deliver(handover: Handover) -> None:
    clock = SystemClock()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="sink"))
    found = parse_delivery(
        handover.delivery_text, source=str(handover.delivery_path), folder=handover.delivery_path.parent
    )
    with Ledger.open_readonly(handover.ledger_url, plant=handover.plant, clock=clock) as ledger:
        async with LinesideClient(handover.server_url, handover.key) as client:
            lines = StationLines(ledger)
            tail = LedgerTail(ledger)
            runners = [
                _runner(settings, handover, clock=clock, ledger=ledger, client=client, lines=lines, tail=tail)
                for settings in found.sinks
            ]
            _stop_with_stdin(runners)
            async with asyncio.TaskGroup() as group:
                following = group.create_task(tail.follow())  # in the group: were it to fail, all would wait for ever
                await asyncio.wait([group.create_task(runner.run()) for runner in runners])
                following.cancel()


def _runner(
    settings: SinkSettings,
    handover: Handover,
    *,
    clock: Clock,
    ledger: Ledger,
    client: LinesideClient,
    lines: StationLines,
    tail: LedgerTail,
) -> SinkRunner:
    state_dir = handover.delivery_dir / settings.name
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    context = SinkContext(
        name=settings.name,
        plant=handover.plant,
        clock=clock,
        ledger=ledger,
        client=client,
        lines=lines,
        state_dir=state_dir,
        folder=handover.delivery_path.parent,
        is_simulated=handover.is_simulated,
    )
    sink = built_sink(settings, context)
    return SinkRunner(
        sink,
        described(settings),
        wanted=settings.filter.to_record(),
        desk=HttpDesk(client),
        log=tail,
        lines=lines,
        clock=clock,
        limits=RunnerLimits(),
    )


def built_sink(settings: SinkSettings, context: SinkContext) -> Sink:
    """A sink; where it cannot be built now, one that says so and is built later, so that the others run."""
    kind = SINK_KINDS[settings.kind]

    def build() -> Sink:
        return kind.build(settings, context)

    try:
        return build()
    except (SinkMisconfigured, ExtraMissing) as error:
        _log.error("sink_not_built", sink=settings.name, reason=str(error))
        return LateSink(build, proof=kind.proof)


def _stop_with_stdin(runners: Iterable[SinkRunner]) -> None:
    """Stop once whoever holds the other end of stdin is gone, also by kill -9; or when told to end by a signal.

    An init system tells every process of a service at once: sinks then close as they should.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for runner in runners:
            runner.stop()

    if os.name == "posix":
        loop.add_signal_handler(signal.SIGTERM, stop)
    threading.Thread(target=_wait_for_end, args=(loop, stop), daemon=True, name="stdin-watch").start()


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    # Past Python's buffer, whose lock this thread would hold while the interpreter ends: it would end with an abort.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop)


def _locked(lock: FileLock) -> bool:
    ends_at_s = time.monotonic() + _LOCK_WITHIN_S
    while not lock.acquire(note=f"process {os.getpid()}"):
        if time.monotonic() > ends_at_s:
            return False
        time.sleep(0.1)
    return True


def _log_as_json_lines() -> None:
    """The server reads them and writes them into its own log."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda event, **_: json.dumps(event, default=str)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper here
