"""What a demonstration of the loop showed: by the truth that only the line knows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineside.statistics.rates import RateInterval, wilson_interval
from lineside.workflows.demo.loop.plan import LoopPlan
from lineside.workflows.demo.loop.studio_annotator import Labelled
from lineside.workflows.demo.tally import Outcome, Passage


@dataclass(frozen=True, slots=True)
class Stretch:
    """Parts that passed the line under one release.

    Attributes:
        parts: how many.
        films: defective parts of the new look, judged.
        film_escapes: of these, passed.
        solids: other defective parts, judged.
        solid_escapes: of these, passed.
        good: good parts, judged.
        false_calls: of these, stopped.
        not_judged: NOT_INSPECTED or unanswered; they count in no rate.
        releases: parts by the release that judged them, by name and version.
    """

    parts: int
    films: int
    film_escapes: int
    solids: int
    solid_escapes: int
    good: int
    false_calls: int
    not_judged: int
    releases: Mapping[str, int]

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> "Stretch":
        """Count."""
        held = list(passages)
        counts = Counter((each.outcome, each.part.is_film) for each in held)
        releases: Counter[str] = Counter()
        for each in held:
            if each.answer is not None and each.answer.release is not None:
                releases[f"{each.answer.release.name} {each.answer.release.version}"] += 1

        def defective(*, is_film: bool) -> tuple[int, int]:
            escapes = counts[Outcome.ESCAPE, is_film]
            return escapes + counts[Outcome.HIT, is_film], escapes

        films, film_escapes = defective(is_film=True)
        solids, solid_escapes = defective(is_film=False)
        false_calls = counts[Outcome.FALSE_CALL, False]
        return cls(
            parts=len(held),
            films=films,
            film_escapes=film_escapes,
            solids=solids,
            solid_escapes=solid_escapes,
            good=false_calls + counts[Outcome.CORRECT_PASS, False],
            false_calls=false_calls,
            not_judged=sum(each.outcome in (Outcome.NOT_INSPECTED, Outcome.UNANSWERED) for each in held),
            releases=dict(releases),
        )

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Parts, escapes with their interval, those of films, false calls."""
        escapes, defective = self.film_escapes + self.solid_escapes, self.films + self.solids
        rate = self.escape_rate()
        return (
            str(self.parts),
            f"{escapes} of {defective} ({rate.lower:.0%} to {rate.upper:.0%})",
            f"{self.film_escapes} of {self.films}",
            f"{self.false_calls} of {self.good}",
        )

    def escape_rate(self) -> RateInterval:
        """Passed ones among the defective parts, with the 95 % Wilson interval."""
        return wilson_interval(self.film_escapes + self.solid_escapes, self.films + self.solids, confidence=0.95)

    def film_escape_rate(self) -> RateInterval:
        """The same of the new look alone."""
        return wilson_interval(self.film_escapes, self.films, confidence=0.95)

    def false_call_rate(self) -> RateInterval:
        """Stopped ones among the good parts, with the 95 % Wilson interval."""
        return wilson_interval(self.false_calls, self.good, confidence=0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSummary:
    """What a demonstration showed.

    Attributes:
        plan: what it was.
        steady: before the process changed.
        before: the changed process, before the retraining.
        after: the same, after it.
        reasons: why parts were labelled.
        labelled: what the scripted person read.
        revision: id of the dataset revision that was trained on.
        candidate: name and version.
        gate: the gate's answer, in a word.
        refusals: what stood in the way, in sentences; empty where nothing did.
        serials: of the deployments; empty where the gate refused.
        retrain_page: what was learnt from which labels.
        seconds: by step.
    """

    plan: LoopPlan
    steady: Stretch
    before: Stretch
    after: Stretch
    reasons: Mapping[str, int]
    labelled: Labelled
    revision: str
    candidate: str
    gate: str
    refusals: tuple[str, ...]
    serials: tuple[int, ...]
    retrain_page: Path
    seconds: Mapping[str, float]

    @property
    def is_promoted(self) -> bool:
        """Whether the line's later parts met the candidate."""
        return bool(self.serials)

    @property
    def stretches(self) -> tuple[tuple[str, Stretch], ...]:
        """The line's runs in words, in their order."""
        after = "after the promotion" if self.is_promoted else "after, with the old model"
        return (
            ("before the change", self.steady),
            ("changed, before the labels", self.before),
            (after, self.after),
        )

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The line's runs as cells: what, parts, escapes with their interval, those of films, false calls."""
        return tuple((name, *stretch.cells) for name, stretch in self.stretches)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        plan = self.plan
        return {
            "schema": "lineside.loop-demo/1",
            "plan": {
                "arm": plan.arm.value,
                "budget": plan.budget,
                "seed": plan.seed,
                "steady_parts": plan.steady_parts,
                "parts_before": plan.parts_before,
                "parts_after": plan.parts_after,
                "defect_rate": plan.defect_rate,
                "film_share": plan.film_share,
                "annotator_errors": plan.annotator_errors,
                "epochs": plan.epochs,
                "minutes": plan.minutes,
                "first": asdict(plan.first),
            },
            **{
                name: {**asdict(stretch), "escape_rate": _interval(stretch.escape_rate()),
                       "film_escape_rate": _interval(stretch.film_escape_rate()),
                       "false_call_rate": _interval(stretch.false_call_rate())}
                for name, stretch in (("steady", self.steady), ("before", self.before), ("after", self.after))
            },
            "labels": {**asdict(self.labelled), "reasons": dict(self.reasons)},
            "revision": self.revision,
            "candidate": self.candidate,
            "gate": self.gate,
            "refusals": list(self.refusals),
            "serials": list(self.serials),
            "retrain_page": str(self.retrain_page),
            "seconds": dict(self.seconds),
        }  # fmt: skip


def _interval(rate: RateInterval) -> dict[str, float | int | None]:
    return {"estimate": rate.estimate, "lower": rate.lower, "upper": rate.upper, "of": rate.units}
