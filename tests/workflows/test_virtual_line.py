"""The virtual line and its tally."""

import hashlib
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from lineside.inspection.verdict import Verdict
from lineside.workflows.demo.plan import BOARDS_PER_PANEL, PANELS_PER_LOT, DemoPlan
from lineside.workflows.demo.tally import Outcome, Tally, outcome_of, quantile
from lineside.workflows.demo.virtual_line import PRODUCTS, VirtualPart, fate_of, virtual_parts


def plan(**fields: object) -> DemoPlan:
    """A plan whose data folder nobody touches."""
    return DemoPlan(**{"data_dir": Path("unused"), **fields})  # type: ignore[arg-type]  # the test's own literals


def part(*, is_defective: bool) -> VirtualPart:
    """A part of a line that makes only good ones, or only defective ones."""
    return next(virtual_parts(plan(defect_rate=float(is_defective)), run_id="R"))


def test_the_same_seed_makes_the_same_parts() -> None:
    first, second, other = (
        [(hashlib.sha256(each.frame_png).hexdigest(), each.defects) for each in virtual_parts(chosen, run_id="R")]
        for chosen in (plan(parts=4, seed=3), plan(parts=4, seed=3), plan(parts=4, seed=4))
    )
    assert first == second
    assert first != other


def test_boards_come_in_panels_and_lots_and_a_new_lot_is_another_product() -> None:
    boards_per_lot = BOARDS_PER_PANEL * PANELS_PER_LOT
    made = list(islice(virtual_parts(plan(), run_id="R"), boards_per_lot + 1))
    assert len({each.part_id for each in made}) == len(made)
    panels = Counter(each.panel_id for each in made[:boards_per_lot])
    assert set(panels.values()) == {BOARDS_PER_PANEL}
    assert all(each.part_id.startswith(f"{each.panel_id}-") for each in made)
    assert [each.number for each in made if each.starts_lot] == [0, boards_per_lot]
    assert {each.lot for each in made} == {"R-L01", "R-L02"}
    assert [made[0].product, made[-1].product] == list(PRODUCTS)[:2]


def test_the_true_defect_rate_is_the_plans() -> None:
    """60 parts at 0.3: the number of defective ones lies within 5 sigma, for this and nearly every seed."""
    made = list(virtual_parts(plan(parts=60, defect_rate=0.3), run_id="R"))
    defective = sum(each.is_defective for each in made)
    assert abs(defective - 18) <= 5 * (60 * 0.3 * 0.7) ** 0.5
    assert all(not each.defects for each in virtual_parts(plan(parts=4, defect_rate=0.0), run_id="R"))
    assert all(each.defects for each in virtual_parts(plan(parts=4, defect_rate=1.0), run_id="R"))


def test_marks_and_faintness_come_at_their_shares_and_make_no_defect() -> None:
    """60 parts: each count lies within 5 sigma; a marked board without a defect is good."""
    made = list(virtual_parts(plan(parts=60, defect_rate=0.5, mark_share=0.4, faint_share=0.5), run_id="R"))
    marked = sum(bool(each.marks) for each in made)
    assert abs(marked - 24) <= 5 * (60 * 0.4 * 0.6) ** 0.5
    defective = [each for each in made if each.is_defective]
    assert abs(sum(each.is_faint for each in defective) - len(defective) / 2) <= 5 * (len(defective) / 4) ** 0.5
    assert any(each.marks and not each.is_defective for each in made)
    assert not any(each.is_faint for each in made if not each.is_defective)


def test_shares_of_marks_and_faint_defects_leave_the_defects_as_they_were() -> None:
    plain, unkind = (
        [each.defects for each in virtual_parts(chosen, run_id="R")]
        for chosen in (
            plan(parts=12, defect_rate=0.5, mark_share=0.0, faint_share=0.0),
            plan(parts=12, defect_rate=0.5, mark_share=1.0, faint_share=1.0),
        )
    )
    assert plain == unkind


def test_from_the_change_on_a_share_of_the_defects_are_films_and_before_it_none() -> None:
    changed = plan(parts=80, defect_rate=0.5, film_from=40)
    fates = [fate_of(changed, number) for number in range(80)]
    later = [fate for fate in fates[40:] if fate.is_defective]
    assert not any(fate.is_film for fate in fates[:40])
    assert abs(sum(fate.is_film for fate in later) - len(later) / 2) <= 5 * (len(later) / 4) ** 0.5
    assert all(fate.is_defective and fate.contrast < 0.5 for fate in fates if fate.is_film)
    same = [fate_of(plan(defect_rate=0.5), number) for number in range(80)]
    assert [(fate.defects, fate.seed) for fate in fates] == [(fate.defects, fate.seed) for fate in same]


def test_a_line_goes_on_where_it_stopped() -> None:
    whole = list(virtual_parts(plan(parts=6, defect_rate=0.5), run_id="R"))
    rest = list(virtual_parts(plan(parts=3, first_part=3, defect_rate=0.5), run_id="R"))
    assert [(each.part_id, each.frame_png) for each in rest] == [(each.part_id, each.frame_png) for each in whole[3:]]


def test_a_study_may_draw_the_defective_parts_of_a_run_alone() -> None:
    chosen = plan(parts=12, defect_rate=0.4)
    whole = [each.part_id for each in virtual_parts(chosen, run_id="R") if each.is_defective]
    alone = [each.part_id for each in virtual_parts(chosen, run_id="R", wanted=lambda fate: fate.is_defective)]
    assert alone == whole


def test_a_line_of_one_product_makes_no_other() -> None:
    chosen = plan(products=("backplane",), defect_rate=0.0)
    made = islice(virtual_parts(chosen, run_id="R"), BOARDS_PER_PANEL * PANELS_PER_LOT + 1)
    assert {each.product for each in made} == {"backplane"}


@pytest.mark.parametrize(
    ("is_defective", "verdict", "outcome"),
    [
        (True, Verdict.NG, Outcome.HIT),
        (True, Verdict.OK, Outcome.ESCAPE),
        (False, Verdict.NG, Outcome.FALSE_CALL),
        (False, Verdict.OK, Outcome.CORRECT_PASS),
        (True, Verdict.NOT_INSPECTED, Outcome.NOT_INSPECTED),
        (False, Verdict.NOT_INSPECTED, Outcome.NOT_INSPECTED),
        (True, None, Outcome.UNANSWERED),
        (False, None, Outcome.UNANSWERED),
    ],
)
def test_truth_against_verdict(*, is_defective: bool, verdict: Verdict | None, outcome: Outcome) -> None:
    assert outcome_of(part(is_defective=is_defective), verdict) is outcome


def test_an_unanswered_part_counts_in_no_rate_and_no_latency() -> None:
    tally = Tally()
    passage = tally.add(part(is_defective=True), None, latency_ms=20_000.0)
    assert passage.outcome is Outcome.UNANSWERED
    assert (tally.parts, tally.defective) == (1, 1)
    assert tally.latency_ms(0.99) is None
    assert tally.detector_rate().units == 0


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_quantile_is_a_value_that_was_seen(share: float, expected: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], share) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"parts": 0},
        {"defect_rate": 1.5},
        {"defect_rate": float("nan")},
        {"mark_share": -0.1},
        {"faint_share": 1.1},
        {"film_share": 1.1},
        {"film_from": -1},
        {"first_part": -1},
        {"audit_share": 2.0},
        {"parts_per_s": 0.0},
        {"in_flight": 0},
        {"seed": -1},
    ],
    ids=str,
)
def test_a_line_that_cannot_run_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        plan(**fields)
