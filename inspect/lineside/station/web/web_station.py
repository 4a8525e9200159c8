"""The web station: lines in, a verdict for every region of the web before it reaches the marker.

One task reads lines and does nothing that takes long: it looks for faults, copies lines into the ring, and says which
tiles are due. Threads judge the tiles. What they find is put together to defects, and regions are decided as soon as
all of them was looked at, or when there is no more time: then as not inspected.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from lineside.client.clock import Clock
from lineside.inspection.errors import LinesNotYet, LinesOverwritten
from lineside.inspection.frames import Image
from lineside.inspection.recipe import Recipe
from lineside.inspection.strips import LineChunk, LineFaultKind, PartSegmenter, RegionVerdict, RollMap
from lineside.inspection.tiling import Tile
from lineside.inspection.verdict import Reason, ReasonCode, Verdict, effective_thresholds
from lineside.station.web.grades import grade_of
from lineside.station.web.line_sources import LineSource, PartMark, SourceTrouble
from lineside.station.web.plan import WebPlan
from lineside.station.web.records import RegionOutcome, WebEvent, WebEventKind, WebFigures
from lineside.station.web.reject_point import RejectPoint, WebSpeed
from lineside.station.web.tile_workers import Compose, JudgedTile, TileDetector, TileWorkers
from lineside.station.web.web_findings import WebFindings
from lineside.station.web.web_lines import WebLines

OnOutcome = Callable[[RegionOutcome], Awaitable[None]]
OnEvent = Callable[[WebEvent], Awaitable[None]]

_EVENT_OF: Mapping[LineFaultKind, WebEventKind] = MappingProxyType(
    {
        LineFaultKind.DROPPED: WebEventKind.LINES_LOST,
        LineFaultKind.REPEATED: WebEventKind.LINES_LOST,
        LineFaultKind.COUNTER_RESET: WebEventKind.LINES_LOST,
        LineFaultKind.OVERRUN: WebEventKind.LINES_LOST,
    }
)
"""How a fault of lines is reported; all others are about the encoder."""

_LEAST_UNSEEN_S = 0.1
_UNSEEN_CHUNKS = 2
"""So much of the web may have passed since the last lines came; without lines for longer it stands."""

_CHUNKS_KEPT = 8
"""The longest of the last chunks counts: a camera's frames are of one length, and the last of a roll is shorter."""

_RESERVE_S = 0.02
"""From a verdict to the marker's own input: the file or the rig, and the tasks before it."""


