"""Does the exported model do what the trained network does, and in time?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineside.training.evaluation.outcomes import Latency
from lineside.training.gate.criteria import Criterion, Outcome
from lineside.training.gate.policy import LatencyPolicy

_REFERENCE_PRECISION = "-fp32"
_FIGURES = ("mean_box_difference_px", "max_box_difference_px", "max_score_difference", "delta_map50_95", "unmatched")


@dataclass(frozen=True, slots=True)
class ParityRecord:
    """What the candidate's manifest says of its engines.

    Attributes:
        engines: figures by engine name; each has `is_offered`, whether it lies within its limits.
    """

    engines: Mapping[str, Mapping[str, Any]]


def parity_criterion(parity: ParityRecord | None, *, engine: str) -> Criterion:
    """Every fp32 engine, and the engine that was evaluated, lies within its limits of the trained network.

    Args:
        parity: of the candidate's manifest; None if no manifest is at hand.
        engine: engine and precision of the evaluation.
    """
    title = "The exported model does what the trained one does (parity)"
    engines = {} if parity is None else parity.engines
    needed = sorted({name for name in engines if name.endswith(_REFERENCE_PRECISION)} | ({engine} & engines.keys()))
    if not any(name.endswith(_REFERENCE_PRECISION) for name in needed) or engine not in engines:
        known = f"it has {', '.join(sorted(engines))}" if engines else "it has none"
        found = "no manifest is at hand" if parity is None else f"the manifest has no figures for it: {known}"
        return Criterion(
            id="parity",
            title=title,
            outcome=Outcome.NOT_SHOWN,
            blocks=True,
            detail=f"fp32 and {engine} must be measured (`lineside parity`); {found}",
        )
    outside = [name for name in needed if engines[name].get("is_offered") is not True]
    return Criterion(
        id="parity",
        title=title,
        outcome=Outcome.FAILED if outside else Outcome.PASSED,
        blocks=bool(outside),
        figure=float(len(outside)),
        limit=0.0,
        detail="; ".join(
            f"{name}{' outside its limits' if name in outside else ''}{_figures(engines[name])}" for name in needed
        ),
        counts={"engines": len(needed), "outside": len(outside)},
    )


def latency_criterion(
    candidate: Latency | None, live: Latency | None, *, policy: LatencyPolicy, is_first: bool
) -> Criterion:
    """One part is judged within the budget, on the machine of the evaluation.

    Args:
        candidate: timings of the candidate; None if none were taken.
        live: those of the live model; they count only if taken on the same machine.
        policy: the budget.
        is_first: nothing is live: only the absolute limit is asked for.
    """
    asks_ratio = policy.max_ratio_to_live is not None and not is_first
    problem = None
    if candidate is None:
        problem = "the candidate's evaluation holds no timings"
    elif policy.max_p99_ms is None and not asks_ratio:
        problem = "the policy sets no limit"
    elif asks_ratio and (live is None or live.machine != candidate.machine):
        problem = "the live model was not timed on the same machine"
    if candidate is None or problem is not None:
        return Criterion(
            id="latency",
            title="A part is judged in time",
            outcome=Outcome.NOT_SHOWN,
            blocks=policy.is_required,
            detail=problem or "",
        )
    limits = [] if policy.max_p99_ms is None else [policy.max_p99_ms]
    said = f"99 of 100 of {candidate.parts} parts within {candidate.p99:.1f} ms"
    if asks_ratio and live is not None and policy.max_ratio_to_live is not None:
        limits.append(policy.max_ratio_to_live * live.p99)
        said += f", live {live.p99:.1f} ms (at most {policy.max_ratio_to_live:g} times that)"
    limit = min(limits)
    is_slow = candidate.p99 > limit
    return Criterion(
        id="latency",
        title="A part is judged in time",
        outcome=Outcome.FAILED if is_slow else Outcome.PASSED,
        blocks=is_slow,
        figure=candidate.p99,
        limit=limit,
        detail=f"{said}; on {candidate.machine}",
        counts={"parts": candidate.parts},
    )


def _figures(entry: Mapping[str, Any]) -> str:
    shown = [f"{name} {entry[name]:.4g}" for name in _FIGURES if isinstance(entry.get(name), int | float)]
    return f": {', '.join(shown)}" if shown else ""
