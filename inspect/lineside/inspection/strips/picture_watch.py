"""What can be seen of a line's fault by pitch and pixels: speed, and one line sent again and again."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.strips.encoder_watch import CountFault
from lineside.inspection.strips.lines import Counts, LineFaultKind, Lines
from lineside.inspection.strips.watch_rules import WatchRules

PITCH_LINES = 32
"""The pitch is measured over so many lines: one line more or less is 3 % of it, and encoders tremble."""

_PROBE_STEP_PX = 16
"""Pixels compared first; nearly all pairs of different lines differ there already."""


class PitchWatch:
    """Holds the distance of lines to the speed rule.

    Args:
        rules: limits.
        start_count: forward count at which the first line begins.
    """

    def __init__(self, rules: WatchRules, *, start_count: int) -> None:
        self._rules = rules
        self._block_start = start_count
        self._lines = 0

    def look(self, ends: Counts) -> Iterator[CountFault]:
        """Faults of the blocks of lines that these complete, neighbouring ones as one.

        Args:
            ends: forward counts at which further lines end.
        """
        closing = ends[(-self._lines - 1) % PITCH_LINES :: PITCH_LINES]
        edges = np.concatenate([[self._block_start], closing])
        pitches = np.diff(edges) / (PITCH_LINES * self._rules.counts_per_line)
        low, high = self._rules.speed.bounds()
        for first, stop in stretches((pitches < low) | (pitches > high)):
            yield CountFault(
                LineFaultKind.SPEED,
                int(edges[first]),
                int(edges[stop]),
                f"lines lie {pitches[first]:.3g} nominal pitches apart; {self._rules.speed.on_change} accepts "
                f"{low:.3g} to {high:.3g}: check speed, encoder divider and line rate",
            )
        self._block_start = int(edges[-1])
        self._lines += len(ends)


class RepeatWatch:
    """Notices a camera that sends one line again and again while the web moves.

    Args:
        most_lines: lines of equal pixels in a row that are a fault.
        start_count: forward count at which the first line begins.
    """

    def __init__(self, most_lines: int, *, start_count: int) -> None:
        self._most = most_lines
        self._end = start_count
        self._last: Lines | None = None
        self._run_start = start_count  # where the lines began that equal the last one
        self._run_lines = 0

    def look(self, lines: Lines, ends: Counts) -> Iterator[CountFault]:
        """Faults of further lines.

        Args:
            lines: uint8 (n, width), n at least 1.
            ends: forward counts at which they end.
        """
        before = lines[:1] if self._last is None else self._last
        equal = _equals_line_before(lines, before)
        equal &= np.diff(ends, prepend=self._end) > 0
        if self._last is None:
            equal[0] = False
        starts = np.concatenate([[self._end], ends[:-1]])
        for first, stop in stretches(equal):
            if first > 0:  # else the run goes on from the lines before
                self._run_start, self._run_lines = int(starts[first - 1]), 1
            self._run_lines += stop - first
            if self._run_lines >= self._most:
                yield CountFault(
                    LineFaultKind.REPEATED,
                    self._run_start,
                    int(ends[stop - 1]),
                    f"{self._run_lines} lines of equal pixels while the web moved; check camera and frame grabber",
                )
        if not equal[-1]:
            self._run_start, self._run_lines = int(starts[-1]), 1
        self._end = int(ends[-1])
        self._last = lines[-1:].copy()


def stretches(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First index and one past the last of each run of True."""
    changes = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
    return zip(changes[::2], changes[1::2], strict=True)


def _equals_line_before(lines: Lines, before: Lines) -> NDArray[np.bool_]:
    """Bool (n,): which lines equal the one before them, the first that one."""
    probes = np.concatenate([before[:, ::_PROBE_STEP_PX], lines[:, ::_PROBE_STEP_PX]])
    equal: NDArray[np.bool_] = (probes[1:] == probes[:-1]).all(axis=1)
    for at in np.flatnonzero(equal).tolist():
        equal[at] = np.array_equal(lines[at], lines[at - 1] if at else before[0])
    return equal