class WebStation:
    """Judges one roll; `run` it once.

    Args:
        plan: sizes and rules.
        detector: judges tiles; closed by who made it.
        classes: the release's class names, in the order of its class ids.
        release_thresholds: the release's default confidence by class name.
        recipe: the rules of the product.
        segmenter: cuts the web into regions.
        clock: tells instants and measures.
        on_outcome: told of each region as it is decided, in order.
        on_event: told of each event.
        compose: makes what the detector looks at out of a tile's pixels; None for the pixels themselves.
        why_not: why nothing may judge now: regions are not inspected then; None while something may.
    """

    def __init__(
        self,
        plan: WebPlan,
        detector: TileDetector,
        *,
        classes: Sequence[str],
        release_thresholds: Mapping[str, float],
        recipe: Recipe,
        segmenter: PartSegmenter,
        clock: Clock,
        on_outcome: OnOutcome,
        on_event: OnEvent,
        compose: Compose | None = None,
        why_not: Callable[[], Reason | None] = lambda: None,
    ) -> None:
        self._plan, self._detector, self._clock = plan, detector, clock
        self._compose = compose
        self._on_outcome, self._on_event = on_outcome, on_event
        self._thresholds, self._health = effective_thresholds(recipe, release_thresholds), recipe.health
        self._lines = WebLines(plan)
        self._findings = WebFindings(
            plan,
            self._lines,
            classes=classes,
            release_thresholds=release_thresholds,
            recipe=recipe,
            segmenter=segmenter,
            why_not=why_not,
        )
        self._speed = WebSpeed(1.0 if plan.reject is None else plan.reject.nominal_mm_s)
        self._chunks_mm: deque[float] = deque(maxlen=_CHUNKS_KEPT)
        [self._view] = recipe.views
        self._judged: deque[JudgedTile] = deque()
        self._marks: list[int] = []
        self._some_judged, self._some_room = asyncio.Event(), asyncio.Event()
        self._happened: asyncio.Queue[RegionOutcome | WebEvent | None] = asyncio.Queue()
        self._handing: RegionOutcome | None = None
        self._open_tiles = self._told_line = 0
        self._tiles_judged = self._tiles_shed = self._regions_late = 0
        self._least_slack_s: float | None = None
        self._began_s: float | None = None
        self._ended_s = 0.0

    @property
    def figures(self) -> WebFigures:
        """What was counted so far."""
        return WebFigures(
            lines_read=self._lines.lines_read,
            lines_lost=self._lines.lines_lost,
            lines_overrun=self._lines.ring.overrun_lines,
            tiles_judged=self._tiles_judged,
            tiles_shed=self._tiles_shed,
            regions=MappingProxyType(self._findings.verdicts()),
            regions_late=self._regions_late,
            least_slack_s=self._least_slack_s,
            seconds=self._ended_s - (self._ended_s if self._began_s is None else self._began_s),
        )

    def roll_map(self) -> RollMap:
        """All that was found on the roll so far."""
        return self._findings.roll_map()

    def picture(self, outcome: RegionOutcome) -> Image | None:
        """A region's pixels, uint8 (lines, width); None where some of its lines have left the ring."""
        first_line, end_line = outcome.lines
        try:
            with self._lines.ring.reserve(first_line, end_line - first_line) as window:
                pixels = window.lines.copy()
                return pixels if window.is_intact else None
        except (LinesOverwritten, LinesNotYet, ValueError):
            return None

    async def in_time(self, outcome: RegionOutcome) -> RegionOutcome:
        """An outcome as it may be handed on now; ask again after whatever took time.

        Writing and acknowledging go on behind the decision, region by region: where the web was faster than they, what
        was OK is not inspected, and an event says so.
        """
        reject = self._plan.reject
        if reject is None or outcome.verdict is Verdict.NOT_INSPECTED:
            return outcome
        slack_s = self._slack_s(outcome.from_mm, reject)
        outcome = replace(outcome, slack_s=slack_s)
        if any(reason.code is ReasonCode.LATE for reason in outcome.reasons):
            return outcome
        if slack_s > 0:
            self._least_slack_s = slack_s if self._least_slack_s is None else min(self._least_slack_s, slack_s)
            return outcome
        message = "it was decided, and reached its reject point before the marker could be told; write and acknowledge "
        message += "faster, or look further upstream"
        late = Reason(ReasonCode.LATE, message, self._view)
        verdict = Verdict.NG if outcome.verdict is Verdict.NG else Verdict.NOT_INSPECTED
        judgement = replace(outcome.judgement, verdict=verdict, reasons=(*outcome.reasons, late))
        self._findings.correct(outcome.part_id, judgement)
        self._regions_late += 1
        said = f"{outcome.part_id} is too late for the marker by {-slack_s:.3f} s: {message}"
        at = self._clock.now()
        await self._on_event(WebEvent(WebEventKind.REGION_LATE, said, at, outcome.from_mm, outcome.to_mm))
        return replace(outcome, judgement=judgement, grade=None)

    async def run(self, source: LineSource, *, stop: asyncio.Event) -> WebFigures:
        """Judge the lines of a source until it ends, or until somebody sets `stop`.

        Args:
            source: entered by the caller.
            stop: ends reading; what was read is still judged.

        Raises:
            LinesRefused, CameraError, FrameError: the source gives what cannot be judged, e.g. lines of another width.
            MarkerFailed, OSError: what was decided could not be handed on.
        """
        loop = asyncio.get_running_loop()

        def note_judged(judged: JudgedTile) -> None:
            loop.call_soon_threadsafe(self._note_judged, judged)

        workers = TileWorkers(
            self._detector,
            self._lines.ring,
            thresholds=self._thresholds,
            health=self._health,
            band_lines=self._plan.overlap_wh_px[1],
            compose=self._compose,
            monotonic=self._clock.monotonic,
            on_judged=note_judged,
        )
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(source, workers))
                stopping = group.create_task(_cancel_when(stop, reading))
                group.create_task(self._collect(workers, reading, stopping))
                group.create_task(self._act())
        except BaseExceptionGroup as failed:
            self._abandon(str(failed.exceptions[0]))
            raise failed.exceptions[0] from None
        except BaseException:
            self._abandon("it was cancelled")
            raise
        finally:
            workers.close()
        return self.figures

    def _abandon(self, why: str) -> None:
        """The roll map says of no region more than the marker was told."""
        reason = Reason(ReasonCode.INTERRUPTED, f"the run ended before the marker was told of it: {why}", self._view)
        untold = [] if self._handing is None else [self._handing]
        while not self._happened.empty():
            what = self._happened.get_nowait()
            if isinstance(what, RegionOutcome):
                untold.append(what)
        for outcome in untold:
            if outcome.verdict is Verdict.OK:
                judgement = replace(outcome.judgement, verdict=Verdict.NOT_INSPECTED, reasons=(reason,))
                self._findings.correct(outcome.part_id, judgement)
        self._findings.abandon(reason)

    async def _read(self, source: LineSource, workers: TileWorkers) -> None:
        self._tell(WebEventKind.STARTED, f"roll {self._plan.roll}: the station reads lines")
        async for item in source.chunks():
            if isinstance(item, SourceTrouble):
                self._tell(item.kind, item.message)
                continue
            if isinstance(item, PartMark):
                self._marks.append(item.encoder)
                continue
            while not source.is_live and self._would_overrun(item):
                self._some_room.clear()
                await self._some_room.wait()
            self._take(item, workers)

    def _would_overrun(self, chunk: LineChunk) -> bool:
        """Whether a chunk would be written over lines that a tile still waits for."""
        reaches = self._lines.newest_line + len(chunk) - self._lines.ring.capacity_lines
        return self._open_tiles > 0 and reaches > self._findings.settled_line

    def _take(self, chunk: LineChunk, workers: TileWorkers) -> None:
        """Lines came."""
        self._ended_s = self._clock.monotonic()
        if self._began_s is None:
            self._began_s = self._ended_s
        before_mm = self._lines.camera_mm
        faults = self._lines.accept(chunk)
        self._findings.add_faults(faults)
        for fault in faults:
            kind = _EVENT_OF.get(fault.kind, WebEventKind.ENCODER)
            self._tell(kind, fault.message, from_mm=fault.from_mm, to_mm=fault.to_mm)
        if not self._lines.newest_line:
            return
        self._offer(self._findings.due_tiles(), workers)
        self._take_marks()
        self._findings.cut_parts()
        self._speed.note(self._ended_s, self._lines.camera_mm)
        if not any(fault.kind is LineFaultKind.DROPPED for fault in faults):  # a gap says nothing of a chunk's length
            self._chunks_mm.append(self._lines.camera_mm - before_mm)
        self._hold_deadlines(workers)

    def _take_marks(self) -> None:
        """Where the parts begin whose marks came with the last lines."""
        for encoder in self._marks:
            faults = self._findings.mark(encoder)
            if faults is None:
                message = f"the mark at count {encoder} lies before the web's begin, or before the last mark: ignored"
                self._tell(WebEventKind.ENCODER, message)
                continue
            for fault in faults:
                self._tell(WebEventKind.ENCODER, fault.message, from_mm=fault.from_mm, to_mm=fault.to_mm)
        self._marks.clear()

    def _offer(self, tiles: Sequence[Tile], workers: TileWorkers) -> None:
        self._open_tiles += len(tiles)
        for tile in tiles:
            workers.offer(tile)

    def _hold_deadlines(self, workers: TileWorkers) -> None:
        """Decide the regions that have no more time, and those that cannot be looked at in the time that is left."""
        reject = self._plan.reject
        if reject is None:
            return
        for region in self._findings.undecided:
            part, first_line, end_line = region.part, region.first_line, region.end_line
            slack_s = self._slack_s(part.from_mm, reject)
            needed_s = workers.waiting_before(end_line) * workers.seconds_per_tile
            if slack_s > needed_s + _RESERVE_S:
                return  # later regions have later deadlines; they get their turn
            workers.shed(first_line, end_line)
            verdicts = self._findings.expire(part, self._clock.now())
            if any(each.judgement.verdict is Verdict.NOT_INSPECTED for each in verdicts):
                self._regions_late += 1
                left_s = max(slack_s, 0.0)
                message = f"{part.part_id} is not inspected: {needed_s:.3f} s of work, {left_s:.3f} s to the marker"
                self._tell(WebEventKind.REGION_LATE, message, from_mm=part.from_mm, to_mm=part.to_mm)
            self._decided(verdicts)

    async def _collect(
        self, workers: TileWorkers, reading: "asyncio.Task[None]", stopping: "asyncio.Task[None]"
    ) -> None:
        """Put together what the threads find, until all is judged."""
        reading.add_done_callback(lambda _: self._some_judged.set())
        while not reading.done():
            await self._some_judged.wait()
            self._settle(workers)
        stopping.cancel()
        if self._lines.newest_line:
            self._offer(self._findings.last_tiles(), workers)
            while self._open_tiles:
                await self._some_judged.wait()
                self._settle(workers)
            self._decided(self._findings.finish(self._clock.now()))
        self._tell(WebEventKind.STOPPED, f"roll {self._plan.roll}: the station has read its last line")
        self._happened.put_nowait(None)

    def _note_judged(self, judged: JudgedTile) -> None:
        self._judged.append(judged)
        self._some_judged.set()

    def _settle(self, workers: TileWorkers) -> None:
        self._some_judged.clear()
        while self._judged:
            judged = self._findings.judged(self._judged.popleft())
            self._open_tiles -= 1
            self._tiles_judged += judged.found is not None
            self._tiles_shed += judged.found is None
            self._tell_of(judged)
        self._some_room.set()
        self._hold_deadlines(workers)  # first, so that nothing is decided as OK after its time
        self._decided(self._findings.settle(self._clock.now()))

    def _tell_of(self, judged: JudgedTile) -> None:
        """One event for a stretch that could not be judged, not one a tile."""
        if judged.found is not None or judged.is_shed or judged.tile.top_px < self._told_line:
            return
        self._told_line = judged.tile.bottom_px
        kind = WebEventKind.LINES_LOST if judged.is_overrun else WebEventKind.IMAGE_HEALTH
        self._tell(kind, judged.why_not or "a window could not be judged")

    def _decided(self, verdicts: Sequence[RegionVerdict]) -> None:
        for verdict in verdicts:
            judgement, part = verdict.judgement, verdict.part
            slack_s = None if self._plan.reject is None else self._slack_s(part.from_mm, self._plan.reject)
            outcome = RegionOutcome(
                part.part_id,
                part.number,
                part.from_mm,
                part.to_mm,
                judgement,
                verdict.defects,
                None,
                self._clock.now(),
                slack_s,
                (self._lines.line_at(part.from_mm), self._lines.line_at(part.to_mm)),
            )
            if outcome.is_examined:
                grade = grade_of(verdict.defects, self._plan.grades, otherwise=self._plan.grade_otherwise)
                outcome = replace(outcome, grade=grade)
            self._happened.put_nowait(outcome)

    def _slack_s(self, from_mm: float, reject: RejectPoint) -> float:
        """Seconds until a region's beginning is too near to the marker; without end while the web stands."""
        speed_mm_s = self._speed.mm_s
        unseen_mm = min(
            (self._clock.monotonic() - self._ended_s) * speed_mm_s,
            max(_LEAST_UNSEEN_S * speed_mm_s, _UNSEEN_CHUNKS * max(self._chunks_mm, default=0.0)),
        )
        camera_mm = self._lines.camera_mm + unseen_mm
        slack_mm = reject.slack_mm(from_mm, camera_mm=camera_mm, speed_mm_s=speed_mm_s)
        if slack_mm <= 0:
            return slack_mm / max(speed_mm_s, reject.nominal_mm_s)
        return slack_mm / speed_mm_s if speed_mm_s > 0 else float("inf")

    async def _act(self) -> None:
        """Hand on what was decided and what happened, in order, without holding up the lines."""
        while (what := await self._happened.get()) is not None:
            if isinstance(what, WebEvent):
                await self._on_event(what)
            else:
                self._handing = what
                await self._on_outcome(await self.in_time(what))
                self._handing = None

    def _tell(
        self, kind: WebEventKind, message: str, *, from_mm: float | None = None, to_mm: float | None = None
    ) -> None:
        self._happened.put_nowait(WebEvent(kind, message, self._clock.now(), from_mm, to_mm))


async def _cancel_when(stop: asyncio.Event, task: "asyncio.Task[None]") -> None:
    await stop.wait()
    task.cancel()
