"""What lines and encoder must satisfy to be judged."""

import math
from dataclasses import dataclass
from enum import StrEnum

MOST_ENCODER_BITS = 62
"""A counter of more bits does not roll over in the life of a plant, and would not fit the arithmetic."""


class SpeedChange(StrEnum):
    """What to do where lines do not lie one nominal pitch apart."""

    RESAMPLE = "resample"
    """Average lines that lie closer, and stretch those that lie wider, to the nominal pitch."""
    REFUSE = "refuse"
    """Take lines as they are; a stretch whose pitch is off is not inspected."""


@dataclass(frozen=True, slots=True)
class SpeedRule:
    """How far the pitch of lines may lie from the nominal one.

    Attributes:
        on_change: what happens then.
        tolerance: deviation of the pitch that `REFUSE` still accepts, as a share of the nominal pitch.
        most_stretch: lines this many times further apart than the nominal pitch are refused by `RESAMPLE` too: what
            lay between them was not seen.
    """

    on_change: SpeedChange = SpeedChange.REFUSE
    tolerance: float = 0.05
    most_stretch: float = 1.5

    def __post_init__(self) -> None:
        """Refuse a rule that accepts nothing, or anything."""
        if not 0.0 < self.tolerance < 1.0:
            raise ValueError(f"a pitch tolerance of {self.tolerance}; expected a share above 0 and below 1")
        if not (math.isfinite(self.most_stretch) and self.most_stretch >= 1.0):
            raise ValueError(f"most_stretch is {self.most_stretch}; expected a finite number of at least 1")

    def bounds(self) -> tuple[float, float]:
        """Least and largest pitch accepted, in nominal ones."""
        if self.on_change is SpeedChange.RESAMPLE:
            return 0.0, self.most_stretch
        return 1.0 - self.tolerance, 1.0 + self.tolerance


@dataclass(frozen=True, slots=True)
class WatchRules:
    """When lines or encoder are at fault.

    Attributes:
        counts_per_line: encoder counts of one line at the nominal pitch; an integer, as encoder dividers are.
        speed: about pitches near it.
        most_jump_lines: the encoder may move this many pitches from one line to the next; more is a jump.
        stuck_lines: lines that may carry one encoder count; further ones are set aside, and the place is at fault.
        repeated_lines: so many lines of equal pixels on a moving web are one line sent again and again; None does not
            look (a picture without noise, as of a computed web or a dark lamp).
        most_fill_lines: so many missing lines at most are filled with the last one before them.
        encoder_bits: the encoder rolls over after 2 to this power; None where it never does.
    """

    counts_per_line: int
    speed: SpeedRule = SpeedRule()
    most_jump_lines: int = 16
    stuck_lines: int = 64
    repeated_lines: int | None = 8
    most_fill_lines: int = 4096
    encoder_bits: int | None = None

    def __post_init__(self) -> None:
        """Refuse rules that cannot be applied."""
        numbers = {
            "counts_per_line": (self.counts_per_line, 1),
            "most_jump_lines": (self.most_jump_lines, 2),
            "stuck_lines": (self.stuck_lines, 1),
            "most_fill_lines": (self.most_fill_lines, 0),
            "repeated_lines": (2 if self.repeated_lines is None else self.repeated_lines, 2),
        }
        for name, (found, least) in numbers.items():
            if found < least:
                raise ValueError(f"{name} is {found}; expected at least {least}")
        if self.speed.most_stretch > self.most_jump_lines:
            raise ValueError(
                f"most_stretch is {self.speed.most_stretch} and most_jump_lines {self.most_jump_lines}; expected a "
                "jump to be more than a stretch"
            )
        if self.encoder_bits is not None and not 8 <= self.encoder_bits <= MOST_ENCODER_BITS:
            raise ValueError(f"encoder_bits is {self.encoder_bits}; expected 8 to {MOST_ENCODER_BITS}, or none")
