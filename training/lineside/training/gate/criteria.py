"""What a gate asks and what it found: one record for one question."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """What the data says to a question.

    `TOO_FEW` and `NOT_SHOWN` are no weak "yes": the first says that this data could not have answered, the second
    that it did not.
    """

    PASSED = "passed"
    FAILED = "failed"
    NOT_SHOWN = "not_shown"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One question of the gate with its answer.

    Attributes:
        id: machine-readable, snake_case; that of a class ends in its name: "class:open".
        title: the question, for people.
        outcome: the answer.
        blocks: it stands in the way of promotion. What passed never does; what is only reported neither.
        figure: what was compared with the limit; None if there is none.
        limit: what the figure was compared with; None if there is none.
        detail: the counts behind it and, where data is missing, how much.
        counts: the same counts for programs.
    """

    id: str
    title: str
    outcome: Outcome
    blocks: bool
    figure: float | None = None
    limit: float | None = None
    detail: str
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a contradiction and a figure that JSON cannot carry."""
        if self.blocks and self.outcome is Outcome.PASSED:
            raise ValueError(f"criterion {self.id!r} passed and blocks; it cannot do both")
        for name, value in (("figure", self.figure), ("limit", self.limit)):
            if value is not None and not math.isfinite(value):
                raise ValueError(f"the {name} of criterion {self.id!r} is {value}; expected a finite number or none")
        object.__setattr__(self, "counts", MappingProxyType(dict(self.counts)))


def percent(share: float) -> str:
    """A share as people read it: percent with the digits that matter."""
    return f"{100 * share:.2f} %"


def points(difference: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return f"{100 * difference:+.2f} points"
