"""What the candidate does otherwise than the live release, part by part: errors that are gone, and new ones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lineside.inspection.verdict import Verdict
from lineside.statistics import RateInterval, clopper_pearson, mcnemar_mid_p
from lineside.training.gate.pairs import PairedPart


class Change(StrEnum):
    """How a part's fate changed."""

    ESCAPE_FIXED = "escape_fixed"
    """Defective: the live release passes it, the candidate rejects it."""
    NEW_ESCAPE = "new_escape"
    """Defective: the candidate passes it, the live release does not."""
    FALSE_CALL_REMOVED = "false_call_removed"
    """Good: the live release rejects it, the candidate passes it."""
    NEW_FALSE_CALL = "new_false_call"
    """Good: the candidate rejects it, the live release does not."""


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A part that the two releases do not judge alike.

    Attributes:
        part_id: which.
        change: how.
        live: verdict of the live release.
        candidate: verdict of the candidate.
    """

    part_id: str
    change: Change
    live: Verdict
    candidate: Verdict


@dataclass(frozen=True, slots=True)
class Errors:
    """What one release does wrong on a set of parts.

    Attributes:
        escapes: defective parts that it passes.
        false_calls: good parts that it rejects.
        not_inspected: parts that get no verdict; they are in neither count.
    """

    escapes: int
    false_calls: int
    not_inspected: int


@dataclass(frozen=True, slots=True)
class SetComparison:
    """Both releases on the same parts.

    Attributes:
        parts: all of them.
        defective: by their labels.
        live: errors of the live release.
        candidate: errors of the candidate.
        changed: parts that they do not judge alike, in the order of their ids.
    """

    parts: int
    defective: int
    live: Errors
    candidate: Errors
    changed: tuple[ChangedPart, ...]

    @property
    def good(self) -> int:
        """Parts without a defect."""
        return self.parts - self.defective

    @property
    def counts(self) -> Mapping[Change, int]:
        """How many parts changed in each way."""
        found = Counter(each.change for each in self.changed)
        return {change: found[change] for change in Change}

    def escape_rate(self, errors: Errors) -> RateInterval:
        """Escapes among the defective parts, exact 95 % interval."""
        return clopper_pearson(errors.escapes, self.defective)

    def false_call_rate(self, errors: Errors) -> RateInterval:
        """False calls among the good parts, exact 95 % interval."""
        return clopper_pearson(errors.false_calls, self.good)

    def chance_of_luck(self, better: Change, worse: Change) -> float:
        """p-value of the two being equally good, McNemar's test, mid-p."""
        counts = self.counts
        return mcnemar_mid_p(counts[worse], counts[better])

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "SetComparison":
        """Read what `to_json` gave."""
        changed = tuple(
            ChangedPart(each["part_id"], Change(each["change"]), Verdict(each["live"]), Verdict(each["candidate"]))
            for each in record["changed"]
        )
        return cls(
            record["parts"], record["defective"], Errors(**record["live"]), Errors(**record["candidate"]), changed
        )


def compare(pairs: Sequence[PairedPart]) -> SetComparison:
    """Count what changed; pairs without a live side are refused.

    Args:
        pairs: the same parts before both releases.

    Raises:
        ValueError: a part was not judged by the live release.
    """
    alone = [pair.candidate.part_id for pair in pairs if pair.live is None]
    if alone:
        raise ValueError(f"part {alone[0]!r} was judged by one release only; expected both")
    return SetComparison(
        parts=len(pairs),
        defective=sum(pair.is_defective for pair in pairs),
        live=_errors(pair.live for pair in pairs if pair.live is not None),
        candidate=_errors(pair.candidate for pair in pairs),
        changed=tuple(sorted(_changed(pairs), key=lambda each: each.part_id)),
    )


def _errors(outcomes: Iterable[Any]) -> Errors:
    seen = list(outcomes)
    return Errors(
        sum(each.is_escape for each in seen),
        sum(each.is_overkill for each in seen),
        sum(not each.is_inspected for each in seen),
    )


def _changed(pairs: Sequence[PairedPart]) -> Iterable[ChangedPart]:
    for pair in pairs:
        change = _change(pair)
        if change is not None and pair.live is not None:
            yield ChangedPart(pair.candidate.part_id, change, pair.live.verdict, pair.candidate.verdict)


def _change(pair: PairedPart) -> Change | None:
    """A part that one of the two did not inspect is no error found or mended: it is counted by itself."""
    candidate, live = pair.candidate, pair.live
    if live is None or not (candidate.is_inspected and live.is_inspected) or candidate.verdict is live.verdict:
        return None
    if pair.is_defective:
        return Change.ESCAPE_FIXED if live.is_escape else Change.NEW_ESCAPE
    return Change.FALSE_CALL_REMOVED if live.is_overkill else Change.NEW_FALSE_CALL
