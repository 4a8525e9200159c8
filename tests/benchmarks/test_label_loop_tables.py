"""The tables of `label_loop`: what is compared, against margins that were set before."""

from typing import Any

import pytest
from benchmarks.label_loop_tables import BUDGET, LEAST_FALL, LEAST_GAIN, SEEDS, Passed, report


def run(seed: int, arm: str, *, film_escapes: int, gate: str | None = "passed", blocking: tuple[str, ...] = ()) -> Any:
    """A run with 100 films and 100 solids, of which the starter passes 80 films."""
    starter = {"films": 100, "film_escapes": 80, "solids": 100, "solid_escapes": 0, "good": 50, "false_calls": 0}
    return {
        "seed": seed,
        "arm": arm,
        "films_labelled": 9,
        "film_escapes_labelled": 8,
        "film_escapes_before": 20,
        "wrong_readings": 1,
        "starter": starter,
        "candidate": {**starter, "film_escapes": film_escapes, "false_calls": 1},
        "gate": gate,
        "blocking": list(blocking),
        "seconds": {"training": 90.0},
    }


def cells(found: Any) -> dict[str, str]:
    """What the comparison found, by what it asks."""
    return {row[0]: row[2] for row in found.tables[0].rows}


def test_what_was_settled_is_enough_seeds_with_one_budget() -> None:
    assert len(SEEDS) >= 5
    assert BUDGET > 0
    assert 0 < LEAST_FALL < 1
    assert 0 < LEAST_GAIN < 1


def test_parts_are_counted_by_truth_look_and_verdict() -> None:
    passed = Passed.of(
        [(True, True, False), (True, True, True), (True, False, True), (False, False, True), (False, False, False)]
    )
    assert passed == Passed(films=2, film_escapes=1, solids=1, solid_escapes=0, good=2, false_calls=1)
    assert passed.escape_rate == 1 / 3


def test_means_over_the_seeds_are_held_against_the_margins() -> None:
    found = report(
        [
            *(run(seed, "picked", film_escapes=escapes) for seed, escapes in ((1, 10), (2, 20))),
            *(run(seed, "random", film_escapes=escapes) for seed, escapes in ((1, 40), (2, 60))),
        ]
    )
    said = cells(found)
    assert said["queue's labels, times the starter"] == "0.19"
    assert said["queue's labels, times random labels"] == "0.30"
    assert said["seeds with fewer escapes after the queue's labels"] == "2 of 2"
    assert found.figures["picked"] == pytest.approx(0.075)


def test_a_margin_that_is_missed_says_so() -> None:
    said = cells(report([run(1, "picked", film_escapes=50), run(1, "random", film_escapes=60)]))
    assert said["queue's labels, times the starter"] == "0.62: **missed**"
    assert said["queue's labels, times random labels"] == "0.83: **missed**"


def test_a_refused_gate_is_counted_and_named_and_its_candidate_still_compared() -> None:
    found = report(
        [
            run(1, "picked", film_escapes=10, gate="failed", blocking=("latency: 99 of 100", "overkill: 3 of 75")),
            run(1, "random", film_escapes=40),
        ]
    )
    assert cells(found)["gates that refused"] == "picked: 1 of 1, random: 0 of 1"
    assert "refused: latency, overkill" in found.tables[1].rows[0]
    assert found.figures["picked"] == 0.05


def test_a_gate_that_was_not_asked_is_no_passed_one() -> None:
    found = report([run(1, "picked", film_escapes=10, gate=None), run(1, "random", film_escapes=10)])
    assert "not asked" in found.tables[1].rows[0]
    assert cells(found)["gates that refused"] == "picked: 0 of 0, random: 0 of 1"


def test_one_arm_alone_is_no_comparison() -> None:
    assert cells(report([run(1, "picked", film_escapes=10)])) == {"both arms of one seed": "not run yet"}


def test_the_same_thresholds_are_shown_apart_where_they_were_looked_at() -> None:
    looked_at = run(1, "picked", film_escapes=10)
    looked_at |= {"same_thresholds": {**looked_at["candidate"], "film_escapes": 4}, "thresholds": {"a": 0.1, "b": 0.6}}
    tables = report([looked_at, run(1, "random", film_escapes=30)]).tables
    assert [row[:4] for row in tables[2].rows] == [("1, picked", "0.10 to 0.60", "5.0%", "2.0%")]
    assert len(report([run(1, "random", film_escapes=30)]).tables) == 2
