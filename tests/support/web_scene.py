"""A small web station for tests: 64 px wide, a plain detector, lines from an array, and everything it said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import numpy as np

from dark_streaks import CLASSES, THRESHOLDS, DarkStreaks
from lineside.client.clock import ManualClock
from lineside.inspection.frames import Image
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe import Calibration, Recipe, Scale, View
from lineside.inspection.reference import RegistrationLimits
from lineside.inspection.strips import (
    EncoderScale,
    LineChunk,
    PartSegmenter,
    PitchSegmenter,
    RollMap,
    SlipRule,
    WatchRules,
)
from lineside.inspection.verdict import Reason
from lineside.station.web import (
    GradeRule,
    LineSource,
    PartMark,
    RegionOutcome,
    RejectPoint,
    SourceTrouble,
    WebEvent,
    WebFigures,
    WebPlan,
    WebStation,
)

WIDTH_PX = 96
MM_PER_LINE = 0.5
PITCH_LINES = 100
"""A region is 50 mm."""


def chunks_of(
    web: Image, heights: Sequence[int], *, clock: ManualClock, speed_mm_s: float = 100.0
) -> Iterator[LineChunk]:
    """Cut a web into chunks whose heights go around; the clock moves with the web."""
    line = number = 0
    while line < len(web):
        count = min(heights[number % len(heights)], len(web) - line)
        clock.advance(count * MM_PER_LINE / speed_mm_s)
        encoder = np.arange(line + 1, line + count + 1, dtype=np.int64)
        yield LineChunk(web[line : line + count].copy(), line, encoder, clock.now())
        line += count
        number += 1


@dataclass(slots=True)
class ArrayLines:
    """Lines from memory.

    Attributes:
        items: what it gives.
        is_live: whether the station may not make it wait.
        after: awaited after each item.
    """

    items: Sequence[LineChunk | SourceTrouble | PartMark]
    is_live: bool = False
    width_px: int = WIDTH_PX
    after: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0.0)

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble | PartMark]:
        """The items, one after another."""
        for item in self.items:
            yield item
            await self.after()


@dataclass(slots=True)
class Roll:
    """What a run said.

    Attributes:
        figures: counts.
        roll_map: all that was found.
        outcomes: each region, in order.
        events: each event, in order.
    """

    figures: WebFigures
    roll_map: RollMap
    outcomes: list[RegionOutcome]
    events: list[WebEvent]

    @property
    def verdicts(self) -> list[str]:
        """Of the regions, in order."""
        return [outcome.verdict.value for outcome in self.outcomes]

    @property
    def kinds(self) -> set[str]:
        """Of the events between start and stop."""
        return {event.kind.value for event in self.events} - {"started", "stopped"}


@dataclass(slots=True)
class WebScene:
    """A station with its clock.

    Attributes:
        detector: judges tiles.
        tile_px: side of the model's input.
        reject: until when regions must be decided.
        slip: how far the encoder may be off between marks.
        rules: about lines and encoder.
        clock: moves with the lines.
        why_not: why nothing may judge now.
        handing: awaited as each region is handed on: what writing and a marker take.
        segmenter: cuts the web into regions.
        roll_map: of the last run, also of one that ended in an error.
    """

    detector: DarkStreaks = field(default_factory=DarkStreaks)
    tile_px: int = 64
    overlap_px: int = 16
    ring_lines: int = 512
    reject: RejectPoint | None = None
    slip: SlipRule | None = None
    rules: WatchRules = field(default_factory=lambda: WatchRules(counts_per_line=1))
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 5, 1, tzinfo=UTC)))
    why_not: Callable[[], Reason | None] = lambda: None
    handing: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0.0)
    segmenter: PartSegmenter = field(
        default_factory=lambda: PitchSegmenter(roll="ROLL-1", pitch_mm=PITCH_LINES * MM_PER_LINE)
    )

    roll_map: RollMap | None = field(default=None, init=False)

    def run(self, source: LineSource, *, on_outcome: Callable[[RegionOutcome], None] = lambda _: None) -> Roll:
        """Judge the lines of a source."""
        outcomes: list[RegionOutcome] = []
        events: list[WebEvent] = []

        async def decided(outcome: RegionOutcome) -> None:
            on_outcome(outcome)
            outcomes.append(outcome)
            await self.handing()

        async def happened(event: WebEvent) -> None:
            events.append(event)

        async def running() -> tuple[WebFigures, RollMap]:
            station = WebStation(
                self.plan(),
                self.detector,
                classes=CLASSES,
                release_thresholds=THRESHOLDS,
                recipe=web_recipe(),
                segmenter=self.segmenter,
                clock=self.clock,
                on_outcome=decided,
                on_event=happened,
                why_not=self.why_not,
            )
            try:
                async with source:
                    figures = await station.run(source, stop=asyncio.Event())
            finally:
                self.roll_map = station.roll_map()
            return figures, station.roll_map()

        figures, roll_map = asyncio.run(running())
        return Roll(figures, roll_map, outcomes, events)

    def judge(self, web: Image, heights: Sequence[int] = (32,)) -> Roll:
        """Judge a web that waits."""
        return self.run(ArrayLines(list(chunks_of(web, heights, clock=self.clock))))

    def plan(self) -> WebPlan:
        """What the station is built by."""
        return WebPlan(
            roll="ROLL-1",
            width_px=WIDTH_PX,
            mm_per_px_across=MM_PER_LINE,
            scale=EncoderScale(MM_PER_LINE),
            rules=self.rules,
            tile_wh_px=(self.tile_px, self.tile_px),
            overlap_wh_px=(self.overlap_px, self.overlap_px),
            ring_lines=self.ring_lines,
            reject=self.reject,
            slip=self.slip,
            grades=(GradeRule("A", 0), GradeRule("B", 1)),
        )


def web_recipe() -> Recipe:
    """Any defect makes a region NG."""
    scale = Scale(MM_PER_LINE, Calibration("CAL-1", "glass scale", datetime(2026, 4, 1, tzinfo=UTC)))
    return Recipe(
        id="web",
        version=1,
        product="film",
        catalogue_id="film",
        catalogue_version=1,
        release="streaks",
        views={"default": View("default", None, (), RegistrationLimits(), (), scale)},
        limits={},
        named_classes=frozenset(),
        scale=scale,
        health=HealthLimits(),
        deadline_ms=1000,
        audit_share=0.0,
    )
