"""From measured inputs to an answer: is the last period reproduced, and if so, which option costs least.

Pure: runs in a process of its own (`worker.py`), because simulating takes whole seconds of a processor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.serving.twin.line_model import (
    Change,
    Comparison,
    Costs,
    Line,
    Load,
    Measure,
    PartMix,
    Prediction,
    RecordedArrivals,
    compare,
    load_of,
    predict,
    run_lines,
)
from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.scenarios.drawing import draw_line
from lineside.serving.twin.scenarios.measuring import MeasuredLine

CHECKED: Final = (Measure.THROUGHPUT_PER_H, Measure.NG_RATE, Measure.TIME_TO_LAST_VERDICT_S)
"""What a model of a line must reproduce before it ranks anything."""

FEWEST_READ: Final = 29
"""Read parts of a verdict: 29 without one miss show 90 % at 95 % confidence; with fewer a share is a guess."""

FEWEST_ESCAPES: Final = 10
"""Escapes read in the audit, whose scores say what a lower threshold would have found."""

_CURVE: Final = tuple(round(0.05 * step, 2) for step in range(1, 20))
_CURVE_DRAWS: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that an answer is made of.

    Attributes:
        learned: the inputs measured before the last period.
        whole: the inputs measured over all the time, the last period too.
        others: by option, inputs of another product that it is about.
        arrivals_s: of the last period's parts, from its start.
        span_s: of the last period.
        observed: what it showed.
        changes: by option.
        costs: of outcomes.
        late_after_s: None if no part is ever late.
        draws: of the inputs.
        replications: runs of each draw.
        confidence: of the intervals.
        seed: of all chances.
    """

    learned: MeasuredLine
    whole: MeasuredLine
    others: Mapping[str, MeasuredLine]
    arrivals_s: Numbers
    span_s: float
    observed: Mapping[Measure, float]
    changes: Mapping[str, Change]
    costs: Costs
    late_after_s: float | None
    draws: int
    replications: int
    confidence: float
    seed: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold finds, as the ledger's reads say.

    Attributes:
        threshold: the score from which a part is flagged.
        recall: share of defective parts that are flagged: mean, lower, upper.
        false_call: share of good parts that are flagged: mean, lower, upper.
    """

    threshold: float
    recall: tuple[float, float, float]
    false_call: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says.

    Attributes:
        checks: the last period against its runs.
        comparison: of the options; None where the model does not reproduce the last period.
        refused: options that the ledger cannot carry, with the reason.
        curve: recall and false calls by threshold; empty where too few parts were read.
        inputs: the inputs measured over all the time.
        load: of the line as it is, at the points of its inputs.
        runs: of each line.
    """

    checks: Mapping[Measure, Prediction]
    comparison: Comparison | None
    refused: Mapping[str, str]
    curve: tuple[CurvePoint, ...]
    inputs: MeasuredLine
    load: Load
    runs: int

    @property
    def is_reproduced(self) -> bool:
        """Whether every check holds."""
        return all(check.is_reproduced for check in self.checks.values())


def answer(question: Question, *, tick: Callable[[], None] = lambda: None) -> Answer:
    """Check the model on the last period, then compare the options on it.

    Args:
        question: what is asked.
        tick: called after each run.

    Raises:
        ImpossibleLine: no such line can be, such as one whose queue only grows.
    """
    arrivals = RecordedArrivals(question.arrivals_s, question.span_s)

    def lines_of(measured: MeasuredLine) -> list[Line]:
        generator = np.random.default_rng(np.random.SeedSequence(question.seed, spawn_key=(1,)))
        return [
            draw_line(measured, generator, arrivals=arrivals, late_after_s=question.late_after_s)
            for _ in range(question.draws)
        ]

    runs = run_lines(
        lines_of(question.learned),
        question.costs,
        replications=question.replications,
        seed=question.seed,
        tick=tick,
    )
    learned_for = question.learned.parts / max(1, len(question.arrivals_s))
    each = 1.0 - (1.0 - question.confidence) / len(CHECKED)  # Bonferroni: all of them hold together
    checks = {
        measure: predict(runs[measure], question.observed[measure], learned_for=learned_for, confidence=each)
        for measure in CHECKED
    }
    refused = refusals(question)
    comparison = None
    if all(check.is_reproduced for check in checks.values()):
        lines = lines_of(question.whole)
        options = {
            name: [
                change.applied_to(line)
                for line in (lines_of(question.others[name]) if name in question.others else lines)
            ]
            for name, change in question.changes.items()
            if name not in refused
        }
        comparison = compare(
            lines,
            options,
            question.costs,
            replications=question.replications,
            seed=question.seed,
            confidence=question.confidence,
            tick=tick,
        )
    loads = [load_of(line) for line in lines_of(question.whole)]
    return Answer(
        checks=checks,
        comparison=comparison,
        refused=refused,
        curve=measured_curve(question),
        inputs=question.whole,
        load=Load(float(np.mean([load.inspection for load in loads])), float(np.mean([load.rework for load in loads]))),
        runs=question.draws * question.replications,
    )


