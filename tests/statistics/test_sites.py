"""Sites held against each other: shrinkage, ranks, funnels and mixes of products."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.errors import ImpossibleCounts, TooFewParts
from lineside.statistics.sites import (
    ProductRate,
    SiteCounts,
    SiteRate,
    between_variance,
    funnel_of_counts,
    funnel_of_rates,
    over_dispersion,
    rank_sites,
    shrink_counts,
    shrink_rates,
    standardise,
)

ALIKE = [SiteCounts(f"line {k}", 10, 1000) for k in range(6)]
BASEBALL_HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
BASEBALL_LATER = [0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269]
BASEBALL_LATER += [0.230, 0.264, 0.256, 0.303, 0.264, 0.226, 0.286, 0.316, 0.200]


def some_lines(seed: int, lines: int = 30) -> tuple[list[SiteCounts], np.typing.NDArray[np.float64]]:
    """Lines of 300, 1000 and 5000 parts whose true rates vary around 1 %."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(4.0, 396.0, lines)
    units = np.resize([300, 1000, 5000], lines)
    counts = rng.binomial(units, truth)
    return [SiteCounts(f"{k}", int(counts[k]), int(units[k])) for k in range(lines)], truth


def test_efron_and_morris_batting_averages_are_drawn_to_the_mean() -> None:
    """The classical data (45 at bats each): shrunk averages miss the later ones by less than half of the raw ones'."""
    players = [SiteCounts(str(k), hits, 45) for k, hits in enumerate(BASEBALL_HITS)]
    shared = shrink_counts(players)
    assert shared.common == pytest.approx(sum(BASEBALL_HITS) / (18 * 45), abs=2e-3)
    raw_error = sum((hits / 45 - later) ** 2 for hits, later in zip(BASEBALL_HITS, BASEBALL_LATER, strict=True))
    error = sum((site.rate - later) ** 2 for site, later in zip(shared.sites, BASEBALL_LATER, strict=True))
    assert error < raw_error / 2


def test_the_beta_distribution_is_the_most_probable_one() -> None:
    """No neighbouring beta distribution gives the counts a higher probability, by scipy's beta-binomial."""
    lines, _ = some_lines(3)
    shared = shrink_counts(lines)
    strength = shared.common * (1 - shared.common) / shared.between**2 - 1

    def log_chance(mean: float, weight: float) -> float:
        return float(sum(stats.betabinom(s.units, mean * weight, (1 - mean) * weight).logpmf(s.events) for s in lines))

    best = log_chance(shared.common, strength)
    for factor in (0.9, 1.1):
        assert log_chance(shared.common * factor, strength) < best
        assert log_chance(shared.common, strength * factor) < best


def test_shrunk_rates_are_nearer_to_the_truth_and_hold_it_in_their_intervals() -> None:
    raw, shrunk, held, total = 0.0, 0.0, 0, 0
    for seed in range(12):
        lines, truth = some_lines(seed)
        shared = shrink_counts(lines)
        for site, own in zip(shared.sites, truth.tolist(), strict=True):
            assert site.raw is not None
            raw += (site.raw - own) ** 2
            shrunk += (site.rate - own) ** 2
            held += site.lower <= own <= site.upper
            total += 1
    assert math.sqrt(shrunk / raw) < 0.8
    assert held / total > 0.92


def test_sites_that_differ_by_chance_only_share_one_rate() -> None:
    shared = shrink_counts(ALIKE)
    assert shared.between == 0.0
    assert {round(site.rate, 9) for site in shared.sites} == {0.01}
    assert all(site.weight < 1e-4 for site in shared.sites)


def test_what_alike_sites_share_is_no_surer_than_all_their_parts_make_it() -> None:
    """Six lines with 60 defective of 6000 parts: each has the interval of Jeffreys' posterior of all parts together."""
    together = stats.beta(60.5, 5940.5)
    for site in shrink_counts([*ALIKE, SiteCounts("new", 0, 0)]).sites:
        assert (site.lower, site.upper) == pytest.approx((together.ppf(0.025), together.ppf(0.975)), rel=0.01)


def test_intervals_of_sites_that_do_not_differ_hold_their_rate() -> None:
    rng = np.random.default_rng(8)
    held = []
    for _ in range(60):
        lines = [SiteCounts(str(k), int(count), 400) for k, count in enumerate(rng.binomial(400, 0.01, 6))]
        held += [site.lower <= 0.01 <= site.upper for site in shrink_counts(lines).sites]
    assert np.mean(held) > 0.9


