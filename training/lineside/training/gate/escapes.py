"""Escapes: may more defective parts pass than before?"""

from collections.abc import Sequence

from lineside.statistics import (
    exact_upper_bound,
    mcnemar_mid_p,
    noninferiority_sample_size,
    noninferiority_upper_bound,
    units_for_upper_bound,
)
from lineside.training.gate.criteria import Criterion, Outcome, percent, points
from lineside.training.gate.pairs import PairedPart, PairedTable
from lineside.training.gate.policy import EscapePolicy


def escape_criteria(parts: Sequence[PairedPart], *, policy: EscapePolicy, is_first: bool) -> tuple[Criterion, ...]:
    """What the defective parts of a scope say about escapes.

    Args:
        parts: of one scope; good ones are ignored.
        policy: the limits.
        is_first: nothing is live: the candidate's own escape rate is judged.
    """
    defective = [part for part in parts if part.is_defective]
    if is_first:
        return (_absolute(defective, policy),)
    table = PairedTable.of((part.candidate_misses, part.live_misses) for part in defective)
    groups = len({part.candidate.group for part in defective})
    return _noninferiority(table, policy, groups=groups), _difference(table, policy)


def _noninferiority(table: PairedTable, policy: EscapePolicy, *, groups: int) -> Criterion:
    bound = noninferiority_upper_bound(
        table.both, table.only_candidate, table.only_live, table.neither, confidence=policy.confidence
    )
    difference = (table.only_candidate - table.only_live) / table.parts if table.parts else 0.0
    said = (
        f"candidate {table.both + table.only_candidate}, live {table.both + table.only_live} of {table.parts} "
        f"defective parts in {groups} groups; only the candidate misses {table.only_candidate}, only live "
        f"{table.only_live}"
    )
    if bound <= policy.margin:
        outcome, missing = Outcome.PASSED, 0
    else:
        missing = _missing_parts(table, policy)
        outcome = Outcome.TOO_FEW if missing and difference <= policy.margin else Outcome.FAILED
    if outcome is Outcome.TOO_FEW:
        said += f"; about {missing} more defective parts would show it of an equally good candidate"
    return Criterion(
        id="escapes",
        title=f"No more escapes than live, within {points(policy.margin)}",
        outcome=outcome,
        blocks=outcome is not Outcome.PASSED,
        figure=bound,
        limit=policy.margin,
        detail=f"{said} (difference {points(difference)}, upper bound {points(bound)})",
        counts={**table.to_counts(), "groups": groups, "missing": missing if outcome is Outcome.TOO_FEW else 0},
    )


def _missing_parts(table: PairedTable, policy: EscapePolicy) -> int:
    """How many more parts an equally good candidate needs to pass with the power asked for; 0 if there are enough."""
    seen = (table.only_candidate + table.only_live) / table.parts if table.parts else 0.0
    share = min(max(seen, policy.expected_discordant_share), 0.99)
    needed = noninferiority_sample_size(
        discordant_share=share, margin=policy.margin, confidence=policy.confidence, power=policy.power
    )
    return max(0, needed - table.parts)


def _difference(table: PairedTable, policy: EscapePolicy) -> Criterion:
    """Reported beside the bound: whether the two differ at all. The bound decides."""
    level = 1 - policy.confidence
    p_value = mcnemar_mid_p(table.only_candidate, table.only_live)
    is_better = table.only_candidate < table.only_live
    if p_value > level:
        outcome, said = Outcome.NOT_SHOWN, "no difference shown"
    elif is_better:
        outcome, said = Outcome.PASSED, "the candidate is shown better"
    else:
        outcome, said = Outcome.FAILED, "the candidate is shown worse"
    return Criterion(
        id="escape_difference",
        title="Escapes differ (McNemar, mid-p)",
        outcome=outcome,
        blocks=False,
        figure=p_value,
        limit=level,
        detail=f"{said}: only the candidate misses {table.only_candidate}, only live {table.only_live}; "
        "reported, the bound decides",
        counts={"only_candidate": table.only_candidate, "only_live": table.only_live},
    )


def _absolute(defective: Sequence[PairedPart], policy: EscapePolicy) -> Criterion:
    limit = policy.limit_when_nothing_is_live
    misses = sum(part.candidate_misses for part in defective)
    bound = exact_upper_bound(misses, len(defective), confidence=policy.confidence)
    missing = 0
    if bound <= limit:
        outcome = Outcome.PASSED
    elif not defective or misses / len(defective) <= limit:
        outcome = Outcome.TOO_FEW
        missing = units_for_upper_bound(limit, events=misses, confidence=policy.confidence) - len(defective)
    else:
        outcome = Outcome.FAILED
    said = f"{misses} of {len(defective)} defective parts missed, upper bound {percent(bound)}"
    if missing:
        said += f"; {missing} more defective parts without a miss would show it"
    return Criterion(
        id="escapes",
        title=f"Escapes below {percent(limit)} (nothing is live)",
        outcome=outcome,
        blocks=outcome is not Outcome.PASSED,
        figure=bound,
        limit=limit,
        detail=said,
        counts={"parts": len(defective), "misses": misses, "missing": missing},
    )
