"""What the queue is made from and what it is: candidates in, picks out, each with its reason and its chance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lineside.datasets.labelled import SampleOrigin
from lineside.inspection.verdict import Verdict


class PickReason(StrEnum):
    """Why an inspection is put before a person."""

    AUDIT = "audit"
    OPERATOR_REPORT = "operator_report"
    NEAR_THRESHOLD = "near_threshold"
    DISAGREEMENT = "disagreement"
    RARE_CLASS = "rare_class"
    DIVERSITY = "diversity"
    NOVELTY = "novelty"
    RANDOM = "random"
    LABEL_CHECK = "label_check"


DRAWN_REASONS = frozenset({PickReason.AUDIT, PickReason.RANDOM})
"""By lot, with a known chance; all other reasons look at the part first, and their picks are no sample of anything."""


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A kept image of the inspection.

    Attributes:
        view: the recipe's name of it.
        digest: lowercase hex SHA-256 of its bytes.
        peak_score: the surest confidence that the model gave anything on it, also below every threshold; None where
            it was not measured.
    """

    view: str
    digest: str
    peak_score: float | None = None

    def __post_init__(self) -> None:
        """Refuse a score that is no confidence."""
        if self.peak_score is not None:
            _require_share(self.peak_score, f"the peak score of view {self.view!r}")


@dataclass(frozen=True, slots=True)
class CandidateDefect:
    """What the model called a defect.

    Attributes:
        view: on which image.
        class_name: of the model's classes.
        confidence: in [0, 1].
    """

    view: str
    class_name: str
    confidence: float

    def __post_init__(self) -> None:
        """Refuse a score that is no confidence."""
        _require_share(self.confidence, f"the confidence of {self.class_name!r} on view {self.view!r}")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two looks at the part that say different things.

    Attributes:
        between: who, in words, e.g. "live and shadow", "tiles", "engines".
        strength: how far apart they are, above 0 and up to 1; another verdict is 1.
    """

    between: str
    strength: float

    def __post_init__(self) -> None:
        """Refuse a disagreement of nobody or over nothing."""
        if not self.between:
            raise ValueError("a disagreement without a word for who disagrees")
        if not 0.0 < self.strength <= 1.0:
            raise ValueError(f"the disagreement of {self.between} is {self.strength}; expected above 0 and up to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An inspection that could be put before a person: judged, with a kept image, not picked yet.

    Attributes:
        inspection_id: its id; unique among the candidates.
        part_id: the part.
        station: where.
        judged_at: aware instant of the verdict.
        verdict: OK or NG; what was not inspected teaches nothing about a model.
        views: its kept images, at least one.
        defects: what the model found at or above its thresholds.
        thresholds: by class name, those that were in force.
        audit_probability: the chance with which the audit drew the part; None where it was not drawn.
        is_reported: somebody said that the verdict was wrong.
        disagreements: looks at it that say different things.
        kept_probability: the chance with which its images were kept, without which it would be no candidate; None where
            no draw kept them, so that the random arm may not have it.
    """

    inspection_id: str
    part_id: str
    station: str
    judged_at: datetime
    verdict: Verdict
    views: tuple[CandidateView, ...]
    defects: tuple[CandidateDefect, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    audit_probability: float | None = None
    is_reported: bool = False
    disagreements: tuple[Disagreement, ...] = ()
    kept_probability: float | None = 1.0

    def __post_init__(self) -> None:
        """Refuse what nobody could label or what no rule could rank."""
        if not self.inspection_id or not self.views:
            raise ValueError(f"candidate {self.inspection_id!r} of part {self.part_id!r} has no id or no image")
        if self.judged_at.utcoffset() is None:
            raise ValueError(f"candidate {self.inspection_id!r}: {self.judged_at} has no time zone")
        if self.verdict is Verdict.NOT_INSPECTED:
            raise ValueError(f"candidate {self.inspection_id!r} was not inspected; expected a verdict OK or NG")
        for name, threshold in self.thresholds.items():
            _require_share(threshold, f"the threshold of {name!r}")
        for what, chance in (("drawn by the audit", self.audit_probability), ("kept", self.kept_probability)):
            if chance is not None and not 0.0 < chance <= 1.0:
                raise ValueError(
                    f"candidate {self.inspection_id!r} was {what} with the chance {chance}; expected above 0, up to 1"
                )


@dataclass(frozen=True, slots=True)
class Pick:
    """An inspection that is put before a person.

    Attributes:
        inspection_id: which.
        reason: why.
        probability: the chance with which it was drawn; None where it was not drawn but chosen.
        score: by which it was chosen, larger first, within its reason; None where it was drawn or reported.
        why: the reason in a sentence, with its figures.
    """

    inspection_id: str
    reason: PickReason
    probability: float | None
    score: float | None
    why: str

    def __post_init__(self) -> None:
        """Refuse a chance for what was chosen, and a draw without one."""
        if self.reason is PickReason.RANDOM and self.probability is None:
            raise ValueError(f"pick {self.inspection_id!r} was drawn at random and has no probability")
        if self.probability is not None:
            if self.reason not in DRAWN_REASONS:
                raise ValueError(f"pick {self.inspection_id!r} was chosen ({self.reason}), and has a probability")
            if not 0.0 < self.probability <= 1.0:
                raise ValueError(f"pick {self.inspection_id!r}: probability {self.probability}; expected (0, 1]")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"pick {self.inspection_id!r}: score {self.score}; expected a finite number")

    @property
    def origin(self) -> SampleOrigin:
        """What a label of it may be used for."""
        return origin_of(self.reason, self.probability)


@dataclass(frozen=True, slots=True)
class DroppedCopy:
    """A candidate that was left out because it shows what another shows.

    Attributes:
        inspection_id: of the one left out.
        copy_of: the inspection that stays.
        why: in a sentence.
    """

    inspection_id: str
    copy_of: str
    why: str


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """The day's queue before anybody wrote it down.

    Attributes:
        picks: in the order in which they should be read.
        dropped: copies, with what they are copies of.
        places: how many picks each reason was given before any was made.
        notes: what a person should know, in sentences.
    """

    picks: tuple[Pick, ...]
    dropped: tuple[DroppedCopy, ...] = ()
    places: Mapping[PickReason, int] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()


def origin_of(reason: PickReason, probability: float | None) -> SampleOrigin:
    """What came of a pick may be used as: only a draw with a known chance is a random sample."""
    if reason in DRAWN_REASONS and probability is not None:
        return SampleOrigin.random(reason.value, probability)
    return SampleOrigin.picked(reason.value)


def _require_share(value: float, what: str) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{what} is {value}; expected a number in [0, 1]")
