"""Lines at the encoder's nominal pitch out of lines at any pitch."""

import numpy as np

from lineside.inspection.strips.lines import Counts, Lines

_BLOCK_LINES = 256
"""Lines summed at once: 8 bytes a pixel of them are held."""


class LineResampler:
    """Averages each nominal line out of the lines that lie in its stretch, by the share that each covers.

    All is exact in integers (pixel values times counts, rounded half up), so the result does not depend on the pieces
    in which lines arrive. Lines at the nominal pitch pass as they are, without a copy.

    Args:
        width_px: of a line.
        counts_per_line: counts of a nominal line.
        start_count: where the first begins.
        most_wide_lines: a line that covers more nominal ones than this (the encoder jumped) stays one line, and the
            pitch begins anew behind it.
    """

    def __init__(self, *, width_px: int, counts_per_line: int, start_count: int, most_wide_lines: int) -> None:
        self._pitch = counts_per_line
        self._widest = counts_per_line * max(1, most_wide_lines)
        self._edge = start_count  # end of the last line given out
        self._reached = start_count  # end of the last line taken in
        self._begun = np.zeros(width_px, np.int64)  # pixel * counts of the line under way

    def resample(self, lines: Lines, ends: Counts) -> list[tuple[Lines, Counts]]:
        """Take lines in, in order.

        Args:
            lines: uint8 (n, width).
            ends: forward count at which each ends; they do not fall.

        Returns:
            Lines that are complete, with the counts at which they end, in pieces.
        """
        pieces: list[tuple[Lines, Counts]] = []
        for start in range(0, len(lines), _BLOCK_LINES):
            block, block_ends = lines[start : start + _BLOCK_LINES], ends[start : start + _BLOCK_LINES]
            wide = np.flatnonzero(np.diff(block_ends, prepend=self._reached) > self._widest).tolist()
            done = 0
            for at in wide:
                pieces += self._resample(block[done:at], block_ends[done:at])
                pieces += self._jump(block[at], int(block_ends[at]))
                done = at + 1
            pieces += self._resample(block[done:], block_ends[done:])
        return pieces

    def _resample(self, lines: Lines, ends: Counts) -> list[tuple[Lines, Counts]]:
        if not len(lines):
            return []
        edges = np.concatenate([[self._reached], ends])
        widths = np.diff(edges)
        if self._edge == self._reached and bool((widths == self._pitch).all()):
            self._edge = self._reached = int(ends[-1])
            return [(lines, ends)]
        sums = np.zeros((len(lines) + 1, lines.shape[1]), np.int64)
        for at, line in enumerate(lines * widths[:, None]):
            np.add(sums[at], line, out=sums[at + 1])  # row by row: 20 times as fast as `cumsum` along the first axis
        complete = (int(ends[-1]) - self._edge) // self._pitch
        new_ends = self._edge + self._pitch * np.arange(1, complete + 1, dtype=np.int64)
        within = np.minimum(np.searchsorted(edges, new_ends, side="right") - 1, len(lines) - 1)
        at_ends = sums[within] + lines[within] * (new_ends - edges[within])[:, None]
        begun_before = self._begun
        self._begun = sums[-1] - at_ends[-1] if complete else begun_before + sums[-1]
        self._reached = int(ends[-1])
        if not complete:
            return []
        self._edge = int(new_ends[-1])
        totals = np.diff(at_ends, axis=0, prepend=-begun_before[None])
        return [(((totals + self._pitch // 2) // self._pitch).astype(np.uint8), new_ends)]

    def _jump(self, line: Lines, end: int) -> list[tuple[Lines, Counts]]:
        """One line over all that was jumped, from the end of the last nominal one on."""
        self._edge = self._reached = end
        self._begun = np.zeros_like(self._begun)
        return [(line[None], np.array([end], np.int64))]
