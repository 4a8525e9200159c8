"""Each class of defects: shown better, shown worse or not shown. Absence of data never reads as equal."""

import math
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from lineside.statistics import exact_lower_bound, holm, mcnemar_mid_p, units_for_upper_bound
from lineside.training.evaluation.outcomes import DefectOutcome, PartOutcome
from lineside.training.gate.criteria import Criterion, Outcome, percent
from lineside.training.gate.pairs import PairedPart, PairedTable
from lineside.training.gate.policy import ClassHit, ClassPolicy, ClassRule


@dataclass(frozen=True, slots=True)
class ClassSets:
    """The classes of two models.

    Attributes:
        shared: both know.
        new: only the candidate knows.
        removed: only the live model knows.
    """

    shared: frozenset[str]
    new: frozenset[str]
    removed: frozenset[str]

    @classmethod
    def of(cls, candidate: Iterable[str], live: Iterable[str] | None) -> "ClassSets":
        """Compare class lists; without a live model every class is shared with nobody and judged absolutely."""
        known = frozenset(candidate)
        before = known if live is None else frozenset(live)
        return cls(known & before, known - before, before - known)


def removed_classes(classes: ClassSets) -> Criterion:
    """A class that the candidate no longer knows: its defects would pass, or count as something else."""
    removed = sorted(classes.removed)
    return Criterion(
        id="removed_classes",
        title="No class of the live model is gone",
        outcome=Outcome.FAILED if removed else Outcome.PASSED,
        blocks=bool(removed),
        figure=float(len(removed)),
        limit=0.0,
        detail=f"gone: {', '.join(removed)}"
        if removed
        else f"{len(classes.shared)} classes kept, {len(classes.new)} new",
        counts={"removed": len(removed), "new": len(classes.new), "shared": len(classes.shared)},
    )


def without_new_classes_alone(parts: Iterable[PairedPart], new: Set[str]) -> tuple[PairedPart, ...]:
    """The parts that the live model could have judged: those with only new classes of defects are left out.

    The live model never learned the new class, so that its misses there tell nothing of the shared ones.
    """
    return tuple(part for part in parts if not part.class_names or not part.class_names <= new)


def compared_classes(parts: Sequence[PairedPart], shared: Set[str], *, policy: ClassPolicy) -> tuple[Criterion, ...]:
    """Compare candidate and live model in each shared class.

    The unit is the part: a model misses a class on a part if it misses any of its defects of that class. Defects of
    one part fail together, so that counting each would claim more than was seen.

    Args:
        parts: of one scope, with a live outcome each.
        shared: classes that both know; also those without a single part count as questions asked.
        policy: levels and minimums.
    """
    names = sorted(shared)
    misses = _misses(policy.hit)
    tables = [
        PairedTable.of(
            (misses(part.candidate, name), part.live is not None and misses(part.live, name))
            for part in parts
            if name in part.class_names
        )
        for name in names
    ]
    adjusted = holm([mcnemar_mid_p(table.only_candidate, table.only_live) for table in tables])
    least = _least_parts_to_show_a_blind_model(len(names), policy.level) if names else 0
    return tuple(
        _compared(name, table, p_value, least=least, policy=policy)
        for name, table, p_value in zip(names, tables, adjusted, strict=True)
    )


def absolute_classes(
    parts: Sequence[PairedPart], names: Set[str], *, policy: ClassPolicy, least_recall: float, why: str
) -> tuple[Criterion, ...]:
    """Judge the candidate alone in each class: the lower bound of its recall against a limit.

    Args:
        parts: of one scope.
        names: the classes.
        policy: gives confidence, hit and the rules of single classes, which may ask for more.
        least_recall: what the lower bound must reach.
        why: for the title, e.g. "nothing is live".
    """
    misses = _misses(policy.hit)
    criteria = []
    for name in sorted(names):
        of_class = [part for part in parts if name in part.class_names]
        missed = sum(misses(part.candidate, name) for part in of_class)
        rule = policy.rule_of(name)
        recall = max(least_recall, rule.minimum_recall or 0.0)
        criteria.append(_absolute(name, missed, len(of_class), recall, rule=rule, policy=policy, why=why))
    return tuple(criteria)


