"""`coverage`: how often each interval of the defect rate holds the truth, over the grid of circumstances."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.coverage_lots import (
    BASELINES,
    Cell,
    Interval,
    Observed,
    all_cells,
    observe,
    rate,
    rate_trusting_reviewers,
    rate_without_golden,
)
from benchmarks.options import Options
from benchmarks.report import Report, Table
from lineside.statistics import exact_upper_bound

SEED = 20261123
WANTED = 0.94
"""A cell is short when even the 99.9 % Monte-Carlo upper bound of its coverage is under this."""

_ROUNDING = 1e-12  # shares are counts over the parts; half a part is 5e-6 at least
_ALARM = 0.95

LINESIDE = "Lineside"
NO_GOLDEN = "without golden"
TRUSTING = "reviewers trusted"
CONTRACT = "contract bound"


METHODS: Mapping[str, Callable[[Observed], Interval]] = MappingProxyType(
    {**BASELINES, NO_GOLDEN: rate_without_golden, TRUSTING: rate_trusting_reviewers}
)
"""What runs beside Lineside's own interval and bound."""


@dataclass
class Tally:
    """How one method did in one cell."""

    covered: int = 0
    width: float = 0.0

    def add(self, interval: Interval, truth: float) -> None:
        """One more lot."""
        self.covered += interval[0] - _ROUNDING <= truth <= interval[1] + _ROUNDING
        self.width += interval[1] - interval[0]


@dataclass
class CellResult:
    """One cell, all methods on the same lots.

    Attributes:
        cell: the circumstances.
        replicates: lots simulated.
        tallies: by method.
        excess: sum of (point - truth).
        alarms: lots in which the recall alarm was over 0.95.
    """

    cell: Cell
    replicates: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    excess: float = 0.0
    alarms: int = 0

    def coverage(self, method: str = LINESIDE) -> float:
        """Share of lots whose truth the interval held."""
        return self.tallies[method].covered / self.replicates

    def coverage_bound(self, method: str = LINESIDE) -> float:
        """Its 99.9 % one-sided upper bound, for the finite number of lots."""
        return exact_upper_bound(self.tallies[method].covered, self.replicates, confidence=0.999)

    def is_short(self, method: str = LINESIDE) -> bool:
        """Whether the interval surely covers less often than wanted."""
        return self.coverage_bound(method) < WANTED

    def width(self, method: str = LINESIDE) -> float:
        """Mean width."""
        return self.tallies[method].width / self.replicates


def other_methods(cell: Cell) -> tuple[str, ...]:
    """What is worth a look beside Lineside's own interval in such a cell."""
    remedy = (NO_GOLDEN,) if cell.is_drifted else ()  # for what the golden half then does
    return (*BASELINES, *remedy, *((TRUSTING,) if cell.reviewer_error else ()))


def run_cell(cell: Cell, replicates: int, *, others: Sequence[str] | None = None) -> CellResult:
    """Simulate one cell; the same seed gives the same lots, whichever other cells run.

    Args:
        cell: the circumstances.
        replicates: lots to simulate.
        others: names of `METHODS` to run beside Lineside's; `other_methods(cell)` without.
    """
    if others is None:
        others = other_methods(cell)
    rng = np.random.default_rng([SEED, *cell.key])
    result = CellResult(cell, replicates)
    result.tallies = {name: Tally() for name in (LINESIDE, CONTRACT, *others)}
    for _ in range(replicates):
        seen = observe(cell, rng)
        found = rate(seen)
        result.tallies[LINESIDE].add((found.lower, found.upper), seen.truth)
        result.tallies[CONTRACT].add((0.0, found.contract_upper_bound), seen.truth)
        result.excess += (found.point or 0.0) - seen.truth
        result.alarms += (found.recall_alarm or 0.0) > _ALARM
        for name in others:
            result.tallies[name].add(METHODS[name](seen), seen.truth)
    return result


def measure(options: Options) -> Report:
    """The whole grid, a table for each state of the recall and of the reviewers."""
    replicates = options.some(2000, 50)
    cells = list(all_cells())
    options.say(f"coverage: {len(cells)} cells of {replicates} replicates")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = []
        for result in pool.map(run_cell, cells, [replicates] * len(cells)):
            results.append(result)
            if len(results) % 15 == 0:
                options.say(f"coverage: {len(results)} of {len(cells)} cells")
    return report_on(results, replicates)


