"""When a recipe asks that parts be held back: pure rules, obeyed by whoever watches the line."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lineside.inspection.errors import RecipeError


class HoldTrigger(StrEnum):
    """What sets a rule off."""

    RATE_ABOVE = "rate_above"
    """A defect rate is above the rule's limit, by more than chance."""
    CHART_SIGNAL = "chart_signal"
    """A point breaks a rule of a control chart that is held against a frozen baseline."""
    DRIFT_ALARM = "drift_alarm"
    """The watch for drift says that the line is no longer what it was."""
    IMAGE_ALARM = "image_alarm"
    """Pictures are unfit to judge by."""
    ESCAPE_CONFIRMED = "escape_confirmed"
    """A part that passed was found defective."""


class HoldAct(StrEnum):
    """What follows."""

    PROPOSE = "propose"
    """A person is asked to hold the parts."""
    ORDER = "order"
    """The parts are held at once."""


class HoldOf(StrEnum):
    """What is held, and for a rate: the parts of what it is of."""

    LOT = "lot"
    STATION = "station"


class RateCounted(StrEnum):
    """Which rate is held against the limit."""

    DETECTOR = "detector"
    """The share of NG parts: known at once, about the detector as much as about the process."""
    PROCESS = "process"
    """The estimated share of defective parts: what people confirmed, and what the audit found."""


@dataclass(frozen=True, slots=True)
class HoldRule:
    """One rule.

    Attributes:
        when: what sets it off.
        do: what follows.
        of: what is held.
        limit: the rate that is too high, in [0, 1); for `rate_above`, else None.
        confidence: the rate counts as above the limit if the lower end of its two-sided interval of this confidence is.
        min_parts: inspected parts before which a rate says nothing.
        counted: which rate.
    """

    when: HoldTrigger
    do: HoldAct = HoldAct.PROPOSE
    of: HoldOf = HoldOf.STATION
    limit: float | None = None
    confidence: float = 0.95
    min_parts: int = 30
    counted: RateCounted = RateCounted.DETECTOR

    def __post_init__(self) -> None:
        """Refuse a rule that could never act, or always."""
        if (self.when is HoldTrigger.RATE_ABOVE) != (self.limit is not None):
            raise RecipeError(
                f"a rule with when: {self.when.value} {'needs a' if self.limit is None else 'has no'} limit: "
                "rate_above has one, the others have none"
            )
        if self.limit is not None and not 0.0 <= self.limit < 1.0:
            raise RecipeError(f"limit is {self.limit}; expected a share from 0 up to, not with, 1, such as 0.02")
        if not (math.isfinite(self.confidence) and 0.5 <= self.confidence < 1.0):
            raise RecipeError(f"confidence is {self.confidence}; expected a number from 0.5 up to, not with, 1")
        if self.min_parts < 1:
            raise RecipeError(f"min_parts is {self.min_parts}; expected 1 or more")

    @property
    def name(self) -> str:
        """How people and the log tell it from the recipe's other rules."""
        rate = "" if self.limit is None else f" {self.limit:g} ({self.counted.value})"
        return f"{self.when.value}{rate}: {self.do.value} a hold of the {self.of.value}"

    def covers(self, other: "HoldRule") -> bool:
        """Whether it acts at least whenever another rule would, as hard, on the same parts."""
        return (
            (self.when, self.of, self.counted) == (other.when, other.of, other.counted)
            and (self.do is HoldAct.ORDER or other.do is HoldAct.PROPOSE)
            and (self.limit or 0.0) <= (other.limit or 0.0)
            and self.confidence <= other.confidence
            and self.min_parts <= other.min_parts
        )


def dropped_rules(new: Sequence[HoldRule], old: Sequence[HoldRule]) -> Iterator[HoldRule]:
    """The old rules that no new rule covers: each may now let parts go on that it would have held."""
    return (rule for rule in old if not any(each.covers(rule) for each in new))