def _least_parts_to_show_a_blind_model(classes: int, level: float) -> int:
    """With fewer parts of a class even a model that misses every one of them would not be shown worse.

    If only the candidate misses m parts and the live model none, the mid-p value is 2^-m; Holm's first step asks for
    level / classes.
    """
    return math.ceil(math.log2(classes / level))


def _compared(name: str, table: PairedTable, p_value: float, *, least: int, policy: ClassPolicy) -> Criterion:
    rule = policy.rule_of(name)
    missed = table.both + table.only_candidate
    recall = exact_lower_bound(table.parts - missed, table.parts, confidence=policy.confidence)
    needed = max(least, rule.minimum_parts)
    said = (
        f"missed on {missed} of {table.parts} parts, by live on {table.both + table.only_live}; only the candidate "
        f"{table.only_candidate}, only live {table.only_live}; recall at least {percent(recall)}"
    )
    has_recall = rule.minimum_recall is None or recall >= rule.minimum_recall
    is_shown = p_value <= policy.level
    missing = 0
    if is_shown and table.only_candidate > table.only_live:
        outcome, verdict = Outcome.FAILED, "shown worse"
    elif table.parts < needed:
        outcome, verdict = Outcome.TOO_FEW, f"{needed - table.parts} more parts with this class are needed"
        missing = needed - table.parts
    elif rule.minimum_recall is not None and not has_recall:
        outcome, verdict = Outcome.FAILED, f"recall not shown to reach {percent(rule.minimum_recall)}"
    elif is_shown:
        outcome, verdict = Outcome.PASSED, "shown better"
    else:
        outcome, verdict = Outcome.NOT_SHOWN, "neither better nor worse shown"
    may_be_open = rule.may_be_unproven and rule.minimum_parts <= table.parts and has_recall
    return Criterion(
        id=f"class:{name}",
        title=f"Class {name} is not shown worse (Holm over all classes)",
        outcome=outcome,
        blocks=outcome is Outcome.FAILED or (outcome is Outcome.TOO_FEW and not may_be_open),
        figure=p_value,
        limit=policy.level,
        detail=f"{verdict}: {said}",
        counts={**table.to_counts(), "missing": missing},
    )


def _absolute(
    name: str, missed: int, parts: int, least_recall: float, *, rule: ClassRule, policy: ClassPolicy, why: str
) -> Criterion:
    bound = exact_lower_bound(parts - missed, parts, confidence=policy.confidence)
    missing = max(0, rule.minimum_parts - parts)
    is_possible = parts == 0 or missed / parts <= 1 - least_recall
    if bound < least_recall and is_possible:
        needed = units_for_upper_bound(1 - least_recall, events=missed, confidence=policy.confidence)
        missing = max(missing, needed - parts)
    if bound < least_recall and not is_possible:
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.TOO_FEW if missing else Outcome.PASSED
    said = f"found on {parts - missed} of {parts} parts, recall at least {percent(bound)}"
    if outcome is Outcome.TOO_FEW:
        said += f"; {missing} more parts with this class, all found, would show it"
    return Criterion(
        id=f"class:{name}",
        title=f"Class {name} is found ({why})",
        outcome=outcome,
        blocks=outcome is not Outcome.PASSED,
        figure=bound,
        limit=least_recall,
        detail=said,
        counts={"parts": parts, "misses": missed, "missing": missing if outcome is Outcome.TOO_FEW else 0},
    )


def _misses(hit: ClassHit) -> Callable[[PartOutcome, str], bool]:
    def is_hit(defect: DefectOutcome) -> bool:
        return defect.is_right_class if hit is ClassHit.RIGHT_CLASS else defect.is_found

    def misses(part: PartOutcome, class_name: str) -> bool:
        return any(not is_hit(defect) for defect in part.defects if defect.class_name == class_name)

    return misses
