"""`control_charts`: false alarms where the true rate varies as it always does, and how soon a change is found."""

from collections.abc import Callable, Sequence
from statistics import mean, stdev

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Report, Table
from lineside.statistics.spc import (
    BEYOND_LIMITS,
    WESTERN_ELECTRIC,
    Baseline,
    ChartKind,
    ChartOptions,
    ControlChart,
    Gap,
    Measure,
    Subgroup,
    Tails,
    control_chart,
    gap_chart,
)

RATE = 0.01
SUBGROUPS = 50
CELLS = ((200, 0.0), (200, 0.5), (2000, 0.0), (2000, 0.2), (2000, 0.5), (20_000, 0.2), (20_000, 0.5))
SHIFTS = (1.0, 1.5, 2.0, 3.0)
PARTS_AN_HOUR = 200
LONGEST = 4000
PPM = 1e-4
_SEED = 20261123

Chart = Callable[[Sequence[Subgroup]], ControlChart]


def measure(options: Options) -> Report:
    """False alarms of p and p', run lengths of the charts of subgroups, and those of charts of gaps at 100 ppm."""
    rng = np.random.default_rng(_SEED)
    options.say("false alarms of p and p' charts")
    alarms, alarm_figures = _false_alarms(rng, replicates=options.some(400, 20))
    options.say("run lengths of charts of subgroups")
    lengths, length_figures = _run_lengths(rng, replicates=options.some(400, 20))
    options.say("run lengths of charts of gaps")
    gaps, gap_figures = _gap_run_lengths(rng, replicates=options.some(400, 20))
    figures = {"false_alarms": alarm_figures, "run_lengths": length_figures, "gaps": gap_figures}
    return Report((alarms, lengths, gaps), figures)


def _false_alarms(rng: np.random.Generator, *, replicates: int) -> tuple[Table, dict[str, float]]:
    rows, figures = [], {}
    for size, variation in CELLS:
        shares = {}
        for kind in (ChartKind.P, ChartKind.P_PRIME):
            found = 0
            for _ in range(replicates):
                chart = control_chart(kind, _hours(rng, size, variation), rules=[BEYOND_LIMITS])
                found += len(chart.signals)
            shares[kind] = found / (replicates * SUBGROUPS)
            figures[f"{kind} {size} {variation}"] = shares[kind]
        rows.append((f"{size}", f"{variation:g}", f"{shares[ChartKind.P]:.4f}", f"{shares[ChartKind.P_PRIME]:.4f}"))
    notes = [
        f"{SUBGROUPS} subgroups a chart, {replicates} charts a cell, rate 1 %, limits from the very points (phase I).",
        "Every alarm is false: nothing but the usual variation of the true rate between subgroups.",
        "Chance alone, near normal, gives 0.0027.",
    ]
    columns = ("parts a subgroup", "variation of the true rate (CV)", "p", "p'")
    return Table("False alarms per point under over-dispersion", columns, rows, notes), figures


def _hours(rng: np.random.Generator, size: int, variation: float) -> list[Subgroup]:
    if variation > 0:
        weight = (1 - RATE) / (RATE * variation**2) - 1  # a beta distribution of this mean and coefficient of variation
        truth = rng.beta(RATE * weight, (1 - RATE) * weight, SUBGROUPS)
    else:
        truth = np.full(SUBGROUPS, RATE)
    counts = rng.binomial(size, truth)
    return [Subgroup(str(place), int(count), size) for place, count in enumerate(counts)]


def _run_lengths(rng: np.random.Generator, *, replicates: int) -> tuple[Table, dict[str, float]]:
    baseline = Baseline(ChartKind.P_PRIME, Measure.PROPORTION, RATE, 1.0, 1000, 1000.0 * PARTS_AN_HOUR)

    def chart(kind: ChartKind, **choices: float) -> Chart:
        chosen = ChartOptions(**choices)  # type: ignore[arg-type]  # all choices here are numbers
        return lambda hours: control_chart(kind, hours, baseline=baseline, rules=[BEYOND_LIMITS], options=chosen)

    def zones(hours: Sequence[Subgroup]) -> ControlChart:
        return control_chart(ChartKind.P_PRIME, hours, baseline=baseline, rules=WESTERN_ELECTRIC)

    charts: dict[str, Chart] = {
        "p' beyond its limits": chart(ChartKind.P_PRIME),
        "p' with the four rules": zones,
        "EWMA, weight 0.1": chart(ChartKind.EWMA),
        "EWMA, weight 0.2": chart(ChartKind.EWMA, weight=0.2, ewma_width=2.86),
        "CUSUM, slack 0.5": chart(ChartKind.CUSUM),
    }
    rows, figures = [], {}
    for name, draw in charts.items():
        cells = [name]
        for shift in SHIFTS:
            lengths = [_until_signal(rng, draw, RATE * shift) for _ in range(replicates)]
            figures[f"{name} {shift}"] = mean(lengths)
            cells.append(f"{mean(lengths):.1f} ± {stdev(lengths) / replicates**0.5:.1f}")
        rows.append(cells)
    notes = [
        f"{PARTS_AN_HOUR} parts a subgroup, baseline known, {replicates} runs a cell, mean ± its standard error.",
        f"A run of {LONGEST} without a signal counts as {LONGEST}.",
        "The first column is the time between false alarms: the longer the better; the others: the shorter the better.",
    ]
    columns = ("chart", *(f"{RATE * shift:.1%}" for shift in SHIFTS))
    return Table("Subgroups until a signal, by the true rate", columns, rows, notes), figures


def _until_signal(rng: np.random.Generator, draw: Chart, rate: float) -> int:
    length = 50
    counts = rng.binomial(PARTS_AN_HOUR, rate, LONGEST).tolist()
    while True:
        hours = [Subgroup(str(place), count, PARTS_AN_HOUR) for place, count in enumerate(counts[:length])]
        signals = draw(hours).signals
        if signals:
            return int(signals[0].label) + 1
        if length == LONGEST:
            return LONGEST
        length = min(length * 4, LONGEST)


def _gap_run_lengths(rng: np.random.Generator, *, replicates: int) -> tuple[Table, dict[str, float]]:
    baseline = Baseline(ChartKind.G_R, Measure.PROPORTION, PPM, 1.0, 1000, 1e7)
    rows, figures = [], {}
    for order in (1, 4):
        cells = [f"count to defect {order}"]
        for shift in (1.0, 3.0, 10.0):
            parts = [_parts_until_signal(rng, baseline, order=order, rate=PPM * shift) for _ in range(replicates)]
            figures[f"{order} {shift}"] = mean(parts)
            cells.append(f"{mean(parts):,.0f} ± {stdev(parts) / replicates**0.5:,.0f}")
        rows.append(cells)
    notes = [
        "Limit on short counts only, 0.0027 below it; the baseline of 100 ppm is known.",
        f"{replicates} runs a cell, mean ± its standard error.",
    ]
    columns = ("chart", "100 ppm", "300 ppm", "1000 ppm")
    return Table("Parts until a g-r chart signals, by the true rate", columns, rows, notes), figures


def _parts_until_signal(rng: np.random.Generator, baseline: Baseline, *, order: int, rate: float) -> float:
    before = 0.0
    chosen = ChartOptions(order=order, tails=Tails.WORSE)
    while True:
        lengths = rng.geometric(rate, 100 * order).tolist()
        gaps = [Gap(str(place), length) for place, length in enumerate(lengths)]
        for point in gap_chart(ChartKind.G_R, gaps, baseline=baseline, rules=[BEYOND_LIMITS], options=chosen).points:
            before += point.value or 0.0
            if point.rules:
                return before
