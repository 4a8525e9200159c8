"""The analysis of a crossed gauge study."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lineside.statistics.counts import check_share
from lineside.statistics.gauge.components import (
    Figures,
    appraiser_variance,
    gauge_variance,
    interaction_variance,
    part_variance,
    ratio,
    repeating_variance,
    reproducibility_variance,
    total_variance,
)
from lineside.statistics.gauge.records import Component, GaugeRefused, GaugeStudy, MeanSquare
from lineside.statistics.gauge.variance_table import VarianceTable

_CATEGORIES_PER_RATIO = 1.41
_SPREAD = 6.0  # standard deviations across which the manual lays tolerance and study variation


def analyse_gauge(
    measurements: Sequence[Sequence[Sequence[float]]],
    *,
    tolerance: float | None = None,
    pool_above: float = 0.25,
    confidence: float = 0.95,
    seed: int = 0,
) -> GaugeStudy:
    """Analyse a crossed gauge study by analysis of variance with interaction.

    Components are the differences of mean squares that their expectations give, set to 0 where they come out below
    (`unbounded_variance` keeps what came out, and a note says so). Intervals are generalised confidence intervals: each
    mean square is replaced by itself times its degrees of freedom over a chi-square draw, the figure computed anew,
    components below 0 set to 0, and the quantiles of 40 000 such draws taken.

    Source: the crossed random-effects design as in Automotive Industry Action Group, "Measurement Systems Analysis",
    4th edition (2010), appendix A; intervals by M. Hamada and S. Weerahandi, "Measurement system assessment via
    generalized inference", Journal of Quality Technology 32 (2000) 241-253.

    Assumptions: parts and appraisers are drawn from those that the gauge will meet; effects are normal; the spread of
    repeating is the same for every part. Sizes that vary over decades break the last: measure their logarithms.

    Args:
        measurements: by appraiser, part, trial: shape (appraisers, parts, trials), finite. One appraiser is enough
            for repeatability alone.
        tolerance: the width that sizes may vary in, in the measurements' unit.
        pool_above: an interaction whose p-value is above is put with repeating; 1 never pools.
        confidence: nominal coverage.
        seed: of the draws, so that a study gives the same figures twice.

    Raises:
        GaugeRefused: fewer than two parts or trials, a missing measurement, or measurements that are all the same.
        ValueError: a measurement is no finite number, or an argument is out of its range.
    """
    check_share("confidence", confidence)
    if not 0.0 <= pool_above <= 1.0:
        raise ValueError(f"pool_above is {pool_above}; expected a p-value from 0 to 1")
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance > 0):
        raise ValueError(f"the tolerance is {tolerance}; expected more than 0")
    table = VarianceTable.of(_checked(measurements), pool_above)
    figures = Figures(table, confidence, np.random.default_rng(seed))
    part, gauge, total = (
        figures.component(part_variance),
        figures.component(gauge_variance),
        figures.component(total_variance),
    )
    several = table.appraisers > 1
    share = figures.interval(lambda squares: np.sqrt(ratio(gauge_variance(squares), total_variance(squares))))
    of_tolerance = None
    if tolerance is not None:
        of_tolerance = figures.interval(lambda squares: _SPREAD / tolerance * np.sqrt(gauge_variance(squares)))
    repeatability = figures.component(repeating_variance)
    appraiser = figures.component(appraiser_variance) if several else None
    interaction = figures.component(interaction_variance) if several and not table.is_pooled else None
    return GaugeStudy(
        parts=table.parts,
        appraisers=table.appraisers,
        trials=table.trials,
        part_squares=table.tested(table.part),
        appraiser_squares=table.tested(table.appraiser) if several else None,
        interaction_squares=table.interaction_row(),
        repeat_squares=MeanSquare(*table.repeating, table.value(table.repeating), None, None),
        is_interaction_pooled=table.is_pooled and several,
        repeatability=repeatability,
        appraiser=appraiser,
        interaction=interaction,
        reproducibility=figures.component(reproducibility_variance) if several else None,
        gauge=gauge,
        part=part,
        total=total,
        share_of_study=share,
        share_of_tolerance=of_tolerance,
        distinct_categories=_distinct(part, gauge),
        confidence=confidence,
        notes=_notes(table, {"appraiser": appraiser, "interaction": interaction, "part": part}),
    )


def _checked(measurements: Sequence[Sequence[Sequence[float]]]) -> NDArray[np.float64]:
    appraisers = len(measurements)
    parts = len(measurements[0]) if measurements else 0
    trials = len(measurements[0][0]) if parts else 0
    if parts < 2 or trials < 2:
        raise GaugeRefused(
            f"{appraisers} appraisers, {parts} parts and {trials} trials; expected 1, 2 and 2 at least: without "
            "repeats nothing is known of repeatability"
        )
    for number, of_appraiser in enumerate(measurements, start=1):
        if len(of_appraiser) != parts or any(len(repeats) != trials for repeats in of_appraiser):
            raise GaugeRefused(
                f"appraiser {number} did not measure all {parts} parts {trials} times; expected a complete study"
            )
    sizes = np.asarray(measurements, np.float64)
    if not np.all(np.isfinite(sizes)):
        raise ValueError("a measurement is not finite; expected numbers")
    return sizes


def _distinct(part: Component, gauge: Component) -> int | None:
    if gauge.variance == 0.0:
        return None
    return math.floor(_CATEGORIES_PER_RATIO * part.standard_deviation / gauge.standard_deviation)


def _notes(table: VarianceTable, components: dict[str, Component | None]) -> tuple[str, ...]:
    notes = [
        f"the {name} variance came out as {component.unbounded_variance:.3g}, below 0, and counts as 0: this source "
        "shows no more than repeating explains"
        for name, component in components.items()
        if component is not None and component.unbounded_variance < 0
    ]
    if table.appraisers == 1:
        notes.append("one appraiser: nothing is known of reproducibility, and the gauge is repeatability alone")
    elif table.is_pooled:
        notes.append("the interaction of appraisers and parts is small and was put with repeating")
    if table.parts < 10:
        notes.append(f"{table.parts} parts; 10 or more are usual, over the whole range of sizes")
    return tuple(notes)