def report_on(results: Sequence[CellResult], replicates: int) -> Report:
    """A summary, and a table for each state of the recall and of the reviewers."""
    tables = [summary_table(results)]
    tables += [
        cells_table([r for r in results if _state(r.cell) == state], state)
        for state in dict.fromkeys(_state(result.cell) for result in results)
    ]
    return Report(tables, {"replicates": replicates, "cells": [_as_json(result) for result in results]})


def summary_table(results: Sequence[CellResult]) -> Table:
    """Each method over all cells of one state."""
    methods = (LINESIDE, NO_GOLDEN, CONTRACT, TRUSTING, *BASELINES)
    rows = []
    for state in dict.fromkeys(_state(result.cell) for result in results):
        chosen = [result for result in results if _state(result.cell) == state]
        for method in methods:
            having = [result for result in chosen if method in result.tallies]
            if not having:
                continue
            coverages = [result.coverage(method) for result in having]
            rows.append(
                (
                    f"{_title(state)}: {method}",
                    f"{100 * min(coverages):.1f}",
                    f"{100 * float(np.median(coverages)):.1f}",
                    f"{sum(result.is_short(method) for result in having)} of {len(having)}",
                    f"{100 * float(np.mean([result.width(method) for result in having])):.3f}",
                )
            )
    return Table(
        "Coverage of nominal 95 % intervals of the rate of the inspected parts, in %",
        ("circumstances: method", "worst cell", "median cell", "short cells", "mean width, points"),
        rows,
        (
            "short: the 99.9 % Monte-Carlo upper bound of the cell's coverage is under 94 %",
            "the contract bound is one-sided; its width is the bound itself",
            "PPI++ reads as many parts as Lineside, at random from the whole lot",
        ),
    )


def cells_table(results: Sequence[CellResult], state: tuple[bool, float]) -> Table:
    """The cells of one state of recall and reviewers."""
    others = [name for name in (NO_GOLDEN, CONTRACT, TRUSTING, *BASELINES) if name in results[0].tallies]
    rows = []
    for result in results:
        cell = result.cell
        rows.append(
            (
                f"{cell.lots} x {cell.audit}, {_rate_text(cell.rate)}",
                _cover_text(result, LINESIDE),
                f"{100 * result.excess / result.replicates:+.3f}",
                f"{100 * result.alarms / result.replicates:.0f}",
                *(_cover_text(result, name) for name in others),
            )
        )
    return Table(
        f"{_title(state)}: coverage in % / mean width in points, {_replicates_text(results)}",
        ("lots x audit, rate", LINESIDE, "bias of the point", "recall alarm over 0.95, %", *others),
        rows,
        ("a short cell is in bold",),
    )


def _cover_text(result: CellResult, method: str) -> str:
    text = f"{100 * result.coverage(method):.1f} / {100 * result.width(method):.3f}"
    return f"**{text}**" if result.is_short(method) else text


def _replicates_text(results: Sequence[CellResult]) -> str:
    least, most = min(r.replicates for r in results), max(r.replicates for r in results)
    return f"{least} replicates a cell" if least == most else f"{least} to {most} replicates a cell"


def _state(cell: Cell) -> tuple[bool, float]:
    return cell.is_drifted, cell.reviewer_error


def _title(state: tuple[bool, float]) -> str:
    recall = "recall drifted 0.9 to 0.6" if state[0] else "recall as calibrated"
    return f"{recall}, reviewer error {100 * state[1]:g} %"


def _rate_text(share: float) -> str:
    return f"{round(share * 1e6)} ppm" if share < 0.001 else f"{100 * share:g} %"


def _as_json(result: CellResult) -> Mapping[str, Any]:
    return {
        **asdict(result.cell),
        "replicates": result.replicates,
        "bias": result.excess / result.replicates,
        "alarms": result.alarms / result.replicates,
        "methods": {
            name: {"coverage": result.coverage(name), "width": result.width(name), "is_short": result.is_short(name)}
            for name in result.tallies
        },
    }
