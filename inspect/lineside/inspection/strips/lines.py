"""What a line-scan camera delivers, and what can be wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.uint8]
"""(n, width_px) gray lines, the earliest first."""

Counts = NDArray[np.int64]
"""(n,) encoder counts, one a line."""


@dataclass(frozen=True, slots=True, eq=False)
class LineChunk:
    """Lines as they came from the camera, in one piece.

    Attributes:
        lines: uint8 (n, width_px), n at least 1; held as a read-only view, which the sender may not write to any more.
        first_line: the camera's own counter of the first line; the others follow by one.
        encoder: int64 (n,): the count latched as each line **ended**, as the encoder counts (direction and rollover
            are not undone). Where a camera tells it only once a chunk, interpolate between the chunks' ends.
        captured_at: aware UTC instant at which the last line ended.
    """

    lines: Lines
    first_line: int
    encoder: Counts
    captured_at: datetime

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.lines.dtype != np.uint8 or self.lines.ndim != 2 or 0 in self.lines.shape:
            raise ValueError(
                f"a chunk of lines is {self.lines.dtype} {self.lines.shape}; expected uint8 (lines, width), not empty"
            )
        if self.encoder.dtype != np.int64 or self.encoder.shape != self.lines.shape[:1]:
            raise ValueError(
                f"{len(self.lines)} lines came with encoder counts {self.encoder.dtype} {self.encoder.shape}; "
                "expected int64, one a line"
            )
        if self.first_line < 0:
            raise ValueError(f"the first line has number {self.first_line}; expected 0 or more")
        if self.captured_at.tzinfo is None:
            raise ValueError(f"captured_at is {self.captured_at}, without a time zone; expected an aware UTC instant")
        object.__setattr__(self, "lines", read_only(self.lines))

    def __len__(self) -> int:
        """Number of lines."""
        return len(self.lines)


class LineFaultKind(StrEnum):
    """What went wrong with lines, encoder or their examination."""

    DROPPED = "dropped"
    """The camera's counter skipped: these lines never arrived."""
    DUPLICATED = "duplicated"
    """The camera's counter repeated: the copies were set aside, nothing is missing."""
    REPEATED = "repeated"
    """Line after line with equal pixels while the web moved: the camera sends an old line."""
    COUNTER_RESET = "counter_reset"
    """The camera's counter began anew: how many lines are missing is known from the encoder alone."""
    ENCODER_BACKWARDS = "encoder_backwards"
    """The web, or its encoder, ran back: the lines were set aside until it had passed where it turned."""
    ENCODER_JUMP = "encoder_jump"
    """The encoder moved further than the web can between two lines: what lies between was not seen, or slipped by."""
    ENCODER_STUCK = "encoder_stuck"
    """Lines arrived while the encoder stood: nobody knows of which place they are."""
    SPEED = "speed"
    """Lines lie further apart, or closer, than the rule accepts: sizes and scale are not those of the model."""
    SLIP = "slip"
    """The encoder lost touch with the web: two marks of known distance lie otherwise apart by its count."""
    OVERRUN = "overrun"
    """Lines were overwritten in the ring before they had been looked at."""
    NOT_EXAMINED = "not_examined"
    """A window of the web was not examined, or too late."""

    @property
    def spoils(self) -> bool:
        """Whether the place it names cannot count as inspected. Only copies that were set aside leave it whole."""
        return self is not LineFaultKind.DUPLICATED


@dataclass(frozen=True, slots=True)
class LineFault:
    """A stretch of the web whose lines are missing or cannot be trusted.

    Attributes:
        kind: what is wrong.
        first_line: first line of the **web** (counted from its begin, whatever the camera counts) that it is about.
        end_line: one past the last; equal to `first_line` where lines were set aside and none entered the web.
        from_mm: where it begins along the web.
        to_mm: where it ends, at least `from_mm`.
        message: found, expected, what to look at.
    """

    kind: LineFaultKind
    first_line: int
    end_line: int
    from_mm: float
    to_mm: float
    message: str

    def __post_init__(self) -> None:
        """Refuse an interval that is inside out (a NaN compares as that, too)."""
        if not (0 <= self.first_line <= self.end_line and self.from_mm <= self.to_mm):
            raise ValueError(
                f"a fault from line {self.first_line} to {self.end_line}, {self.from_mm} to {self.to_mm} mm, "
                "is inside out; expected first <= end and from <= to"
            )


def read_only(lines: Lines) -> Lines:
    """The same pixels, through a view that cannot change them."""
    view = lines.view()
    view.setflags(write=False)
    return view


def joined_faults(faults: Iterable[LineFault]) -> tuple[LineFault, ...]:
    """Stretches of one kind that touch or overlap as one, in order along the web.

    A fault that lasts is told anew with every chunk of lines; on a roll it is one.
    """
    joined: list[LineFault] = []
    open_by_kind: dict[LineFaultKind, int] = {}
    for fault in sorted(faults, key=lambda each: (each.from_mm, each.to_mm, each.kind)):
        at = open_by_kind.get(fault.kind)
        if at is not None and fault.from_mm <= joined[at].to_mm:
            one = joined[at]
            lines = min(one.first_line, fault.first_line), max(one.end_line, fault.end_line)
            joined[at] = LineFault(fault.kind, *lines, one.from_mm, max(one.to_mm, fault.to_mm), one.message)
        else:
            open_by_kind[fault.kind] = len(joined)
            joined.append(fault)
    return tuple(joined)
