"""One roll from its first line to its files."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lineside.inspection.strips import RollMap
from lineside.station.web.markers import pulses_of
from lineside.station.web.opening import OpenedWeb
from lineside.station.web.records import RegionOutcome, WebEvent, WebFigures
from lineside.station.web.roll_files import RollFiles


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
        LinesRefused, CameraError, FrameError: the source gives what cannot be judged.
        MarkerFailed, OSError: what was decided could not be handed on.
    """
    files = RollFiles(opened.out)
    files.begin()
    marker = opened.marker()

    async def decided(outcome: RegionOutcome) -> None:
        await marker.region(outcome, pulses_of(outcome, web_width_mm=opened.plan.width_mm))
        await files.region(outcome)
        on_outcome(outcome)

    async def happened(event: WebEvent) -> None:
        await files.event(event)
        on_event(event)

    station = opened.station(on_outcome=decided, on_event=happened)
    try:
        async with marker, opened.source() as source:
            figures = await station.run(source, stop=stop)
    finally:
        files.finish(station.roll_map())
    return WebRun(figures, station.roll_map())
