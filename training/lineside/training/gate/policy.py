"""What a plant asks of a release before it goes live: limits that are written down, not argued about."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class ClassHit(StrEnum):
    """When a defect of a class counts as found, for the criteria of that class."""

    RIGHT_CLASS = "right_class"
    """A reported defect of the same class overlaps it."""
    FOUND = "found"
    """Any reported defect overlaps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscapePolicy:
    """Escapes: defective parts that pass.

    Attributes:
        margin: how much more often the candidate may miss than the live model, at most; a difference of shares.
        confidence: of the bounds.
        power: the chance with which an equally good candidate should pass, for the number of parts asked for.
        expected_discordant_share: share of defective parts on which two good models differ, for that number where the
            data shows fewer. 0.065 is two models that miss 5 % each with a correlation of 0.3.
        limit_when_nothing_is_live: the escape rate's upper bound, where there is no live model to compare with.
    """

    margin: float = 0.02
    confidence: float = 0.95
    power: float = 0.8
    expected_discordant_share: float = 0.065
    limit_when_nothing_is_live: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """What one class needs beyond not being shown worse.

    Attributes:
        minimum_parts: parts with a defect of the class that the data must hold.
        minimum_recall: the lower bound of the class's recall must reach it; None asks for none.
        may_be_unproven: with too few parts to show even a blind model worse, the class does not block.
    """

    minimum_parts: int = 0
    minimum_recall: float | None = None
    may_be_unproven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPolicy:
    """Each class of defects.

    Attributes:
        level: chance of calling any class better or worse by luck, over all of them (Holm).
        confidence: of the bounds of recall.
        hit: when a defect counts as found.
        default: for classes that `of` does not name.
        of: rules of single classes.
        recall_of_a_new_class: lower bound that a class which the live model does not know must reach.
        recall_when_nothing_is_live: lower bound that every class must reach without a live model.
    """

    level: float = 0.05
    confidence: float = 0.95
    hit: ClassHit = ClassHit.RIGHT_CLASS
    default: ClassRule = field(default_factory=ClassRule)
    of: Mapping[str, ClassRule] = field(default_factory=dict)
    recall_of_a_new_class: float = 0.8
    recall_when_nothing_is_live: float = 0.8

    def __post_init__(self) -> None:
        """Make the rules unchangeable."""
        object.__setattr__(self, "of", MappingProxyType(dict(self.of)))

    def rule_of(self, class_name: str) -> ClassRule:
        """The rule of a class."""
        return self.of.get(class_name, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverkillPolicy:
    """Overkill: good parts that do not pass.

    Attributes:
        budget: what the upper bound of the candidate's overkill may be.
        confidence: of that bound.
        level: of the test whether the candidate has more overkill than the live model.
        is_required: too few good parts to answer block the promotion.
    """

    budget: float = 0.05
    confidence: float = 0.95
    level: float = 0.05
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EscapeBankPolicy:
    """The escape bank: parts that once got away.

    Attributes:
        is_required: without a bank the promotion is blocked. A looser recipe always needs one.
    """

    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPolicy:
    """Time for one part, measured in the evaluation on its host.

    Attributes:
        max_p99_ms: the slowest in a hundred may take this long; None does not ask.
        max_ratio_to_live: and this many times as long as with the live model; None does not ask.
        is_required: an evaluation without timings blocks the promotion.
    """

    max_p99_ms: float | None = 1000.0
    max_ratio_to_live: float | None = 1.5
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """Everything that the gate decides by.

    Attributes:
        escapes: defective parts that pass.
        classes: each class of defects.
        overkill: good parts that do not pass.
        escape_bank: parts that once got away.
        latency: time for one part.
    """

    escapes: EscapePolicy = field(default_factory=EscapePolicy)
    classes: ClassPolicy = field(default_factory=ClassPolicy)
    overkill: OverkillPolicy = field(default_factory=OverkillPolicy)
    escape_bank: EscapeBankPolicy = field(default_factory=EscapeBankPolicy)
    latency: LatencyPolicy = field(default_factory=LatencyPolicy)

    def to_document(self) -> Mapping[str, Any]:
        """JSON values, as a policy file would have them: a report says by what it judged."""
        return {
            "schema": "lineside.gate-policy/1",
            **{section.name: _document(getattr(self, section.name)) for section in dataclasses.fields(self)},
        }


def _document(section: Any) -> Mapping[str, Any]:
    values = {entry.name: getattr(section, entry.name) for entry in dataclasses.fields(section)}
    return {
        name: _document(value)
        if dataclasses.is_dataclass(value)
        else {key: _document(rule) for key, rule in value.items()}
        if isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }
