"""From evaluations to the gate's answer: pure, no file, no model, no clock."""

from dataclasses import dataclass
from datetime import datetime

from lineside.training.errors import GateRefused
from lineside.training.evaluation.outcomes import Evaluation, JudgingRecipe
from lineside.training.gate.classes import (
    ClassSets,
    absolute_classes,
    compared_classes,
    removed_classes,
    without_new_classes_alone,
)
from lineside.training.gate.criteria import Criterion
from lineside.training.gate.escape_bank import escape_bank_criterion
from lineside.training.gate.escapes import escape_criteria
from lineside.training.gate.leak_check import LeakCheck, leak_criterion
from lineside.training.gate.overkill import overkill_criteria
from lineside.training.gate.pairs import PairedPart, Scope, by_scope, pair_parts
from lineside.training.gate.performance import ParityRecord, latency_criterion, parity_criterion
from lineside.training.gate.policy import GatePolicy
from lineside.training.gate.report import GateKind, GateReport, Override, ScopeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The same data under both sides.

    Attributes:
        candidate: evaluation of the candidate.
        live: of what is live, on the same parts; None where nothing is.
    """

    candidate: Evaluation
    live: Evaluation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCase:
    """Everything that the gate decides on.

    Attributes:
        kind: a release or a recipe. Of a recipe only the verdicts change, so that parity and latency are not asked.
        golden: the labelled parts that judge.
        escape_bank: the parts that once got away; None without a bank.
        parity: of the candidate's manifest; None if it is not at hand.
        leak_check: what the search for leaks found.
        sealed_looks: how often the sealed split has been looked at; None if it was not.
    """

    kind: GateKind
    golden: Compared
    escape_bank: Compared | None
    parity: ParityRecord | None
    leak_check: LeakCheck
    sealed_looks: int | None = None


def judge(case: GateCase, *, policy: GatePolicy, now: datetime, override: Override | None = None) -> GateReport:
    """Ask every question of every product and line.

    Args:
        case: the evaluations and what is known of the candidate.
        policy: the limits.
        now: aware; stands in the report.
        override: who promotes whatever the answer is, and why.

    Raises:
        GateRefused: the evaluations do not fit together, or there is no part.
    """
    _require_fitting(case)
    golden = case.golden
    is_first = golden.live is None
    live_classes = None if golden.live is None else golden.live.thresholds
    classes = ClassSets.of(golden.candidate.thresholds, live_classes)
    bank = None if case.escape_bank is None else pair_parts(case.escape_bank.candidate, case.escape_bank.live)
    scopes = tuple(
        ScopeResult(
            scope, _scope_criteria(scope, parts, bank, classes, kind=case.kind, policy=policy, is_first=is_first)
        )
        for scope, parts in by_scope(pair_parts(golden.candidate, golden.live)).items()
    )
    return GateReport(
        kind=case.kind,
        candidate=golden.candidate.release,
        live=None if golden.live is None else golden.live.release,
        candidate_recipe=golden.candidate.recipe,
        live_recipe=None if golden.live is None else golden.live.recipe,
        revision=golden.candidate.revision,
        split=",".join(golden.candidate.splits),
        escape_bank=None if case.escape_bank is None else case.escape_bank.candidate.revision,
        engine=golden.candidate.engine,
        criteria=tuple(_general_criteria(case, classes, policy=policy, is_first=is_first)),
        scopes=scopes,
        override=override,
        policy=policy.to_document(),
        sealed_looks=case.sealed_looks,
        created_at=now,
    )


def _scope_criteria(
    scope: Scope,
    parts: tuple[PairedPart, ...],
    bank: tuple[PairedPart, ...] | None,
    classes: ClassSets,
    *,
    kind: GateKind,
    policy: GatePolicy,
    is_first: bool,
) -> tuple[Criterion, ...]:
    comparable = without_new_classes_alone(parts, classes.new)
    if is_first:
        of_classes = absolute_classes(
            parts,
            classes.shared,
            policy=policy.classes,
            least_recall=policy.classes.recall_when_nothing_is_live,
            why="nothing is live",
        )
    else:
        of_classes = (
            *compared_classes(comparable, classes.shared, policy=policy.classes),
            *absolute_classes(
                parts,
                classes.new,
                policy=policy.classes,
                least_recall=policy.classes.recall_of_a_new_class,
                why="new, so that no model can be compared",
            ),
        )
    return (
        *escape_criteria(comparable, policy=policy.escapes, is_first=is_first),
        *of_classes,
        *overkill_criteria(parts, policy=policy.overkill, is_first=is_first),
        escape_bank_criterion(
            bank,
            scope,
            is_required=policy.escape_bank.is_required or kind is GateKind.RECIPE,
            is_first=is_first,
        ),
    )


def _general_criteria(
    case: GateCase, classes: ClassSets, *, policy: GatePolicy, is_first: bool
) -> tuple[Criterion, ...]:
    leaks = leak_criterion(case.leak_check)
    if case.kind is GateKind.RECIPE:
        return (leaks,)
    golden = case.golden
    return (
        removed_classes(classes),
        leaks,
        parity_criterion(case.parity, engine=golden.candidate.engine),
        latency_criterion(
            golden.candidate.latency_ms,
            None if golden.live is None else golden.live.latency_ms,
            policy=policy.latency,
            is_first=is_first,
        ),
    )


def _require_fitting(case: GateCase) -> None:
    """Releases are compared by one recipe and recipes on one release; the bank was judged by the same two sides."""
    golden = case.golden
    if case.escape_bank is not None:
        for side, on_golden, on_bank in (
            ("candidate", golden.candidate, case.escape_bank.candidate),
            ("live side", golden.live, case.escape_bank.live),
        ):
            if _judges(on_golden) != _judges(on_bank):
                raise GateRefused(
                    f"the {side} of the escape bank is another release or recipe than that of the golden data"
                )
    if case.kind is GateKind.RELEASE and golden.live is not None and golden.live.recipe != golden.candidate.recipe:
        raise GateRefused(
            f"the candidate was judged by recipe {_called(golden.candidate.recipe)}, the live release by "
            f"{_called(golden.live.recipe)}; a stricter recipe is no better model: evaluate both by one and the same"
        )
    if case.kind is GateKind.RECIPE:
        if golden.live is None or golden.candidate.recipe is None or golden.live.recipe is None:
            raise GateRefused("a recipe is judged against the one in force; give both")
        if golden.candidate.release != golden.live.release:
            raise GateRefused("two recipes are compared with one and the same release; these evaluations have two")


def _judges(evaluation: Evaluation | None) -> tuple[object, ...] | None:
    return None if evaluation is None else (evaluation.release, evaluation.recipe, evaluation.engine)


def _called(recipe: JudgingRecipe | None) -> str:
    return "none" if recipe is None else f"{recipe.id} version {recipe.version} ({recipe.sha256[:12]})"
