"""The last lines of the web in bounded memory, every window of them readable without a copy."""

import threading
from types import TracebackType

import numpy as np

from lineside.inspection.errors import LinesNotYet, LinesOverwritten
from lineside.inspection.strips.lines import Lines, read_only
from lineside.inspection.strips.mirrored import MirroredRows, mirrored_rows


class LineWindow:
    """Lines reserved for reading: a view into the ring, whole for as long as `is_intact` says so.

    The camera does not wait: where a reader is too slow its lines are overwritten, and the window knows it. What was
    computed from a window counts only if it was intact **afterwards**.

    Use as a context manager, so that it is given back.

    Attributes:
        first_line: the first line of the web in it.
        lines: uint8 (count, width), read-only.
    """

    def __init__(self, ring: "LineRing", first_line: int, lines: Lines) -> None:
        self.first_line = first_line
        self.lines = lines
        self._ring = ring

    @property
    def is_intact(self) -> bool:
        """Whether no line of it has been overwritten, or is being overwritten, since it was reserved."""
        return self._ring.keeps(self.first_line)

    def __enter__(self) -> "LineWindow":
        """The window itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._ring.release(self)


class LineRing:
    """A ring of lines: one writer, any number of readers, in threads.

    Lines of the web are counted from 0 at the first that was ever written. Each is copied once, into the ring; a
    window is a view, contiguous across the ring's end too (see `mirrored`).

    Args:
        width_px: of a line.
        capacity_lines: kept at least; may be rounded up to whole pages of memory.
        rows: memory of another kind than the best of this system.
    """

    def __init__(self, *, width_px: int, capacity_lines: int, rows: MirroredRows | None = None) -> None:
        if width_px < 1 or capacity_lines < 1:
            raise ValueError(f"a ring of {capacity_lines} lines, {width_px} px wide; expected at least 1 each")
        memory = mirrored_rows(width_px, capacity_lines) if rows is None else rows
        if memory.rows.shape[1] != width_px:
            raise ValueError(f"the ring's rows are {memory.rows.shape[1]} px wide; expected {width_px}")
        self._memory = memory
        self._readable = read_only(memory.rows)
        self._lock = threading.Lock()
        self._newest = 0
        self._writing_to = 0  # ahead of `_newest` while a copy runs: lines below it minus the capacity are going
        self._reserved: set[LineWindow] = set()
        self._overrun_lines = 0

    @property
    def width_px(self) -> int:
        """Pixels of a line."""
        return int(self._memory.rows.shape[1])

    @property
    def capacity_lines(self) -> int:
        """Lines that it keeps."""
        return self._memory.capacity

    @property
    def is_mapped(self) -> bool:
        """Whether its memory is mapped twice, so that each line is written once."""
        return self._memory.is_mapped

    @property
    def newest_line(self) -> int:
        """One past the newest line."""
        return self._newest

    @property
    def oldest_line(self) -> int:
        """The oldest line that is still whole."""
        return max(0, self._writing_to - self.capacity_lines)

    @property
    def overrun_lines(self) -> int:
        """Lines that were overwritten while a window on them was reserved, each counted once a window."""
        return self._overrun_lines

    def write(self, lines: Lines) -> int:
        """Append lines, over the oldest.

        Args:
            lines: uint8 (n, width), n at most the capacity; copied.

        Returns:
            The line of the web that the first of them became.

        Raises:
            ValueError: they are of another width or type, or more than the ring holds.
        """
        if lines.ndim != 2 or lines.dtype != np.uint8 or lines.shape[1] != self.width_px:
            raise ValueError(f"lines of {lines.dtype} {lines.shape}; expected uint8 (n, {self.width_px})")
        if len(lines) > self.capacity_lines:
            raise ValueError(f"{len(lines)} lines at once; the ring holds {self.capacity_lines}: write them in pieces")
        with self._lock:
            first_line = self._newest
            self._announce(first_line + len(lines))
        self._memory.write(first_line % self.capacity_lines, lines)
        with self._lock:
            self._newest = first_line + len(lines)
        return first_line

    def reserve(self, first_line: int, count: int) -> LineWindow:
        """A window that notices when it is overwritten.

        Raises:
            LinesOverwritten: some of its lines are gone.
            LinesNotYet: some have not been written.
            ValueError: it holds no line, or more than the ring.
        """
        with self._lock:
            window = LineWindow(self, first_line, self.view(first_line, count))
            self._reserved.add(window)
        return window

    def release(self, window: LineWindow) -> None:
        """Give a window back; one that was given back before is left alone."""
        with self._lock:
            self._reserved.discard(window)

    def view(self, first_line: int, count: int) -> Lines:
        """Lines without a copy, read-only, contiguous; the writer may overwrite them any time.

        Raises:
            As `reserve`.
        """
        if not 1 <= count <= self.capacity_lines or first_line < 0:
            raise ValueError(
                f"{count} lines from {first_line} on; expected 1 to {self.capacity_lines} lines, from 0 or later on"
            )
        if first_line + count > self._newest:
            raise LinesNotYet(
                f"lines {first_line} to {first_line + count} are not there yet: the newest is {self._newest - 1}"
            )
        if not self.keeps(first_line):
            raise LinesOverwritten(
                f"lines from {first_line} on are overwritten: the oldest kept is {self.oldest_line}; judge faster, or "
                "give the ring more lines"
            )
        start = first_line % self.capacity_lines
        return self._readable[start : start + count]

    def keeps(self, line: int) -> bool:
        """Whether a line that was written is whole, and not about to be overwritten."""
        return line >= self._writing_to - self.capacity_lines

    def _announce(self, writing_to: int) -> None:
        """Say before the copy what it will overwrite, and count what is lost to readers."""
        gone_before = self._writing_to - self.capacity_lines
        gone_now = writing_to - self.capacity_lines
        for window in self._reserved:
            end_line = window.first_line + len(window.lines)
            lost = min(gone_now, end_line) - max(gone_before, window.first_line)
            self._overrun_lines += max(0, lost)
        self._writing_to = writing_to
