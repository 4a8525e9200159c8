"""Which inspections are put before people, in which order and why."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.datasets.errors import QueueRefused
from lineside.datasets.sampling import (
    Candidate,
    Descriptors,
    Disagreement,
    DroppedCopy,
    Pick,
    PickReason,
    QueuePlan,
    QueueShares,
    origin_of,
    pick,
)
from queue_candidates import candidate


def only(**shares: float) -> QueueShares:
    return QueueShares.of(shares)


def planned(candidates: Sequence[Candidate], *, budget: int = 10, seed: int = 1, **given: Any) -> QueuePlan:
    asked: dict[str, Any] = {"budget": budget, "shares": QueueShares(), "seed": seed} | given
    return pick(candidates, **asked)


def ids(picks: Sequence[Pick], reason: PickReason | None = None) -> list[str]:
    return [each.inspection_id for each in picks if reason in (None, each.reason)]


def a_day(count: int, *, seed: int = 0) -> list[Candidate]:
    """Good and defective parts with scores of every height, some audited, reported or disputed."""
    random = np.random.default_rng(seed)
    day: list[Candidate] = []
    for number in range(count):
        kind = random.random()
        fields: dict[str, Any] = {}
        if kind < 0.1:
            fields["audit_probability"] = 0.1
        elif kind < 0.15:
            fields["is_reported"] = True
        elif kind < 0.25:
            fields["disagreements"] = (Disagreement("live and shadow", float(random.uniform(0.1, 1))),)
        if random.random() < 0.3:
            fields["defects"] = {str(random.choice(["scratch", "dent"])): float(random.uniform(0.5, 1))}
        day.append(candidate(number, peak=float(random.uniform(0, 0.2)), **fields))
    return day


def looks(day: Sequence[Candidate], *, labelled: int = 5) -> Descriptors:
    random = np.random.default_rng(7)
    points = {each.inspection_id: random.normal(size=8).astype(np.float32) for each in day}
    return Descriptors(of=points, labelled=random.normal(size=(labelled, 8)).astype(np.float32), kind="test")


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 60),
    budget=st.integers(0, 70),
    seed=st.integers(0, 2**40),
    order=st.randoms(use_true_random=False),
    labelled=st.integers(0, 2),
)
def test_the_order_of_the_candidates_is_without_influence(
    count: int, budget: int, seed: int, order: Any, labelled: int
) -> None:
    day = a_day(count, seed=count)
    given_looks = {"descriptors": looks(day, labelled=labelled)}
    first = planned(day, budget=budget, seed=seed, **given_looks)
    shuffled = list(day)
    order.shuffle(shuffled)

    assert planned(shuffled, budget=budget, seed=seed, **given_looks) == first
    assert len(set(ids(first.picks))) == len(first.picks) <= min(budget, count)


def test_another_seed_draws_others() -> None:
    day = a_day(200)
    first, second = (ids(planned(day, budget=40, seed=seed).picks, PickReason.RANDOM) for seed in (1, 2))
    assert len(first) == len(second) > 1
    assert first != second


def test_reports_and_audits_come_first_and_outside_the_shares() -> None:
    day = [candidate(number, peak=0.2) for number in range(50)]
    day[7] = candidate(7, peak=0.01, is_reported=True)
    day[8] = candidate(8, peak=0.01, audit_probability=0.02)
    plan = planned(day, budget=12, shares=only(near_threshold=1))

    assert [each.reason for each in plan.picks[:2]] == [PickReason.OPERATOR_REPORT, PickReason.AUDIT]
    assert plan.picks[1].probability == 0.02
    assert plan.picks[0].probability is None
    assert plan.places[PickReason.NEAR_THRESHOLD] == 10
    assert len(plan.picks) == 12


def test_the_order_of_audits_looks_at_no_score() -> None:
    """Else the audits that fit a short day would be no random sample."""
    low = [candidate(number, peak=0.01, audit_probability=0.1) for number in range(30)]
    high = [candidate(number, peak=0.24, audit_probability=0.1) for number in range(30)]
    assert ids(planned(low, budget=10).picks) == ids(planned(high, budget=10).picks)


def test_what_does_not_fit_waits_and_is_told() -> None:
    day = [candidate(number, audit_probability=0.1) for number in range(20)]
    day += [candidate(number, is_reported=True) for number in range(20, 23)]
    plan = planned(day, budget=8)

    assert Counter(each.reason for each in plan.picks) == {PickReason.OPERATOR_REPORT: 3, PickReason.AUDIT: 5}
    assert plan.notes == ("15 of 20 audit draws wait for the next queue: the budget of 8 is used up",)


def test_an_audit_that_was_reported_as_well_stays_a_draw() -> None:
    [made] = planned([candidate(1, audit_probability=0.1, is_reported=True)]).picks
    assert (made.reason, made.probability) == (PickReason.AUDIT, 0.1)
    assert made.why.endswith("; somebody said that the verdict OK is wrong")


def test_the_random_arm_takes_each_candidate_with_the_chance_that_it_states() -> None:
    """Over many seeds each of 40 candidates is drawn in a share of the seeds that its stated chance explains.

    Reported, disputed, high and low ones alike: with 400 seeds the share of a chance of .2 lies within .11 and .29 but
    once in 100,000 times (binomial).
    """
    day = [each for each in a_day(60) if each.audit_probability is None][:40]
    copies = [DroppedCopy(day[3].inspection_id, day[4].inspection_id, "the same shot")]
    drawn: Counter[str] = Counter()
    for seed in range(400):
        plan = planned(day, budget=8, seed=seed, shares=only(random=1), dropped=copies)
        random = [each for each in plan.picks if each.reason is PickReason.RANDOM]
        reports = sum(each.is_reported for each in day)
        assert {each.probability for each in random} <= {(8 - reports) / 40}
        drawn.update(each.inspection_id for each in random)
    chance = (8 - sum(each.is_reported for each in day)) / 40
    shares = [drawn[each.inspection_id] / 400 for each in day]
    spread = 4.5 * np.sqrt(chance * (1 - chance) / 400)
    assert all(abs(share - chance) < spread for share in shares)


def test_the_random_arm_is_a_sample_of_the_line_though_not_all_images_were_kept() -> None:
    """300 flagged parts, all kept, and 100 passed ones, kept with a chance of .1: the line made about 1000 of these.

    Over 300 seeds of 20 places each the flagged ones get 30 in 130 of them, and never 3 in 4 (binomial: within .02).
    """
    flagged = [candidate(number, defects={"scratch": 0.9}) for number in range(300)]
    passed = [candidate(number, peak=0.1, kept_probability=0.1) for number in range(300, 400)]
    drawn: Counter[bool] = Counter()
    for seed in range(300):
        picks = planned([*flagged, *passed], budget=20, seed=seed, shares=only(random=1)).picks
        drawn.update(each.inspection_id < "i00300" for each in picks)
        [chance] = {each.probability for each in picks}
        assert 0.1 * 20 / 160 < (chance or 0) < 0.1 * 20 / 105, "one for all, in parts of the line"
    assert drawn[True] / drawn.total() == pytest.approx(30 / 130, abs=0.02)
    assert "images are kept with a chance of 0.1" in picks[0].why


def test_what_no_draw_kept_is_not_drawn() -> None:
    kept = [candidate(number) for number in range(4)]
    for_other_reasons = [candidate(number, kept_probability=None) for number in range(4, 9)]
    picks = planned([*kept, *for_other_reasons], budget=9, shares=only(random=1)).picks
    assert sorted(ids(picks)) == [each.inspection_id for each in kept]
    assert {each.probability for each in picks} == {1.0}


def test_near_the_threshold_is_taken_from_both_sides_in_turn() -> None:
    below = [candidate(number, peak=0.2 + number / 1000) for number in range(20)]  # dent 0.25
    above = [candidate(100 + number, defects={"scratch": 0.52 + number / 50}) for number in range(3)]
    far = [candidate(200 + number, peak=0.001) for number in range(5)]
    plan = planned([*below, *above, *far], budget=6, shares=only(near_threshold=1))

    pairs = [set(ids(plan.picks)[at : at + 2]) for at in (0, 2, 4)]
    assert pairs == [{"i00100", "i00019"}, {"i00101", "i00018"}, {"i00102", "i00017"}]
    assert "above the threshold 0.500 of scratch" in plan.picks[0].why
    assert "below the threshold 0.250 of dent" in plan.picks[1].why


def test_each_class_has_its_own_threshold() -> None:
    """0.55 is near for scratch (0.5), far for dent (0.25)."""
    near = candidate(1, defects={"scratch": 0.55})
    far = candidate(2, defects={"dent": 0.55})
    assert ids(planned([near, far], budget=1, shares=only(near_threshold=1)).picks) == ["i00001"]


def test_a_part_of_many_defects_is_as_sure_as_its_surest() -> None:
    sure = candidate(1, defects={"scratch": 0.51, "dent": 0.99})
    unsure = candidate(2, defects={"scratch": 0.6})
    assert ids(planned([sure, unsure], budget=1, shares=only(near_threshold=1)).picks) == ["i00002"]


def test_the_strongest_disagreement_comes_first() -> None:
    day = [
        candidate(n, disagreements=(Disagreement("tiles", n / 10), Disagreement("engines", 0.05))) for n in (1, 9, 5)
    ]
    plan = planned([*day, candidate(20, peak=0.2)], budget=3, shares=only(disagreement=0.9, near_threshold=0.1))
    assert ids(plan.picks, PickReason.DISAGREEMENT) == ["i00009", "i00005", "i00001"]
    assert plan.picks[0].why == "tiles disagree on it (strength 0.90)"


def test_rare_classes_are_balanced_pick_by_pick() -> None:
    """100 labelled scratches, 2 labelled dents: dents until there are as many, were there any left."""
    day = [candidate(number, defects={"scratch": 0.9}) for number in range(20)]
    day += [candidate(100 + number, defects={"dent": 0.9}) for number in range(4)]
    plan = planned(day, budget=6, shares=only(rare_class=1), labelled_counts={"scratch": 100, "dent": 2})

    assert [int(each.inspection_id[1:]) >= 100 for each in plan.picks] == [True] * 4 + [False] * 2
    assert plan.picks[0].score == pytest.approx(1 / np.sqrt(3))
    assert plan.picks[0].why == "the model says dent; it would be label 3 of it"
    assert plan.picks[-1].why == "the model says scratch; it would be label 102 of it"


def test_novelty_takes_what_is_farthest_from_everything_labelled() -> None:
    day = [candidate(number, peak=0.1) for number in range(4)]
    points = {each.inspection_id: np.array([x, 0], np.float32) for each, x in zip(day, (0, 1, 5, 9), strict=True)}
    known = np.array([[0, 0], [8, 0]], np.float32)
    plan = planned(day, budget=2, shares=only(novelty=1), descriptors=Descriptors(points, known, "test"))
    assert ids(plan.picks) == ["i00002", "i00001"]
    assert [each.score for each in plan.picks] == pytest.approx([3, 1])


def test_diversity_covers_the_looks_among_the_uncertain() -> None:
    """Three looks, one of them far more often: one of each, and none of the parts that the model is sure of."""
    day = [candidate(number, peak=0.2) for number in range(12)]
    sure = [candidate(100 + number, peak=0.001) for number in range(12)]
    look_of = {f"i{number:05}": (0.0, 0.1 * number) for number in range(10)}
    look_of |= {"i00010": (50.0, 0.0), "i00011": (0.0, 70.0)}
    look_of |= {each.inspection_id: (500.0 + index, 500.0) for index, each in enumerate(sure)}
    points = {inspection_id: np.array(point, np.float32) for inspection_id, point in look_of.items()}
    empty = Descriptors(points, np.zeros((0, 2), np.float32), "test")
    shares = only(diversity=1)
    plan = planned(day, budget=3, shares=shares, descriptors=empty)
    assert {"i00010", "i00011"} < set(ids(plan.picks))

    plan = planned([*day, *sure], budget=2, shares=shares, descriptors=empty)  # among the 10 most uncertain
    assert all(each.inspection_id < "i00099" for each in plan.picks)


def test_a_share_without_candidates_gives_its_places_to_the_others_by_their_shares() -> None:
    day = [candidate(number, peak=0.1) for number in range(60)]
    plan = planned(day, budget=40, shares=only(random=0.1, near_threshold=0.3, disagreement=0.4, rare_class=0.2))

    assert plan.places[PickReason.DISAGREEMENT] == plan.places[PickReason.RARE_CLASS] == 0
    assert (plan.places[PickReason.RANDOM], plan.places[PickReason.NEAR_THRESHOLD]) == (10, 30)
    assert len(plan.picks) == 40


def test_places_that_no_share_can_use_stay_empty_and_are_told() -> None:
    day = [candidate(number) for number in range(5)]  # no score, no defect, no descriptor
    plan = planned(day, budget=4, shares=only(near_threshold=0.5, novelty=0.5))
    assert plan.picks == ()
    assert plan.notes[0].startswith("4 place(s) stay empty: of the 5 candidates left, none has what the shares ask for")

    assert len(planned(day, budget=4).picks) == 4, "the random arm takes what no other reason can"


def test_a_part_is_picked_once_and_copies_only_by_draw() -> None:
    day = a_day(80)
    copies = [DroppedCopy(each.inspection_id, "i00000", "the same shot") for each in day[40:]]
    plan = planned(day, budget=80, dropped=copies, descriptors=looks(day))
    dropped = {copy.inspection_id for copy in copies}
    anyway = {PickReason.AUDIT, PickReason.OPERATOR_REPORT, PickReason.RANDOM}

    assert len(set(ids(plan.picks))) == len(plan.picks)
    assert all(each.reason in anyway for each in plan.picks if each.inspection_id in dropped)
    assert plan.dropped == tuple(copies)


def test_only_draws_with_a_known_chance_are_samples() -> None:
    day = a_day(100)
    plan = planned(day, budget=60, descriptors=looks(day))
    assert {each.reason for each in plan.picks} == set(PickReason) - {PickReason.LABEL_CHECK}
    for each in plan.picks:
        is_drawn = each.reason in (PickReason.AUDIT, PickReason.RANDOM)
        assert (each.origin.kind == "random") == is_drawn == (each.probability is not None)
        assert each.origin.reason == each.reason
        assert each.why
    assert origin_of(PickReason.AUDIT, None).kind == "picked", "a draw whose chance nobody knows is no sample"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"budget": -1}, "budget is -1", id="a negative budget"),
        pytest.param(
            {"candidates": [candidate(1), candidate(1)]}, "two candidates have the id 'i00001'", id="an id twice"
        ),
    ],
)
def test_a_queue_that_cannot_be_planned_is_refused(change: dict[str, Any], message: str) -> None:
    asked: dict[str, Any] = {"candidates": [candidate(1)], "budget": 1, "shares": QueueShares(), "seed": 1} | change
    with pytest.raises(QueueRefused, match=message):
        pick(asked.pop("candidates"), **asked)


@pytest.mark.parametrize(
    ("of", "labelled"),
    [
        pytest.param({"a": np.zeros(3, np.float32), "b": np.zeros(4, np.float32)}, np.zeros((0, 3)), id="two lengths"),
        pytest.param({"a": np.zeros(3, np.float32)}, np.zeros((2, 4)), id="labelled by another release"),
        pytest.param({"a": np.full(3, np.nan, np.float32)}, np.zeros((2, 3)), id="not finite"),
    ],
)
def test_descriptors_of_different_spaces_are_refused(of: Any, labelled: Any) -> None:
    with pytest.raises(QueueRefused, match="descriptor"):
        Descriptors(of, labelled.astype(np.float32), "test")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param(
            {"reason": PickReason.RANDOM, "probability": None}, "no probability", id="a draw without a chance"
        ),
        pytest.param({"reason": PickReason.NOVELTY, "probability": 0.5}, "has a probability", id="a choice with one"),
        pytest.param({"reason": PickReason.RANDOM, "probability": 1.5}, r"expected \(0, 1\]", id="no chance at all"),
    ],
)
def test_a_pick_that_lies_about_its_chance_cannot_exist(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pick("i1", fields["reason"], fields["probability"], None, "why")
