"""A coarse, seeded grid of the coverage study; the whole one is `python -m benchmarks coverage`."""

import numpy as np
import pytest
from benchmarks.coverage import CONTRACT, LINESIDE, NO_GOLDEN, TRUSTING, CellResult, Tally, run_cell
from benchmarks.coverage_lots import (
    BASELINES,
    LOTS,
    REVIEWER_ERRORS,
    Cell,
    all_cells,
    observe,
    rogan_gladen_interval,
)

REPLICATES = 200
REPLICATES_WITH_READING_ERRORS = 80  # five times the work each

COARSE = [
    cell
    for cell in all_cells()
    if cell.rate in (0.0002, 0.01, 0.05) and cell.audit in (50, 3000) and not (cell.audit == 3000 and cell.lots == 10)
]


def cell_of(rate: float, audit: int, *, is_drifted: bool, reviewer_error: float = 0.0, lots: int = 1) -> Cell:
    return Cell(rate, audit, is_drifted, reviewer_error, lots)


EXCEPTIONS = frozenset(
    {
        # After a silent loss of recall the audit finds nothing in one lot of seven, and the golden half is believed.
        # Remedy: leave the golden set out where nothing watches the recall (tested below), or audit more.
        cell_of(0.01, 50, is_drifted=True, lots=10),
        # The same, where false alarms of reviewers could explain what the audit found. The same remedy.
        cell_of(0.05, 3000, is_drifted=True, reviewer_error=0.02),
        cell_of(0.05, 50, is_drifted=True, reviewer_error=0.02, lots=10),
    }
)


def _name(cell: Cell) -> str:
    recall = "drifted" if cell.is_drifted else "calibrated"
    return f"{cell.lots}x{cell.audit}-{cell.rate}-{recall}-errors {cell.reviewer_error}"


def _replicates(cell: Cell) -> int:
    return REPLICATES_WITH_READING_ERRORS if cell.reviewer_error else REPLICATES


def test_the_grid_is_the_whole_one() -> None:
    cells = list(all_cells())
    assert len(cells) == len(set(cells)) == 120
    assert {cell.reviewer_error for cell in cells} == set(REVIEWER_ERRORS)
    assert set(COARSE) >= EXCEPTIONS


@pytest.mark.parametrize("cell", [cell for cell in COARSE if cell not in EXCEPTIONS], ids=_name)
def test_the_interval_holds_the_truth(cell: Cell) -> None:
    result = run_cell(cell, _replicates(cell), others=())
    assert not result.is_short(), f"covered in {100 * result.coverage():.1f} %"
    assert result.coverage_bound(CONTRACT) >= 0.95, "the bound for contracts is never below its confidence"


@pytest.mark.parametrize("cell", [cell for cell in COARSE if cell in EXCEPTIONS], ids=_name)
def test_where_it_does_not_the_remedy_does(cell: Cell) -> None:
    """Each exception is named in docs/benchmarks.md; without the golden set it covers."""
    result = run_cell(cell, _replicates(cell), others=(NO_GOLDEN,))
    assert result.coverage(LINESIDE) >= 0.75, "short, not lost"
    assert not result.is_short(NO_GOLDEN), f"covered in {100 * result.coverage(NO_GOLDEN):.1f} %"
    assert result.coverage_bound(CONTRACT) >= 0.95


def test_the_raw_rate_never_holds_the_truth_where_ours_does() -> None:
    result = run_cell(cell_of(0.01, 300, is_drifted=False), 200, others=tuple(BASELINES))
    assert result.coverage("raw + Wilson") == 0.0
    assert result.coverage() >= 0.95
    assert result.width() < result.width("Rogan-Gladen")


def test_rogan_gladen_does_not_survive_a_loss_of_recall() -> None:
    result = run_cell(cell_of(0.05, 300, is_drifted=True), 200, others=("Rogan-Gladen",))
    assert result.coverage("Rogan-Gladen") < 0.1


def test_reviewers_who_err_must_be_taken_in() -> None:
    result = run_cell(cell_of(0.01, 300, is_drifted=False, reviewer_error=0.02), 100, others=(TRUSTING,))
    assert result.coverage(TRUSTING) < 0.3
    assert not result.is_short()


def test_rogan_gladen_reference() -> None:
    """23 of 150 positive, sensitivity 0.96, specificity 0.89: 0.0510 (epiR's help on epi.prev)."""
    known = {"sensitivity_parts": 10**9, "specificity_parts": 10**9}
    point, lower, upper = rogan_gladen_interval(23 / 150, 150, sensitivity=0.96, specificity=0.89, **known)
    assert round(point, 4) == 0.0510
    assert lower == 0.0
    assert 0.11 < upper < 0.13


@pytest.mark.parametrize("lots", LOTS)
def test_simulated_lots_add_up(lots: int) -> None:
    seen = observe(cell_of(0.02, 300, is_drifted=True, reviewer_error=0.02, lots=lots), np.random.default_rng(5))
    assert seen.counts.inspected == 10_000 * lots
    assert seen.counts.audited == 300 * lots
    assert int(seen.sample_table.sum()) == seen.counts.parts_flagged + seen.counts.audited
    assert 0.015 < seen.truth < 0.025


def test_a_cell_is_short_only_beyond_what_the_simulation_leaves_open() -> None:
    cell = cell_of(0.01, 300, is_drifted=False)
    assert CellResult(cell, 2000, {LINESIDE: Tally(covered=1840)}).is_short()
    assert not CellResult(cell, 100, {LINESIDE: Tally(covered=92)}).is_short()
