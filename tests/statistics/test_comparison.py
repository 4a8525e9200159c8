import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lineside.statistics.comparison import (
    holm,
    mcnemar_mid_p,
    noninferiority_power,
    noninferiority_sample_size,
    noninferiority_upper_bound,
    paired_bootstrap,
)

COUNTS = st.integers(0, 300)


def exact_mid_p(a: int, b: int) -> Fraction:
    """The definition in whole numbers."""
    fewer, total = min(a, b), a + b
    below = sum(Fraction(math.comb(total, k), 2**total) for k in range(fewer + 1))
    seen = Fraction(math.comb(total, fewer), 2**total)
    return 1 - seen / 2 if a == b else 2 * below - seen


@pytest.mark.parametrize(
    ("only_a", "only_b", "published"),
    [
        (1, 7, 0.0391),  # Fagerland et al. 2013, airway hyper-responsiveness (Bentur et al.)
        (6, 16, 0.0347),  # the same, complete response to treatment (Cavo et al.)
    ],
)
def test_the_published_mid_p_values(only_a: int, only_b: int, published: float) -> None:
    assert round(mcnemar_mid_p(only_a, only_b), 4) == published
    assert mcnemar_mid_p(only_a, only_b) == mcnemar_mid_p(only_b, only_a)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_mid_p_value_is_its_definition(only_a: int, only_b: int) -> None:
    if only_a + only_b == 0:
        assert mcnemar_mid_p(0, 0) == 1.0
    else:
        assert math.isclose(mcnemar_mid_p(only_a, only_b), float(exact_mid_p(only_a, only_b)), rel_tol=1e-9)


def test_a_further_miss_of_the_worse_model_never_raises_the_mid_p_value() -> None:
    for other in range(40):
        for worse in range(other + 1, 60):
            assert mcnemar_mid_p(worse + 1, other) <= mcnemar_mid_p(worse, other)
            if other:
                assert mcnemar_mid_p(worse, other - 1) <= mcnemar_mid_p(worse, other)


@pytest.mark.parametrize(("parts", "discordant_share"), [(100, 0.05), (100, 0.1), (300, 0.05), (300, 0.1)])
def test_equal_models_are_called_different_no_more_often_than_said(parts: int, discordant_share: float) -> None:
    """The false-positive rate at the 5 % level, summed over every table."""
    rejected = 0.0
    for discordant in range(1, 70):
        chance = math.comb(parts, discordant) * discordant_share**discordant
        chance *= (1 - discordant_share) ** (parts - discordant)
        for only_a in range(discordant + 1):
            if mcnemar_mid_p(only_a, discordant - only_a) <= 0.05:
                rejected += chance * math.comb(discordant, only_a) / 2**discordant
    assert 0.02 < rejected <= 0.05


@pytest.mark.parametrize(("parts", "power"), [(100, 0.20), (300, 0.74)])
def test_a_win_from_five_to_two_percent_misses_shows_as_often_as_planned(parts: int, power: float) -> None:
    won = simulate(
        parts, (0.05, 0.02), lambda _, candidate, live, __: candidate < live and mcnemar_mid_p(candidate, live) <= 0.05
    )
    assert abs(won - power) < 0.06


@pytest.mark.parametrize(("parts", "expected"), [(100, 0.024), (300, 0.045), (1000, 0.047)])
def test_a_candidate_worse_by_the_margin_seldom_passes(parts: int, expected: float) -> None:
    passed = simulate(parts, (0.05, 0.07), lambda *table: noninferiority_upper_bound(*table) <= 0.02)
    assert passed < 0.06
    assert abs(passed - expected) < 0.015


def test_without_the_adjustment_too_many_of_them_pass() -> None:
    def wald_passes(both: int, candidate: int, live: int, neither: int) -> bool:
        parts, difference = both + candidate + live + neither, candidate - live
        bound = (difference + 1.6449 * math.sqrt(candidate + live - difference**2 / parts)) / parts
        return bound <= 0.02

    assert simulate(100, (0.05, 0.07), wald_passes) > 0.058


@pytest.mark.parametrize(("parts", "equal", "better"), [(100, 0.12, 0.65), (300, 0.37, 0.99), (1000, 0.83, 1.0)])
def test_a_good_candidate_passes_as_often_as_planned(parts: int, equal: float, better: float) -> None:
    def passes(*table: int) -> bool:
        return noninferiority_upper_bound(*table) <= 0.02

    assert abs(simulate(parts, (0.05, 0.05), passes) - equal) < 0.06
    assert abs(simulate(parts, (0.05, 0.02), passes) - better) < 0.08


def simulate(parts: int, misses: tuple[float, float], holds: Callable[[int, int, int, int], bool]) -> float:
    """Share of 4000 golden sets for which `holds`, two models missing with these chances, correlated by 0.4."""
    live, candidate = misses
    both = live * candidate + 0.4 * math.sqrt(live * (1 - live) * candidate * (1 - candidate))
    shares = [both, candidate - both, live - both, 1 - live - candidate + both]
    tables = np.random.default_rng(5).multinomial(parts, shares, size=4000)
    distinct, counts = np.unique(tables, axis=0, return_counts=True)
    held = [holds(*(int(count) for count in table)) for table in distinct]
    return float(np.average(held, weights=counts))


def test_the_bound_by_hand() -> None:
    """n = 1004, b = c = 12: 1.6448536 * sqrt(24) / 1004."""
    assert math.isclose(noninferiority_upper_bound(40, 10, 10, 940), 1.6448536 * math.sqrt(24) / 1004, rel_tol=1e-6)
    assert math.isclose(
        noninferiority_upper_bound(3, 9, 1, 87), (8 + 1.6448536 * math.sqrt(14 - 64 / 104)) / 104, rel_tol=1e-6
    )


