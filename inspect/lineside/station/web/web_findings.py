"""What is found on the web: due tiles, defects put together over seams, and regions that are decided in their time."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lineside.inspection.recipe import Recipe
from lineside.inspection.strips import (
    LineFault,
    LineFaultKind,
    PartSegmenter,
    RegionBook,
    RegionVerdict,
    RollMap,
    RollRegion,
    SeamCarry,
    SlipWatch,
    StripTiler,
    TriggerSegmenter,
    WebDefect,
    WebPart,
    joined_faults,
)
from lineside.inspection.tiling import Tile
from lineside.inspection.verdict import Judgement, Reason, Verdict
from lineside.station.web.plan import WebPlan
from lineside.station.web.tile_workers import JudgedTile
from lineside.station.web.web_lines import WebLines

_TOO_LONG_AGO = "it was judged when the place of its lines was forgotten; judge faster, or give the ring more lines"


@dataclass(frozen=True, slots=True)
class PassedRegion:
    """A region that has passed the camera and is not decided yet.

    Attributes:
        part: the region.
        first_line: the first line of it.
        end_line: one past the last.
    """

    part: WebPart
    first_line: int
    end_line: int


class WebFindings:
    """Keeps what is open, and all that the roll map shows.

    Args:
        plan: sizes and rules.
        lines: places of lines.
        classes: the release's class names, in the order of its class ids.
        release_thresholds: the release's default confidence by class name.
        recipe: the rules of the product.
        segmenter: cuts the web into regions.
        why_not: why nothing may judge now; None while something may.
    """

    def __init__(
        self,
        plan: WebPlan,
        lines: WebLines,
        *,
        classes: Sequence[str],
        release_thresholds: Mapping[str, float],
        recipe: Recipe,
        segmenter: PartSegmenter,
        why_not: Callable[[], Reason | None],
    ) -> None:
        self._plan, self._lines, self._recipe = plan, lines, recipe
        self._segmenter, self._why_not = segmenter, why_not
        self._tiler = StripTiler(width_px=plan.width_px, tile_wh_px=plan.tile_wh_px, overlap_wh_px=plan.overlap_wh_px)
        self._carry = SeamCarry(
            width_px=plan.width_px,
            class_names=tuple(classes),
            mm_per_px_across=plan.mm_per_px_across,
            places=lines,
        )
        self._book = RegionBook(
            recipe=recipe,
            class_names=tuple(classes),
            release_thresholds=release_thresholds,
            web_width_mm=plan.width_mm,
        )
        self._slip = None if plan.slip is None else SlipWatch(plan.slip)
        self._offered_mm: dict[Tile, tuple[float, float]] = {}  # kept here: `lines` forgets places as the web runs on
        self._offered_from_mm = 0.0
        self._undecided: deque[PassedRegion] = deque()
        self._regions: list[RollRegion] = []
        self._defects: list[WebDefect] = []
        self._faults: list[LineFault] = []
        self._open_faults: dict[LineFaultKind, LineFault] = {}
        self._marked_mm = 0.0

    @property
    def undecided(self) -> Sequence[PassedRegion]:
        """Regions that passed the camera and have no verdict yet, in order."""
        return tuple(self._undecided)

    @property
    def settled_line(self) -> int:
        """No tile that begins before this line is waited for."""
        return self._tiler.settled_line

    @property
    def faults_held(self) -> int:
        """Faults in memory: one for each stretch of a kind."""
        return len(self._faults) + len(self._open_faults)

    def due_tiles(self) -> tuple[Tile, ...]:
        """Tiles whose lines are all there, each once."""
        return self._placed(self._tiler.due(self._lines.newest_line))

    def mark(self, encoder: int) -> tuple[LineFault, ...] | None:
        """A part begins at a count.

        Returns:
            Where the encoder slipped since the last mark; None for a mark that lies before that one: it is not taken.
        """
        at_mm = self._lines.mark_mm(encoder)
        if not isinstance(self._segmenter, TriggerSegmenter) or at_mm < self._marked_mm:
            return None
        self._marked_mm = at_mm
        slipped = None if self._slip is None else self._slip.mark(at_mm, line=self._lines.line_at(at_mm))
        faults = () if slipped is None else (slipped,)
        self.add_faults(faults)
        self._segmenter.trigger(at_mm)
        return faults

    def cut_parts(self) -> None:
        """Take in the regions that have passed the camera."""
        self._add_parts(self._segmenter.advance(self._lines.camera_mm))

    def add_faults(self, faults: Sequence[LineFault]) -> None:
        """What is wrong with lines: no region that it touches can be OK."""
        if faults:
            self._book.add_faults(faults)
            for fault in faults:
                self._note(fault)

    def judged(self, judged: JudgedTile) -> JudgedTile:
        """Take in what was found in a tile, or that nobody looked at it.

        Returns:
            What it counts as: a tile that was judged when the place of its lines was forgotten is an overrun.
        """
        tile = judged.tile
        from_mm, to_mm = self._offered_mm.pop(tile)
        self._tiler.done(tile)
        if judged.found is not None and tile.top_px < self._lines.oldest_known:
            judged = JudgedTile(tile, None, _TOO_LONG_AGO, is_overrun=True)
        if judged.found is not None:
            self._carry.add(tile, judged.found)
            return judged
        kind = LineFaultKind.OVERRUN if judged.is_overrun else LineFaultKind.NOT_EXAMINED
        fault = LineFault(kind, tile.top_px, tile.bottom_px, from_mm, to_mm, judged.why_not or "not judged")
        self._note(fault)
        if not judged.is_shed:  # the regions that a shed one shows were decided without it
            self._book.add_faults((fault,))
        return judged

    def settle(self, now: datetime) -> tuple[RegionVerdict, ...]:
        """Decide the regions of which everything has been looked at, in order."""
        settled = self._tiler.settled_line
        if not settled:
            return ()
        self._keep_defects(self._carry.advance(settled))
        first_mm = min((from_mm for from_mm, _ in self._offered_mm.values()), default=None)
        settled_mm = self._lines.place_mm(settled) if first_mm is None else first_mm
        return self._decided(self._book.settle(settled_mm, open_defects=self._carry.open_defects(), now=now))

    def expire(self, part: WebPart, now: datetime) -> tuple[RegionVerdict, ...]:
        """Decide a region by what is known now, since there is no more time."""
        return self._decided((self._book.expire(part.part_id, open_defects=self._carry.open_defects(), now=now),))

    def last_tiles(self) -> tuple[Tile, ...]:
        """The tiles that are left when no more lines come, and the regions that are left."""
        self._add_parts(self._segmenter.finish(self._lines.camera_mm))
        return self._placed(self._tiler.finish(self._lines.newest_line))

    def finish(self, now: datetime) -> tuple[RegionVerdict, ...]:
        """Decide the regions that are left, when all tiles are judged."""
        self._keep_defects(self._carry.finish())
        verdicts = self._decided(self._book.settle(self._lines.camera_mm, open_defects=(), now=now))
        return verdicts + tuple(verdict for region in self.undecided for verdict in self.expire(region.part, now))

    def verdicts(self) -> dict[Verdict, int]:
        """How many regions have each verdict."""
        return dict(Counter(region.verdict for region in self._regions))

    def correct(self, part_id: str, judgement: Judgement) -> None:
        """A region that was decided turned out to be too late."""
        at = next(at for at in reversed(range(len(self._regions))) if self._regions[at].part.part_id == part_id)
        self._regions[at] = replace(self._regions[at], verdict=judgement.verdict, reasons=judgement.reasons)

    def abandon(self, why: Reason) -> None:
        """The run ended in an error: nobody goes on looking at the regions that are left."""
        if not self._lines.newest_line:
            return
        self._add_parts(self._segmenter.finish(self._lines.camera_mm))
        self._defects.extend(self._carry.finish())
        self._regions.extend(RollRegion(each.part, Verdict.NOT_INSPECTED, (why,)) for each in self._undecided)
        self._undecided.clear()

    def roll_map(self) -> RollMap:
        """All that was found on the roll so far."""
        return RollMap(
            roll=self._plan.roll,
            width_mm=self._plan.width_mm,
            length_mm=self._lines.camera_mm,
            recipe=f"{self._recipe.id}@{self._recipe.version}",
            product=self._recipe.product,
            regions=tuple(self._regions),
            defects=tuple(self._defects),
            faults=joined_faults([*self._faults, *self._open_faults.values()]),
        )

    def _placed(self, tiles: tuple[Tile, ...]) -> tuple[Tile, ...]:
        """Remember where tiles lie, for as long as they are open.

        A gap that was filled at once can be longer than places are kept: a tile in it counts as beginning where the
        one before it does, so that nothing is settled through it.
        """
        for tile in tiles:
            oldest = self._lines.oldest_known
            if tile.top_px >= oldest:
                self._offered_from_mm = self._lines.place_mm(tile.top_px)
            self._offered_mm[tile] = self._offered_from_mm, self._lines.place_mm(max(tile.bottom_px, oldest))
        return tiles

    def _note(self, fault: LineFault) -> None:
        """For the roll map: a stretch that adjoins the last one of its kind becomes one with it.

        A bad roll tells of several kinds by turns with every chunk of lines, for hours.
        """
        last = self._open_faults.get(fault.kind)
        *ended, self._open_faults[fault.kind] = joined_faults([fault] if last is None else [last, fault])
        self._faults += ended

    def _add_parts(self, parts: Sequence[WebPart]) -> None:
        for part in parts:
            self._book.add_part(part)
            first_line, end_line = self._lines.line_at(part.from_mm), self._lines.line_at(part.to_mm)
            self._undecided.append(PassedRegion(part, first_line, end_line))

    def _keep_defects(self, finished: Sequence[WebDefect]) -> None:
        self._defects.extend(finished)
        self._book.add_defects(finished)

    def _decided(self, verdicts: Sequence[RegionVerdict]) -> tuple[RegionVerdict, ...]:
        refusal = self._why_not()
        if refusal is not None:
            verdicts = [replace(each, judgement=_refused(each.judgement, refusal)) for each in verdicts]
        names = {verdict.part.part_id for verdict in verdicts}
        if names:
            self._undecided = deque(each for each in self._undecided if each.part.part_id not in names)
            self._regions.extend(map(RollRegion.of, verdicts))
        return tuple(verdicts)


def _refused(judgement: Judgement, refusal: Reason) -> Judgement:
    """What was found by a model that may not judge decides nothing."""
    return replace(judgement, verdict=Verdict.NOT_INSPECTED, reasons=(refusal,))
