"""One roll from its first line to its files."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from lineside.inspection.strips import RollMap
from lineside.station.spool import SpoolError
from lineside.station.web.errors import MarkerFailed
from lineside.station.web.markers import pulses_of
from lineside.station.web.opening import OpenedWeb
from lineside.station.web.records import RegionOutcome, WebEvent, WebEventKind, WebFigures
from lineside.station.web.roll_files import RollFiles

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class WebRun:
    """What a run gave.

    Attributes:
        figures: counts.
        roll_map: all that was found.
    """

    figures: WebFigures
    roll_map: RollMap


async def run_web(
    opened: OpenedWeb,
    *,
    stop: asyncio.Event,
    on_outcome: Callable[[RegionOutcome], None] = lambda _: None,
    on_event: Callable[[WebEvent], None] = lambda _: None,
) -> WebRun:
    """Judge one roll; its files are complete also when it ends in an error, as far as it came.

    Args:
        opened: model and rules.
        stop: ends reading; what was read is still judged.
        on_outcome: told of each region after its marks are set.
        on_event: told of each event.

    Raises:
        WebFileRefused: the roll was judged before, into the same folder.
        LinesRefused, CameraError, FrameError: the source gives what cannot be judged.
        MarkerFailed, SpoolError, OSError: what was decided could not be written down or handed on.
    """
    files = RollFiles(opened.out)
    files.begin(opened.as_document())
    marker, spool = opened.marker(), opened.region_spool()

    async def decided(outcome: RegionOutcome) -> None:
        """A permit only after the verdict stands on disk, and only in time."""
        if watch is not None:
            await watch.tell()
        identifier = None if spool is None else await spool.region(outcome, station.picture(outcome))
        await files.region(outcome)
        written, outcome = outcome, await station.in_time(outcome)
        if outcome.judgement is not written.judgement:
            await files.region(outcome)
        await marker.region(outcome, pulses_of(outcome, web_width_mm=opened.plan.width_mm))
        if spool is not None and identifier is not None:
            await spool.disposed(identifier, outcome)
        on_outcome(outcome)

    async def happened(event: WebEvent) -> None:
        await files.event(event)
        if spool is not None:
            await spool.event(event)
        on_event(event)

    watch = None if spool is None else opened.kit_watch(spool.client, on_event=happened)
    station = opened.station(
        on_outcome=decided, on_event=happened, why_not=(lambda: None) if watch is None else watch.why_not
    )
    try:
        async with AsyncExitStack() as stack:
            if spool is not None:
                await stack.enter_async_context(spool)
            if watch is not None:
                await stack.enter_async_context(_going(watch.run()))
            await stack.enter_async_context(marker)
            source = await stack.enter_async_context(opened.source())
            try:
                figures = await station.run(source, stop=stop)
            except MarkerFailed as error:
                await happened(WebEvent(WebEventKind.HANDSHAKE, str(error), opened.clock.now()))
                raise
            except (SpoolError, OSError) as error:
                if not isinstance(error, SpoolError) and error.errno not in _NO_SPACE:
                    raise
                # nothing can be written down any more: a person at the screen is told
                on_event(WebEvent(WebEventKind.DISK_FULL, str(error), opened.clock.now()))
                raise
    finally:
        files.finish(station.roll_map())
    return WebRun(figures, station.roll_map())


@asynccontextmanager
async def _going(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let something go on beside the roll; it ends with it, and its failure is the roll's."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