def test_no_part_shows_nothing() -> None:
    assert noninferiority_upper_bound(0, 0, 0, 0) == 1.0


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_a_further_candidate_miss_never_lowers_the_bound(both: int, candidate: int, live: int, neither: int) -> None:
    bound = noninferiority_upper_bound(both, candidate, live, neither)
    if neither:
        assert noninferiority_upper_bound(both, candidate + 1, live, neither - 1) >= bound
    if live:
        assert noninferiority_upper_bound(both + 1, candidate, live - 1, neither) >= bound


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_more_confidence_moves_the_bound_up(both: int, candidate: int, live: int, neither: int) -> None:
    usual = noninferiority_upper_bound(both, candidate, live, neither)
    assert noninferiority_upper_bound(both, candidate, live, neither, confidence=0.99) >= usual


@pytest.mark.parametrize(("parts", "share"), [(40, 0.1), (161, 0.02), (400, 0.065)])
def test_the_power_is_the_sum_over_every_table(parts: int, share: float) -> None:
    summed = 0.0
    for discordant in range(parts + 1):
        chance = math.comb(parts, discordant) * share**discordant * (1 - share) ** (parts - discordant)
        if chance < 1e-12:
            continue
        for candidate in range(discordant + 1):
            if noninferiority_upper_bound(0, candidate, discordant - candidate, parts - discordant) <= 0.03:
                summed += chance * math.comb(discordant, candidate) / 2**discordant
    assert math.isclose(noninferiority_power(parts, discordant_share=share, margin=0.03), summed, abs_tol=1e-9)


def test_the_sample_size_reaches_its_power() -> None:
    needed = noninferiority_sample_size(discordant_share=0.065, margin=0.02)
    assert 900 < needed < 1100  # "about 1000 to certify that it is not worse by 2 points"
    assert noninferiority_power(needed, discordant_share=0.065, margin=0.02) >= 0.8
    assert noninferiority_power(needed // 2, discordant_share=0.065, margin=0.02) < 0.7
    assert noninferiority_sample_size(discordant_share=0.065, margin=0.04) < needed / 3


def test_no_parts_have_no_power() -> None:
    assert noninferiority_power(0, discordant_share=0.1, margin=0.02) == 0.0


def test_holm_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, then never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.7, 0.9]) == (1.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.data())
def test_holm_is_between_the_plain_and_the_bonferroni_values(p_values: list[float], data: st.DataObject) -> None:
    adjusted = holm(p_values)
    for plain, value in zip(p_values, adjusted, strict=True):
        assert plain <= value <= min(1.0, plain * len(p_values)) + 1e-12
    lowered = data.draw(st.integers(0, len(p_values) - 1))
    smaller = [p / 2 if index == lowered else p for index, p in enumerate(p_values)]
    assert all(new <= old + 1e-12 for new, old in zip(holm(smaller), adjusted, strict=True))


@pytest.mark.parametrize("p_value", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p_value: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([0.5, p_value])


def test_the_bootstrap_of_a_mean_is_near_the_textbook_interval() -> None:
    rng = np.random.default_rng(3)
    differences = rng.normal(0.3, 1.0, 400)
    interval = paired_bootstrap(range(400), lambda parts: float(differences[parts].mean()), seed=1, resamples=800)
    half_width = 1.96 * differences.std() / 20
    assert interval.estimate == pytest.approx(differences.mean())
    assert interval.lower == pytest.approx(differences.mean() - half_width, abs=0.02)
    assert interval.upper == pytest.approx(differences.mean() + half_width, abs=0.02)
    assert interval == paired_bootstrap(
        range(400), lambda parts: float(differences[parts].mean()), seed=1, resamples=800
    )


def test_parts_of_one_board_stay_together_in_the_bootstrap() -> None:
    """Ten equal parts a board tell no more than one: the interval is as wide as that of the boards."""
    boards = np.random.default_rng(3).normal(0.0, 1.0, 50)
    parts = np.repeat(boards, 10)

    def mean(indices: NDArray[np.int64]) -> float:
        return float(parts[indices].mean())

    apart = paired_bootstrap(range(500), mean, seed=1, resamples=400)
    together = paired_bootstrap([index // 10 for index in range(500)], mean, seed=1, resamples=400)
    assert (apart.units, together.units) == (500, 50)
    assert together.upper - together.lower > 2.5 * (apart.upper - apart.lower)


def test_a_bootstrap_of_nothing_or_of_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one of each"):
        paired_bootstrap([], lambda _: 0.0, seed=1)
    with pytest.raises(ValueError, match="at least one of each"):
        paired_bootstrap(["a"], lambda _: 0.0, seed=1, resamples=0)
    with pytest.raises(ValueError, match="not finite"):
        paired_bootstrap(["a"], lambda _: math.nan, seed=1, resamples=3)


@pytest.mark.parametrize("count", [1.0, True, None])
def test_shares_are_no_counts_of_parts(count: object) -> None:
    with pytest.raises(TypeError, match="expected an integer count"):
        mcnemar_mid_p(count, 5)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(TypeError, match="expected an integer count"):
        noninferiority_upper_bound(1, 1, count, 1)  # type: ignore[arg-type]  # the point of the test


def test_negative_counts_of_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        mcnemar_mid_p(-1, 5)
    with pytest.raises(ValueError, match="expected 0 or more"):
        noninferiority_upper_bound(1, -1, 0, 5)
