"""From the model's answer to what people and programs are shown."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from lineside.serving.twin.line_model import Comparison, Estimate, Measure, OptionOutcome, Standing
from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.scenarios.answering import Answer
from lineside.serving.twin.scenarios.asked import Asked
from lineside.serving.twin.scenarios.drawing import over_dispersion
from lineside.serving.twin.scenarios.schemas import (
    CheckOut,
    CurvePointOut,
    EstimateOut,
    InputsOut,
    OptionOut,
    RefusedOption,
    ResultOut,
)

ASSUMPTIONS: Final = (
    "Parts come as they came in the last period, pauses and bursts included; an option's pace makes them come faster.",
    "So the check of the throughput shows that as many of them pass, and in time; that as many come is given.",
    "Parts wait in one queue and are looked at in the order of their coming.",
    "A part that passes after rework is taken as repaired, one that is flagged again as not repaired.",
    "Verdicts after rework and retests do not depend on the threshold.",
    "What parts are in truth comes from random draws that people read; chance finds count for nothing.",
)

_WORDS: Final = {
    Measure.THROUGHPUT_PER_H: "throughput",
    Measure.NG_RATE: "NG rate",
    Measure.TIME_TO_LAST_VERDICT_S: "mean time in the system",
}


def result_of(found: Answer, asked: Asked) -> ResultOut:
    """The answer as JSON."""
    return ResultOut(
        is_reproduced=found.is_reproduced,
        message=_message(found),
        learned_from=asked.learn_from,
        period_from=asked.period_from,
        period_to=asked.period_to,
        checks=tuple(
            CheckOut(
                measure=measure,
                observed=check.observed,
                expected=check.mean,
                lower=check.lower,
                upper=check.upper,
                is_reproduced=check.is_reproduced,
            )
            for measure, check in found.checks.items()
        ),
        as_is=None if found.comparison is None else _estimates(found.comparison.as_is),
        options=() if found.comparison is None else _options(found.comparison),
        refused=tuple(RefusedOption(name=name, reason=reason) for name, reason in found.refused.items()),
        curve=tuple(
            CurvePointOut(
                threshold=point.threshold,
                recall=point.recall[0],
                recall_lower=point.recall[1],
                recall_upper=point.recall[2],
                false_call=point.false_call[0],
                false_call_lower=point.false_call[1],
                false_call_upper=point.false_call[2],
            )
            for point in found.curve
        ),
        inputs=_inputs(found),
        runs=found.runs,
        confidence=asked.confidence,
        assumptions=ASSUMPTIONS,
    )


def _message(found: Answer) -> str:
    """What came of it, in one sentence."""
    misses = [
        f"{_WORDS[measure]} was {check.observed:.4g} and the model says {check.lower:.4g} to {check.upper:.4g}"
        for measure, check in found.checks.items()
        if not check.is_reproduced
    ]
    if misses:
        return f"The model does not reproduce the last period, so nothing is ranked: {'; '.join(misses)}."
    told = "The model reproduces throughput, NG rate and time in the system of the last period within its interval. "
    options = () if found.comparison is None else found.comparison.options
    cheaper = [option for option in options if option.standing is Standing.CHEAPER]
    if cheaper:
        saved = cheaper[0].differences[Measure.COST_PER_PART]
        return told + (
            f"{cheaper[0].name!r} is the cheapest of those shown to be cheaper: {-saved.mean:.4g} less per part "
            f"({-saved.upper:.4g} to {-saved.lower:.4g})."
        )
    if not options:
        return told + "The ledger carries none of the options; `refused` says why."
    return told + "No option is shown to be cheaper than the line as it is."


def _options(comparison: Comparison) -> tuple[OptionOut, ...]:
    return tuple(_option(outcome, place) for place, outcome in enumerate(comparison.options, start=1))


def _option(outcome: OptionOutcome, place: int) -> OptionOut:
    return OptionOut(
        name=outcome.name,
        rank=None if outcome.standing is Standing.UNSTABLE else place,
        standing=outcome.standing,
        why_not_run=outcome.why_not_run,
        measures=_estimates(outcome.measures),
        differences=_estimates(outcome.differences),
        inspection_load=outcome.inspection_load,
        rework_load=outcome.rework_load,
    )


def _estimates(estimates: Mapping[Measure, Estimate]) -> Mapping[Measure, EstimateOut]:
    return {
        measure: EstimateOut(
            mean=found.mean, lower=found.lower, upper=found.upper, simulation_error=found.simulation_error
        )
        for measure, found in estimates.items()
    }


def _inputs(found: Answer) -> InputsOut:
    line = found.inputs
    reworked, retested, scrapped, rejected = line.fates
    return InputsOut(
        parts=line.parts,
        hours=line.span_s / 3600.0,
        parts_per_hour=3600.0 * line.parts / line.span_s,
        ng_rate=line.flagged.point,
        ng_over_dispersion=over_dispersion(line.flagged),
        inspection_mean_s=float(np.mean(line.inspection_s)),
        stations=line.stations,
        most_inspected_at_once=line.most_inspected_at_once,
        not_inspected_share=line.not_inspected.point,
        reworked=reworked,
        retested=retested,
        scrapped=scrapped,
        rejected=rejected,
        rework_mean_s=_mean(line.rework_s),
        rework_places=line.rework_places,
        most_reworked_at_once=line.most_reworked_at_once,
        passed_after_rework=line.passed_rework.point,
        flagged_read=len(line.flagged_reads.weights),
        flagged_defective=int(line.flagged_reads.is_defective.sum()),
        audited=len(line.passed_reads.weights),
        escapes=int(line.passed_reads.is_defective.sum()),
        threshold=line.threshold,
        releases=line.releases,
        inspection_load=found.load.inspection,
        rework_load=found.load.rework,
    )


def _mean(seen_s: Numbers) -> float | None:
    return float(seen_s.mean()) if len(seen_s) else None