def refusals(question: Question) -> Mapping[str, str]:
    """Options that the reads of the ledger cannot carry, with the reason and how many parts are missing."""
    refused = {}
    for name, change in question.changes.items():
        why = _why_not(question.others.get(name, question.whole), change, question.costs)
        if why is not None:
            refused[name] = why
    return refused


def _why_not(measured: MeasuredLine, change: Change, costs: Costs) -> str | None:
    needs_truth = costs.escape > 0 or costs.false_call > 0 or change.threshold is not None
    if needs_truth:
        for what, reads in (("flagged", measured.flagged_reads), ("passed", measured.passed_reads)):
            found = len(reads.weights)
            if found < FEWEST_READ:
                return (
                    f"{found} {what} parts were drawn and read by people; what escapes and false calls cost needs "
                    f"{FEWEST_READ}, {FEWEST_READ - found} are missing: review more, or learn from more hours"
                )
    if change.threshold is None:
        return None
    if measured.threshold is None:
        return (
            "thresholds differ by class or changed in that time, and the ledger keeps a part's surest score without "
            "its class: what another threshold finds was not measured"
        )
    if measured.releases != 1:
        return f"{measured.releases} releases judged in that time; scores of one say nothing of another"
    if not np.isfinite(np.concatenate([measured.flagged_reads.scores, measured.passed_reads.scores])).any():
        return "the ledger has no score of any part that was read: only parts that the server looked at have one"
    if change.threshold < measured.threshold:
        escapes = measured.passed_reads.is_defective & np.isfinite(measured.passed_reads.scores)
        found = int(escapes.sum())
        if found < FEWEST_ESCAPES:
            audited = len(measured.passed_reads.weights)
            more = (
                f", at the present rate about {(FEWEST_ESCAPES - found) * audited // found:,} audits" if found else ""
            )
            return (
                f"{found} escapes with a score in {audited} read audits; what a lower threshold would find needs "
                f"{FEWEST_ESCAPES}, {FEWEST_ESCAPES - found} are missing{more}"
            )
    return None


def measured_curve(question: Question) -> tuple[CurvePoint, ...]:
    """Recall and false calls by threshold over draws of what the reads allow; only where they carry it."""
    measured = question.whole
    generator = np.random.default_rng(np.random.SeedSequence(question.seed, spawn_key=(2,)))
    if measured.threshold is None:
        return ()
    carried = [
        threshold
        for threshold in sorted({*_CURVE, measured.threshold})
        if _why_not(measured, Change(threshold=threshold), question.costs) is None
    ]
    if not carried:
        return ()
    arrivals = RecordedArrivals(question.arrivals_s, question.span_s)
    mixes = [draw_line(measured, generator, arrivals=arrivals, late_after_s=None).parts for _ in range(_CURVE_DRAWS)]
    return tuple(_point(threshold, mixes, question.confidence) for threshold in carried)


def _point(threshold: float, mixes: list[PartMix], confidence: float) -> CurvePoint:
    def shares(*, of_defective: bool) -> tuple[float, float, float]:
        values = np.array([_flagged(mix, threshold, of_defective=of_defective) for mix in mixes])
        lower, upper = np.quantile(values, [0.5 - confidence / 2, 0.5 + confidence / 2])
        return float(values.mean()), float(lower), float(upper)

    return CurvePoint(threshold, shares(of_defective=True), shares(of_defective=False))


def _flagged(mix: PartMix, threshold: float, *, of_defective: bool) -> float:
    chosen = mix.is_defective == of_defective
    return float(mix.weights[chosen & (mix.scores >= threshold)].sum() / mix.weights[chosen].sum())
