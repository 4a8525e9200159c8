"""Overkill: how many good parts do not pass, and are there more of them than before?"""

from collections.abc import Sequence

from lineside.statistics import exact_upper_bound, mcnemar_mid_p, units_for_upper_bound
from lineside.training.gate.criteria import Criterion, Outcome, percent
from lineside.training.gate.pairs import PairedPart, PairedTable
from lineside.training.gate.policy import OverkillPolicy


def overkill_criteria(parts: Sequence[PairedPart], *, policy: OverkillPolicy, is_first: bool) -> tuple[Criterion, ...]:
    """What the good parts of a scope say about overkill.

    Args:
        parts: of one scope; defective ones are ignored.
        policy: budget and level.
        is_first: nothing is live: only the budget is asked for.
    """
    good = [part for part in parts if not part.is_defective]
    budget = _within_budget(good, policy)
    return (budget,) if is_first else (budget, _no_worse(good, policy))


def _within_budget(good: Sequence[PairedPart], policy: OverkillPolicy) -> Criterion:
    stopped = sum(part.candidate_overkills for part in good)
    uninspected = sum(not part.candidate.is_inspected for part in good)
    bound = exact_upper_bound(stopped, len(good), confidence=policy.confidence)
    missing = 0
    if bound <= policy.budget:
        outcome = Outcome.PASSED
    elif not good or stopped / len(good) <= policy.budget:
        outcome = Outcome.TOO_FEW
        missing = units_for_upper_bound(policy.budget, events=stopped, confidence=policy.confidence) - len(good)
    else:
        outcome = Outcome.FAILED
    said = f"{stopped} of {len(good)} good parts stopped"
    if uninspected:
        said += f", {uninspected} of them not inspected"
    said += f"; upper bound {percent(bound)}"
    if missing:
        said += f"; {missing} more good parts that pass would show it"
    return Criterion(
        id="overkill",
        title=f"Overkill within the budget of {percent(policy.budget)}",
        outcome=outcome,
        blocks=outcome is Outcome.FAILED or (outcome is Outcome.TOO_FEW and policy.is_required),
        figure=bound,
        limit=policy.budget,
        detail=said,
        counts={"parts": len(good), "stopped": stopped, "not_inspected": uninspected, "missing": missing},
    )


def _no_worse(good: Sequence[PairedPart], policy: OverkillPolicy) -> Criterion:
    table = PairedTable.of((part.candidate_overkills, part.live_overkills) for part in good)
    p_value = mcnemar_mid_p(table.only_candidate, table.only_live)
    is_worse = p_value <= policy.level and table.only_candidate > table.only_live
    is_better = p_value <= policy.level and table.only_candidate < table.only_live
    outcome = Outcome.FAILED if is_worse else Outcome.PASSED if is_better else Outcome.NOT_SHOWN
    verdict = {Outcome.FAILED: "shown worse", Outcome.PASSED: "shown better"}.get(outcome, "no difference shown")
    return Criterion(
        id="overkill_difference",
        title="Overkill is not shown worse than live (McNemar, mid-p)",
        outcome=outcome,
        blocks=is_worse,
        figure=p_value,
        limit=policy.level,
        detail=f"{verdict}: only the candidate stops {table.only_candidate} of {table.parts} good parts, only live "
        f"{table.only_live}",
        counts=table.to_counts(),
    )