@pytest.mark.parametrize("events", [0, 1000], ids=["nothing", "everything"])
def test_nothing_or_everything_defective_says_nothing_of_differences(events: int) -> None:
    shared = shrink_counts([SiteCounts("a", events, 1000), SiteCounts("b", events, 1000)])
    assert shared.between == 0.0
    assert shared.common == pytest.approx((events * 2 + 0.5) / 2001)


def test_a_site_without_parts_gets_what_all_have_in_common() -> None:
    lines, _ = some_lines(3)
    shared = shrink_counts([*lines, SiteCounts("new", 0, 0)])
    assert shared.sites[-1].raw is None
    assert shared.sites[-1].rate == pytest.approx(shared.common)
    assert shared.sites[-1].weight == 0.0
    assert shared.sites[-1].upper - shared.sites[-1].lower > shared.sites[2].upper - shared.sites[2].lower


def test_one_site_is_no_comparison() -> None:
    with pytest.raises(TooFewParts):
        shrink_counts(ALIKE[:1])
    with pytest.raises(TooFewParts):
        shrink_rates([SiteRate("a", 0.01, 0.001)])
    with pytest.raises(TooFewParts):
        shrink_counts([SiteCounts("a", 0, 0), SiteCounts("b", 0, 0)])


def test_paule_and_mandels_variance_makes_the_weighted_squares_their_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    variances = rng.uniform(0.5, 2.0, 20)
    values = rng.normal(0, 2, 20) + rng.normal(0, np.sqrt(variances))
    between = between_variance(values, variances)
    weights = 1 / (variances + between)
    mean = weights @ values / weights.sum()
    assert weights @ (values - mean) ** 2 == pytest.approx(19)


def test_corrected_rates_of_precise_sites_stay_and_those_of_vague_ones_move() -> None:
    sites = [SiteRate("precise", 0.02, 0.0005), SiteRate("vague", 0.04, 0.02), SiteRate("other", 0.01, 0.0005)]
    shared = shrink_rates(sites)
    precise, vague, _ = shared.sites
    assert precise.rate == pytest.approx(0.02, abs=2e-4)
    assert vague.rate < 0.02
    assert precise.weight > 0.9 > 0.5 > vague.weight
    assert 0 <= vague.lower < vague.rate < vague.upper <= 1


def test_counts_and_their_rates_with_errors_agree_where_both_are_sure() -> None:
    rng = np.random.default_rng(11)
    truth = rng.beta(20, 380, 15)
    counts = [SiteCounts(str(k), int(rng.binomial(20_000, p)), 20_000) for k, p in enumerate(truth)]
    rates = [SiteRate(s.site, s.events / s.units, math.sqrt(s.events / s.units * 0.95 / s.units)) for s in counts]
    by_counts, by_rates = shrink_counts(counts), shrink_rates(rates)
    assert by_rates.common == pytest.approx(by_counts.common, rel=0.01)
    for one, other in zip(by_counts.sites, by_rates.sites, strict=True):
        assert one.rate == pytest.approx(other.rate, rel=0.01)


def test_a_rate_from_its_interval_has_the_intervals_error() -> None:
    rate = SiteRate.from_interval("a", 0.02, lower=0.01, upper=0.03)
    assert rate.standard_error == pytest.approx(0.01 / 1.959964, rel=1e-6)


def test_the_worst_of_alike_sites_is_anyones_guess() -> None:
    ranks = rank_sites(shrink_counts(ALIKE))
    for rank in ranks:
        assert rank.worst == pytest.approx(1 / 6, abs=0.02)
        assert (rank.lower, rank.upper) == (1, 6)
        assert rank.expected == pytest.approx(3.5, abs=0.06)


def test_a_site_that_stands_out_is_the_worst_almost_surely() -> None:
    bad = SiteCounts("bad", 60, 1000)
    ranks = rank_sites(shrink_counts([*ALIKE, bad]), worst_count=2)
    assert ranks[0].site == "bad"
    assert ranks[0].worst > 0.99
    assert (ranks[0].lower, ranks[0].upper) == (1, 1)
    assert sum(rank.worst for rank in ranks) == pytest.approx(1.0)
    assert sum(rank.among_worst for rank in ranks) == pytest.approx(2.0)


