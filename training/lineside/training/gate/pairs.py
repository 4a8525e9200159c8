"""The same parts before two models: paired by part, sorted into the products and lines that a promotion can reach."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lineside.inspection.verdict import Verdict
from lineside.training.errors import GateRefused
from lineside.training.evaluation.outcomes import DefectOutcome, Evaluation, PartOutcome


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Where a promotion may reach: a product on a line.

    Attributes:
        product: as the labelled data names it; "" where it names none.
        line: likewise.
    """

    product: str
    line: str

    def __str__(self) -> str:
        """As people say it."""
        return f"{self.product or 'any product'} on {self.line or 'any line'}"


@dataclass(frozen=True, slots=True)
class PairedPart:
    """One labelled part and what became of it under each model.

    A part that a model did not inspect got no pass permit, and nothing was shown of it either. It counts against the
    candidate (a miss, or a false alarm), and against the live model only where the candidate did not inspect it
    either: no candidate gains from an inspection that did not happen.

    Attributes:
        candidate: under the candidate.
        live: under the live model; None where nothing is live.
    """

    candidate: PartOutcome
    live: PartOutcome | None

    @property
    def is_defective(self) -> bool:
        """By its labels."""
        return self.candidate.is_defective

    @property
    def scope(self) -> Scope:
        """Its product and line."""
        return Scope(self.candidate.product or "", self.candidate.line or "")

    @property
    def candidate_misses(self) -> bool:
        """A defective part that the candidate does not stop."""
        return self.is_defective and self.candidate.verdict is not Verdict.NG

    @property
    def live_misses(self) -> bool:
        """A defective part that the live model does not stop."""
        return self.is_defective and self.live is not None and self._live_verdict_is(Verdict.OK)

    @property
    def candidate_overkills(self) -> bool:
        """A good part that the candidate does not pass."""
        return not self.is_defective and self.candidate.verdict is not Verdict.OK

    @property
    def live_overkills(self) -> bool:
        """A good part that the live model does not pass."""
        return not self.is_defective and self.live is not None and self._live_verdict_is(Verdict.NG)

    @property
    def class_names(self) -> frozenset[str]:
        """Classes of its labelled defects."""
        return frozenset(defect.class_name for defect in self.candidate.defects)

    def _live_verdict_is(self, verdict: Verdict) -> bool:
        if self.live is None:
            return False
        if not self.live.is_inspected:
            return not self.candidate.is_inspected
        return self.live.verdict is verdict


@dataclass(frozen=True, slots=True)
class PairedTable:
    """How many parts each model misses, a 2 x 2 table.

    Attributes:
        both: both miss.
        only_candidate: only the candidate misses.
        only_live: only the live model misses.
        neither: both find.
    """

    both: int
    only_candidate: int
    only_live: int
    neither: int

    @classmethod
    def of(cls, misses: Iterable[tuple[bool, bool]]) -> "PairedTable":
        """Count (candidate misses, live misses)."""
        seen = list(misses)
        return cls(
            seen.count((True, True)), seen.count((True, False)), seen.count((False, True)), seen.count((False, False))
        )

    @property
    def parts(self) -> int:
        """All of them."""
        return self.both + self.only_candidate + self.only_live + self.neither

    def to_counts(self) -> Mapping[str, int]:
        """For a criterion."""
        return {
            "parts": self.parts,
            "both": self.both,
            "only_candidate": self.only_candidate,
            "only_live": self.only_live,
            "neither": self.neither,
        }


def pair_parts(candidate: Evaluation, live: Evaluation | None) -> tuple[PairedPart, ...]:
    """Pair two evaluations of the same data by part.

    Args:
        candidate: of the candidate.
        live: of the live model; None pairs each part with nothing.

    Returns:
        Every part, sorted by its id.

    Raises:
        GateRefused: the two did not judge the same parts of the same revision under the same rule of truth.
    """
    if live is None:
        return tuple(PairedPart(part, None) for part in candidate.parts)
    for what, of_candidate, of_live in (
        ("revision", candidate.revision, live.revision),
        ("splits", candidate.splits, live.splits),
        ("rule of truth", candidate.truth, live.truth),
    ):
        if of_candidate != of_live:
            raise GateRefused(
                f"the candidate was evaluated with {what} {of_candidate!r}, the live release with {of_live!r}; "
                "evaluate both on the same data in the same way"
            )
    live_parts = {part.part_id: part for part in live.parts}
    strangers = live_parts.keys() ^ {part.part_id for part in candidate.parts}
    if strangers:
        raise GateRefused(
            f"{len(strangers)} parts were judged by one of the two releases only, such as {sorted(strangers)[:3]}; "
            "evaluate both on the same data"
        )
    for part in candidate.parts:
        if _labels(part) != _labels(live_parts[part.part_id]):
            raise GateRefused(
                f"part {part.part_id!r} has other labels or other pictures in the two evaluations; "
                "evaluate both on the same data"
            )
    return tuple(PairedPart(part, live_parts[part.part_id]) for part in candidate.parts)


def by_scope(parts: Iterable[PairedPart]) -> Mapping[Scope, tuple[PairedPart, ...]]:
    """The parts of each product and line, sorted by these."""
    sorted_in: dict[Scope, list[PairedPart]] = {}
    for part in parts:
        sorted_in.setdefault(part.scope, []).append(part)
    return {scope: tuple(sorted_in[scope]) for scope in sorted(sorted_in)}


def _labels(part: PartOutcome) -> tuple[object, ...]:
    """What does not depend on the model."""
    defects = sorted(_label(defect) for defect in part.defects)
    return part.is_defective, part.product, part.line, part.group, defects, sorted(part.image_digests)


def _label(defect: DefectOutcome) -> tuple[str, str, tuple[float, ...]]:
    return defect.view, defect.class_name, defect.box_xyxy_px
