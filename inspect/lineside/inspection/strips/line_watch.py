"""Out of a camera's chunks the lines of the web, in order, each once and in its place, and what is wrong with them."""

from dataclasses import dataclass

import numpy as np

from lineside.inspection.errors import GeometryMismatch
from lineside.inspection.strips.encoder_scale import EncoderScale
from lineside.inspection.strips.encoder_watch import CountFault, EncoderWatch
from lineside.inspection.strips.lines import Counts, LineChunk, LineFault, LineFaultKind, Lines, read_only
from lineside.inspection.strips.picture_watch import PitchWatch, RepeatWatch
from lineside.inspection.strips.resampling import LineResampler
from lineside.inspection.strips.watch_rules import SpeedChange, WatchRules


@dataclass(frozen=True, slots=True, eq=False)
class LineRun:
    """Lines of the web that follow one another.

    Attributes:
        lines: uint8 (n, width), read-only: a view of the chunk where nothing had to be done to it.
        ends: int64 (n,): the forward count at which each ends; they do not fall.
    """

    lines: Lines
    ends: Counts

    def __post_init__(self) -> None:
        """Keep the pixels as they are."""
        object.__setattr__(self, "lines", read_only(self.lines))


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of a chunk.

    Attributes:
        runs: the lines of the web that it adds, in order.
        faults: what is wrong with them.
    """

    runs: tuple[LineRun, ...]
    faults: tuple[LineFault, ...]


@dataclass(slots=True, eq=False)
class _Following:
    """What is followed from the first line on."""

    encoder: EncoderWatch
    pitch: PitchWatch
    repeats: RepeatWatch | None
    resampler: LineResampler | None
    next_line: int
    last: Lines


class LineWatch:
    """Watches the lines of one roll, which begins at the camera's line 0, whether that one came or not.

    A gap in the camera's counter is filled with the last line before it, so that the picture keeps its proportions;
    the fault says that nobody saw the place. Copies (the counter repeats) and lines of a web that runs back or stands
    are set aside. With `SpeedChange.RESAMPLE` the runs are at the nominal pitch.

    Args:
        width_px: of a line.
        scale: of the encoder.
        rules: what lines and encoder must satisfy.
    """

    def __init__(self, *, width_px: int, scale: EncoderScale, rules: WatchRules) -> None:
        self._width_px = width_px
        self._scale = scale
        self._rules = rules
        self._start = 0
        self._following: _Following | None = None
        self._web_lines = 0

    @property
    def start_count(self) -> int | None:
        """Forward count at which the camera's line 0 begins, the place 0 mm; None before the first chunk."""
        return None if self._following is None else self._start

    def accept(self, chunk: LineChunk) -> Watched:
        """Take the camera's next chunk in.

        Raises:
            GeometryMismatch: its lines are of another width.
        """
        if chunk.lines.shape[1] != self._width_px:
            raise GeometryMismatch(
                f"lines of {chunk.lines.shape[1]} px; expected {self._width_px}: check the camera's region of interest"
            )
        following = self._begin(chunk) if self._following is None else self._following
        reached = following.encoder.furthest
        skip, lost, counter_faults = self._by_counter(chunk, following)
        following.next_line = max(following.next_line, chunk.first_line + len(chunk))
        if counter_faults and counter_faults[0].kind is LineFaultKind.COUNTER_RESET:
            following.next_line = chunk.first_line + len(chunk)
        if skip == len(chunk):
            return self._watched([], counter_faults)
        lines, encoder = chunk.lines[skip:], chunk.encoder[skip:]
        followed = following.encoder.follow(encoder, missing=lost)
        faults = [*_placed(counter_faults, followed.ends), *followed.faults]
        kept = lines if followed.keep.all() else lines[followed.keep]
        if not len(kept):
            return self._watched([], faults)
        taken = [(kept, followed.ends)]
        if missing := min(lost, self._rules.most_fill_lines):
            between = np.linspace(reached, followed.ends[0], missing + 2)[1:-1].astype(np.int64)
            taken.insert(0, (np.broadcast_to(following.last, (missing, self._width_px)), between))
        for some_lines, ends in taken:
            faults += following.pitch.look(ends)
            if following.repeats is not None and some_lines is kept:
                faults += following.repeats.look(some_lines, ends)
        if following.resampler is not None:
            taken = [piece for run in taken for piece in following.resampler.resample(*run)]
        following.last = kept[-1].copy()
        return self._watched(taken, faults)

    def _begin(self, chunk: LineChunk) -> _Following:
        rules = self._rules
        encoder = EncoderWatch(self._scale, rules, first_encoder=int(chunk.encoder[0]), lines_before=chunk.first_line)
        start = self._start = encoder.furthest
        self._following = _Following(
            encoder=encoder,
            pitch=PitchWatch(rules, start_count=start),
            repeats=None if rules.repeated_lines is None else RepeatWatch(rules.repeated_lines, start_count=start),
            resampler=None
            if rules.speed.on_change is SpeedChange.REFUSE
            else LineResampler(
                width_px=self._width_px,
                counts_per_line=rules.counts_per_line,
                start_count=start,
                most_wide_lines=rules.most_jump_lines,
            ),
            next_line=0,
            last=chunk.lines[0].copy(),
        )
        return self._following

    def _by_counter(self, chunk: LineChunk, following: _Following) -> tuple[int, int, list[CountFault]]:
        """Lines at the chunk's begin that are copies, lines lost before it, and the fault of either."""
        gap = chunk.first_line - following.next_line
        reached = following.encoder.furthest
        if gap == 0:
            return 0, 0, []
        if gap > 0:
            where = f"the camera's counter went from {following.next_line - 1} to {chunk.first_line}"
            if not following.next_line:
                where = f"they passed before the first that came, the camera's line {chunk.first_line}"
            message = f"{gap} lines were lost: {where}; check cable, network and buffers"
            return 0, gap, [CountFault(LineFaultKind.DROPPED, reached, reached, message)]
        copies = min(-gap, len(chunk))
        if following.encoder.would_repeat(chunk.encoder[:copies]):
            message = (
                f"{copies} lines came twice, from the camera's line {chunk.first_line} on; the copies are set aside"
            )
            return copies, 0, [CountFault(LineFaultKind.DUPLICATED, reached, reached, message)]
        forward = following.encoder.ahead(int(chunk.encoder[0]))
        message = f"the camera's counter fell from {following.next_line - 1} to {chunk.first_line}: it was restarted, "
        message += "and lines may be missing"
        lost = max(0, round(forward / self._rules.counts_per_line) - 1)
        return 0, lost, [CountFault(LineFaultKind.COUNTER_RESET, reached, reached, message)]

    def _watched(self, taken: list[tuple[Lines, Counts]], faults: list[CountFault]) -> Watched:
        """Number lines and place faults among them."""
        first = self._web_lines
        ends = np.concatenate([np.zeros(0, np.int64), *(ends for _, ends in taken)])
        self._web_lines += len(ends)
        runs = tuple(LineRun(lines, line_ends) for lines, line_ends in taken if len(lines))
        placed = []
        for fault in faults:
            first_line = first + int(np.searchsorted(ends, fault.from_count, side="right"))
            end_line = first + min(int(np.searchsorted(ends, fault.to_count, side="left")) + 1, len(ends))
            placed.append(
                LineFault(
                    fault.kind,
                    first_line,
                    max(first_line, end_line),
                    self._scale.length_mm(fault.from_count - self._start),
                    self._scale.length_mm(fault.to_count - self._start),
                    fault.message,
                )
            )
        return Watched(runs, tuple(placed))


def _placed(faults: list[CountFault], ends: Counts) -> list[CountFault]:
    """The counter's faults, up to the end of the first line that came after them."""
    if not len(ends):
        return faults
    return [CountFault(fault.kind, fault.from_count, int(ends[0]), fault.message) for fault in faults]