def test_the_chance_to_be_worst_of_two_is_the_integral() -> None:
    shared = shrink_counts([SiteCounts("a", 30, 1000), SiteCounts("b", 20, 1000), SiteCounts("c", 5, 1000)])
    a, b = (stats.beta(shared.first[k], shared.second[k]) for k in (0, 1))
    places = np.linspace(0, 0.1, 20_001)
    above = float(np.trapezoid(a.pdf(places) * b.cdf(places), places))
    found = {rank.site: rank for rank in rank_sites(shared)}
    assert found["a"].worst == pytest.approx(above, abs=0.02)


def test_ranks_are_the_same_each_time() -> None:
    shared = shrink_rates([SiteRate("a", 0.02, 0.01), SiteRate("b", 0.03, 0.01)])
    assert rank_sites(shared) == rank_sites(shared)
    assert rank_sites(shared) != rank_sites(shared, seed=1)


def test_the_shrunk_ranking_names_a_truly_bad_line_more_often_than_the_raw_one() -> None:
    raw_right = shrunk_right = 0
    for seed in range(40):
        lines, truth = some_lines(seed)
        worst = set(np.argsort(-truth)[:3].tolist())
        raw_right += int(np.argmax([line.events / line.units for line in lines])) in worst
        shrunk_right += int(np.argmax([site.rate for site in shrink_counts(lines).sites])) in worst
    assert shrunk_right > raw_right


def test_a_funnel_without_over_dispersion_has_the_limits_of_chance() -> None:
    funnel = funnel_of_counts(ALIKE)
    assert (funnel.between, funnel.centre) == (0.0, 0.01)
    lower, upper = funnel.sites[0].limits[0]
    spread = 1.959964 / (2 * math.sqrt(1000))
    middle = math.asin(0.1)
    assert (lower, upper) == pytest.approx((math.sin(middle - spread) ** 2, math.sin(middle + spread) ** 2), rel=1e-6)
    assert not any(site.is_outside for site in funnel.sites)


def test_over_dispersion_by_hand() -> None:
    """Equal errors: tau^2 = s^2 (n phi - (n - 1)) / (n - 1). Ten sites, the two ends pulled in to the tenths."""
    deviates = np.array([-3.0, -2, -2, -1, 0, 0, 1, 2, 2, 3])
    errors = np.full(10, 0.5)
    pulled = np.clip(deviates, -2.1, 2.1)
    phi, tau = over_dispersion(deviates, errors)
    assert phi == pytest.approx(float(np.mean(pulled**2)))
    assert tau**2 == pytest.approx(0.25 * (10 * phi - 9) / 9)


def test_usual_differences_between_sites_widen_the_funnel() -> None:
    """Thirty lines that truly differ: limits of chance alone put many outside, those of the funnel few."""
    rng = np.random.default_rng(2)
    truth = rng.beta(10, 990, 30)
    lines = [SiteCounts(str(k), int(rng.binomial(50_000, p)), 50_000) for k, p in enumerate(truth)]
    funnel = funnel_of_counts(lines)
    by_chance = sum(abs(s.rate - funnel.centre) > 3.09 * math.sqrt(funnel.centre / 50_000) for s in funnel.sites)
    assert by_chance > 15
    assert sum(site.is_outside for site in funnel.sites) <= 1
    assert funnel.dispersion > 5


def test_a_funnel_of_corrected_rates_uses_their_errors() -> None:
    sites = [SiteRate(str(k), 0.01, 0.001) for k in range(9)] + [SiteRate("bad", 0.03, 0.002)]
    funnel = funnel_of_rates(sites)
    assert [site.site for site in funnel.sites if site.is_outside] == ["bad"]
    assert funnel.sites[0].precision_units == pytest.approx(funnel.centre * (1 - funnel.centre) / 1e-6)
    assert all(0 <= lower <= upper <= 1 for site in funnel.sites for lower, upper in site.limits)


def test_a_funnel_leaves_out_sites_without_parts_and_takes_one_site() -> None:
    funnel = funnel_of_counts([SiteCounts("a", 5, 100), SiteCounts("b", 0, 0)])
    assert [site.site for site in funnel.sites] == ["a"]
    assert funnel.between == 0.0
    with pytest.raises(TooFewParts):
        funnel_of_counts([SiteCounts("b", 0, 0)])


