"""Follows the encoder's counts: rollover, running back, jumps, standing still."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.strips.encoder_scale import EncoderScale
from lineside.inspection.strips.lines import Counts, LineFaultKind
from lineside.inspection.strips.watch_rules import WatchRules


@dataclass(frozen=True, slots=True)
class CountFault:
    """A fault, placed in forward counts."""

    kind: LineFaultKind
    from_count: int
    to_count: int
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """What the counts of lines say.

    Attributes:
        keep: bool (n,): lines that show web not seen before.
        ends: int64 of the kept ones: the forward count at which each ends; they do not fall.
        faults: in order.
    """

    keep: NDArray[np.bool_]
    ends: Counts
    faults: tuple[CountFault, ...]


class EncoderWatch:
    """Turns an encoder's counts into places that only grow.

    While the web runs back its lines are set aside until it has passed where it turned: what they show was seen.
    Moving back by less than one line is the encoder's trembling, and counts as standing.

    Args:
        scale: for the direction, and messages in mm.
        rules: limits.
        first_encoder: the encoder at the end of the first line that came.
        lines_before: lines of the web before that one; as the line itself they are nominal ones.
    """

    def __init__(self, scale: EncoderScale, rules: WatchRules, *, first_encoder: int, lines_before: int = 0) -> None:
        self._scale = scale
        self._rules = rules
        self._raw = first_encoder
        self._first_counts = (lines_before + 1) * rules.counts_per_line
        self._count = first_encoder * scale.direction - self._first_counts
        self._furthest = self._count
        self._is_back = False
        self._standing = 0

    @property
    def furthest(self) -> int:
        """The forward count that the web has come to: at first, where its first line begins."""
        return self._furthest

    def would_repeat(self, encoder: Counts) -> bool:
        """Whether counts say that these lines lie where lines lay before."""
        steps = self._steps(encoder)
        return bool((self._count + np.cumsum(steps) <= self._furthest).all())

    def ahead(self, encoder: int) -> int:
        """How far a count lies before where the web has come to."""
        return self._count + int(self._steps(np.array([encoder], np.int64))[0]) - self._furthest

    def follow(self, encoder: Counts, *, missing: int = 0) -> Followed:
        """Take the counts of further lines in.

        Args:
            encoder: int64 (n,) as the encoder counts.
            missing: lines that were lost before the first of them.
        """
        steps = self._steps(encoder, missing=missing)
        counts = self._count + np.cumsum(steps)
        reached = np.maximum.accumulate(np.concatenate([[self._furthest], counts]))
        behind = reached[:-1] - counts
        is_back = behind >= self._rules.counts_per_line
        standing = self._standing_lines(steps)
        is_stuck = standing > self._rules.stuck_lines
        faults = [*self._back_faults(is_back, reached, behind), *self._stuck_faults(standing, reached)]
        keep = ~(is_back | is_stuck)
        ends = reached[1:][keep]
        faults += self._jump_faults(ends, missing)
        self._raw, self._count, self._furthest = int(encoder[-1]), int(counts[-1]), int(reached[-1])
        self._is_back, self._standing, self._first_counts = bool(is_back[-1]), int(standing[-1]), 0
        return Followed(keep, ends, tuple(faults))

    def _steps(self, encoder: Counts, *, missing: int = 0) -> Counts:
        """Forward counts from line to line.

        A counter that rolls over tells a step only within half its range: for lines that were lost, around theirs.
        """
        steps = np.diff(encoder, prepend=self._raw)
        bits = self._rules.encoder_bits
        if bits is not None:
            half = 1 << (bits - 1)
            before = np.zeros(len(steps), np.int64)
            before[0] = 0 if self._first_counts else missing * self._rules.counts_per_line * self._scale.direction
            steps = (steps - before + half) % (1 << bits) - half + before
        steps = self._scale.forward(steps)
        steps[0] += self._first_counts  # 0 after the first line
        return steps

    def _standing_lines(self, steps: Counts) -> Counts:
        """How many lines in a row, up to each, brought no step."""
        numbers = np.arange(1, len(steps) + 1)
        last_moved = np.maximum.accumulate(np.where(steps == 0, -self._standing, numbers))
        standing: Counts = numbers - last_moved
        return standing

    def _back_faults(self, is_back: NDArray[np.bool_], reached: Counts, behind: Counts) -> list[CountFault]:
        begins = np.flatnonzero(is_back & ~np.concatenate([[self._is_back], is_back[:-1]]))
        return [
            CountFault(
                LineFaultKind.ENCODER_BACKWARDS,
                int(reached[at]),
                int(reached[at]),
                f"the encoder ran back by {behind[at] * self._scale.mm_per_count:.3g} mm or more; its lines are set "
                "aside until it has come past that place again: check drive, encoder and its direction",
            )
            for at in begins
        ]

    def _stuck_faults(self, standing: Counts, reached: Counts) -> list[CountFault]:
        return [
            CountFault(
                LineFaultKind.ENCODER_STUCK,
                int(reached[at + 1]),
                int(reached[at + 1]),
                f"more than {self._rules.stuck_lines} lines came while the encoder stood; if the web ran, check the "
                "encoder: it saw none of it",
            )
            for at in np.flatnonzero(standing == self._rules.stuck_lines + 1)
        ]

    def _jump_faults(self, ends: Counts, missing: int) -> list[CountFault]:
        if not len(ends):
            return []
        before = np.concatenate([[self._furthest], ends[:-1]])
        most = np.full(len(ends), self._rules.most_jump_lines * self._rules.counts_per_line)
        most[0] *= missing + 1
        return [
            CountFault(
                LineFaultKind.ENCODER_JUMP,
                int(before[at]),
                int(ends[at]),
                f"the encoder moved {(ends[at] - before[at]) * self._scale.mm_per_count:.4g} mm from one line to the "
                f"next; expected at most {most[at] * self._scale.mm_per_count:.4g} mm: check encoder and line trigger",
            )
            for at in np.flatnonzero(ends - before > most)
        ]