@pytest.mark.parametrize("events", [0, 100], ids=["nothing", "everything"])
def test_a_funnel_of_nothing_or_everything_has_nobody_outside(events: int) -> None:
    funnel = funnel_of_counts([SiteCounts("a", events, 100), SiteCounts("b", events, 100)])
    assert not any(site.is_outside for site in funnel.sites)


def of(site: str, product: str, events: int, units: int) -> ProductRate:
    return ProductRate.from_counts(product, SiteCounts(site, events, units))


def test_a_site_that_makes_the_difficult_product_is_not_worse_for_it() -> None:
    """Both do each product alike, with mixes turned round; the raw rates are 1.4 and 4.6 %."""
    found = standardise(
        [of("a", "easy", 90, 9000), of("a", "hard", 50, 1000), of("b", "easy", 10, 1000), of("b", "hard", 450, 9000)]
    )
    for site in found:
        assert site.ratio == pytest.approx(1.0)
        assert site.is_comparable
        assert site.standardised is not None
        assert site.standardised.rate == pytest.approx(0.03)


def test_a_site_twice_as_bad_at_everything_shows_it() -> None:
    found = standardise(
        [of("a", "x", 100, 10_000), of("a", "y", 300, 10_000), of("b", "x", 200, 10_000), of("b", "y", 600, 10_000)]
    )
    assert [site.ratio for site in found] == pytest.approx([2 / 3, 4 / 3])


def test_a_site_that_shares_no_product_is_not_comparable() -> None:
    found = {
        site.site: site for site in standardise([of("a", "x", 5, 500), of("b", "x", 6, 500), of("c", "own", 9, 500)])
    }
    assert [found[name].is_comparable for name in "abc"] == [True, True, False]
    assert found["c"].shared == 0.0
    assert found["c"].ratio == pytest.approx(1.0)  # against itself: says nothing, and is marked so


def test_the_error_of_a_ratio_is_that_of_its_observed_defects() -> None:
    site = standardise([of("a", "x", 100, 10_000), of("b", "x", 100, 10_000)])[0]
    assert site.standardised is not None
    assert site.standardised.standard_error == pytest.approx(math.sqrt(0.01 * 0.99 / 10_000), rel=0.01)


def test_without_any_defect_there_is_no_ratio() -> None:
    site = standardise([of("a", "x", 0, 100), of("b", "x", 0, 100)])[0]
    assert (site.ratio, site.standardised, site.expected, site.is_comparable) == (None, None, 0.0, False)


@pytest.mark.parametrize(
    ("events", "units", "error"),
    [
        (-1, 10, ValueError),
        (1, -10, ValueError),
        (1.0, 10, TypeError),
        (11, 10, ImpossibleCounts),
        (True, 10, TypeError),
    ],
    ids=str,
)
def test_counts_that_cannot_be_are_refused(events: int, units: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        SiteCounts("a", events, units)


@pytest.mark.parametrize(
    ("rate", "standard_error"), [(math.nan, 0.1), (-0.1, 0.1), (1.1, 0.1), (0.1, 0.0), (0.1, math.inf)], ids=str
)
def test_rates_that_cannot_be_are_refused(rate: float, standard_error: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        SiteRate("a", rate, standard_error)


def test_names_come_once_and_there_is_one() -> None:
    with pytest.raises(ValueError, match="more than once"):
        shrink_counts([ALIKE[0], ALIKE[0]])
    with pytest.raises(ValueError, match="at least one"):
        funnel_of_rates([])
    with pytest.raises(ValueError, match="each pair once"):
        standardise([of("a", "x", 1, 10), of("a", "x", 2, 10)])
    with pytest.raises(ValueError, match="at least one"):
        standardise([])
    with pytest.raises(ValueError, match="made none"):
        of("a", "x", 0, 0)
    with pytest.raises(ValueError, match="around it"):
        SiteRate.from_interval("a", 0.5, lower=0.6, upper=0.7)


COUNTS = st.integers(1, 5000).flatmap(lambda units: st.tuples(st.integers(0, units), st.just(units)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=8)
)
def test_shrunk_rates_lie_between_their_own_and_the_common_rate(pairs: list[tuple[int, int]]) -> None:
    shared = shrink_counts([SiteCounts(str(k), events, units) for k, (events, units) in enumerate(pairs)])
    for site in shared.sites:
        assert site.raw is not None
        low, high = sorted((site.raw, shared.common))
        assert low - 1e-9 <= site.rate <= high + 1e-9
        assert 0 <= site.lower <= site.upper <= 1
