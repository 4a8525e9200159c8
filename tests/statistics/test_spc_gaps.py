"""Charts of gaps: limits against scipy's distributions, Montgomery's valve failures, and what is refused."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.spc import (
    Baseline,
    BaselineMismatch,
    ChartKind,
    ChartOptions,
    Gap,
    Measure,
    NothingToChart,
    Tails,
    TimeLimits,
    UnknownExclusion,
    gap_chart,
    gaps_between,
    parts_quantile,
)

VALVE_FAILURES_H = [286, 948, 536, 124, 816, 729, 4, 143, 431, 8, 2837, 596, 81, 227, 603, 492, 1199, 1214, 2831, 96]
PER_PART = Baseline(ChartKind.G_R, Measure.PROPORTION, 1e-4, 1.0, 40, 1.6e6)
PER_SECOND = Baseline(ChartKind.T, Measure.PER_UNIT, 1 / 3600, 1.0, 40, 144_000.0)


def gaps(sizes: list[float] | list[int]) -> list[Gap]:
    return [Gap(str(place), size) for place, size in enumerate(sizes, 1)]


def test_t_chart_of_valve_failures() -> None:
    """Montgomery's example 7.6; qicharts2 prints centre 430.040952, upper 6937.933488, lower 0 (d2 of the tables)."""
    options = ChartOptions(time_limits=TimeLimits.TRANSFORMED, d2=1.128)
    chart = gap_chart(ChartKind.T, gaps(VALVE_FAILURES_H), options=options)
    point = chart.points[0]
    assert (point.lower, point.centre, point.upper) == pytest.approx((0.0, 430.040952, 6937.933488), abs=5e-7)
    assert chart.signals == ()
    again = gap_chart(ChartKind.T, gaps(VALVE_FAILURES_H), baseline=chart.baseline, options=options)
    assert again.points == chart.points


def test_t_chart_by_probability_has_the_quantiles_of_its_exponential_distribution() -> None:
    point = gap_chart(ChartKind.T, gaps(VALVE_FAILURES_H)).points[0]
    found = stats.expon(scale=sum(VALVE_FAILURES_H) / 20).ppf([0.00135, 0.5, 0.99865])
    assert [point.lower, point.centre, point.upper] == pytest.approx(found.tolist(), rel=1e-9)


def test_limits_of_a_count_to_one_defect_at_100_ppm() -> None:
    chart = gap_chart(ChartKind.G_R, gaps([5000]), baseline=PER_PART, options=ChartOptions(order=1))
    point = chart.points[0]
    assert (point.lower, point.centre, point.upper) == (14, 6932, 66074)


def test_limits_of_a_count_to_the_fourth_defect_at_100_ppm() -> None:
    worse = ChartOptions(order=4, tails=Tails.WORSE)
    point = gap_chart(ChartKind.G_R, gaps([10_000] * 4), baseline=PER_PART, options=worse).points[0]
    assert (point.value, point.lower, point.upper) == (40_000, 5644, None)
    chance = stats.nbinom(4, 3e-4).cdf(5643 - 4)
    assert chance == pytest.approx(0.092, abs=5e-4)
    assert 4 / 3e-4 / chance == pytest.approx(145_000, abs=500)


@given(st.integers(1, 6), st.floats(1e-6, 0.6), st.floats(0.001, 0.999))
def test_quantiles_of_parts_agree_with_scipy(order: int, rate: float, chance: float) -> None:
    quantile = parts_quantile(chance, order=order, rate=rate)
    distribution = stats.nbinom(order, rate)
    assert distribution.cdf(quantile - order) >= chance * (1 - 1e-12)
    assert quantile == order or distribution.cdf(quantile - 1 - order) < chance * (1 + 1e-12)


def test_too_short_a_count_signals_and_too_long_a_one_as_well() -> None:
    lengths = [100, 200, 150, 50] + [10_000] * 4 + [60_000] * 4
    chart = gap_chart(ChartKind.G_R, gaps(lengths), baseline=PER_PART)
    assert [point.rules for point in chart.points] == [("beyond-limits",), (), ("beyond-limits",)]
    worse = gap_chart(ChartKind.G_R, gaps(lengths), baseline=PER_PART, options=ChartOptions(tails=Tails.WORSE))
    assert [bool(point.rules) for point in worse.points] == [True, False, False]


def test_runs_are_judged_on_normal_scores() -> None:
    """Eight gaps of half the median: each common, together a sign."""
    chart = gap_chart(ChartKind.T, gaps([1200.0] * 8), baseline=PER_SECOND)
    assert [point.rules for point in chart.points][6:] == [(), ("8-on-one-side",)]


def test_the_rate_of_phase_one_is_defects_over_parts_of_the_points_that_count() -> None:
    lengths = [1000] * 8 + [10] * 4
    chart = gap_chart(ChartKind.G_R, gaps(lengths), excluded={"12": "a scratched fixture"})
    assert chart.baseline.centre == pytest.approx(8 / 8000)
    assert [point.excluded for point in chart.points] == [False, False, True]
    assert chart.points[2].rules == ()
    assert any("provisional" in note for note in chart.notes)


def test_defects_that_make_no_point_yet_are_noted() -> None:
    chart = gap_chart(ChartKind.G_R, gaps([1000] * 7), baseline=PER_PART)
    assert len(chart.points) == 1
    assert chart.notes == ("the last 3 of 7 defects do not make a point of 4 yet",)


def test_every_part_defective_is_a_rate_of_one_with_limits_at_r() -> None:
    chart = gap_chart(ChartKind.G_R, gaps([1] * 80))
    assert chart.baseline.centre == 1.0
    assert {(point.lower, point.value, point.upper) for point in chart.points} == {(4, 4, 4)}
    assert not any("beyond-limits" in point.rules for point in chart.points)


def test_a_gap_baseline_goes_through_json_unchanged() -> None:
    assert Baseline.from_json(json.loads(json.dumps(PER_PART.as_json()))) == PER_PART


@pytest.mark.parametrize("sizes", [[], [5, 5, 5]], ids=["none", "too few for a point"])
def test_no_complete_point_is_refused_in_phase_one_and_drawn_in_phase_two(sizes: list[int]) -> None:
    with pytest.raises(NothingToChart):
        gap_chart(ChartKind.G_R, gaps(sizes))
    assert gap_chart(ChartKind.G_R, gaps(sizes), baseline=PER_PART).points == ()


def test_times_without_length_are_refused() -> None:
    with pytest.raises(NothingToChart, match="above"):
        gap_chart(ChartKind.T, gaps([0.0, 0.0]))
    with pytest.raises(NothingToChart, match="difference"):
        gap_chart(ChartKind.T, gaps([7.0, 7.0]), options=ChartOptions(time_limits=TimeLimits.TRANSFORMED))


@pytest.mark.parametrize("size", [0, 0.5, 10.5])
def test_a_gap_in_parts_is_a_whole_number_from_one(size: float) -> None:
    with pytest.raises(ValueError, match="whole number"):
        gap_chart(ChartKind.G_R, [Gap("a", size)])


@pytest.mark.parametrize("size", [-1.0, math.nan, math.inf])
def test_a_gap_of_no_length_is_refused(size: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        Gap("a", size)


def test_baselines_of_other_charts_are_refused() -> None:
    with pytest.raises(BaselineMismatch):
        gap_chart(ChartKind.T, gaps([7.0]), baseline=PER_PART)
    with pytest.raises(BaselineMismatch, match="transformed"):
        gap_chart(
            ChartKind.T, gaps([7.0]), baseline=PER_SECOND, options=ChartOptions(time_limits=TimeLimits.TRANSFORMED)
        )
    never = Baseline(ChartKind.G_R, Measure.PROPORTION, 0.0, 1.0, 40, 1e6)
    with pytest.raises(BaselineMismatch, match="never"):
        gap_chart(ChartKind.G_R, gaps([7]), baseline=never)


def test_an_exclusion_names_the_last_gap_of_a_point() -> None:
    with pytest.raises(UnknownExclusion, match="2"):
        gap_chart(ChartKind.G_R, gaps([10] * 4), excluded={"2": "why"})


def test_a_chart_of_subgroups_takes_no_gaps() -> None:
    with pytest.raises(ValueError, match="control_chart"):
        gap_chart(ChartKind.P, gaps([10]))


def test_gaps_lie_between_positions() -> None:
    assert gaps_between([("a", 10), ("b", 25)], start=0) == (Gap("a", 10), Gap("b", 15))
    assert gaps_between([], start=0) == ()
    with pytest.raises(ValueError, match="in order"):
        gaps_between([("a", 10), ("b", 5)], start=0)


def test_false_alarms_of_the_count_to_the_fourth_defect_are_as_promised() -> None:
    """At most 0.0027 of undisturbed points, by counting 40 000 of them (seeded)."""
    rng = np.random.default_rng(20261123)
    lengths = rng.geometric(1e-3, 160_000)
    baseline = Baseline(ChartKind.G_R, Measure.PROPORTION, 1e-3, 1.0, 40, 1.6e5)
    chart = gap_chart(ChartKind.G_R, gaps(lengths.tolist()), baseline=baseline, rules=[])
    out = sum(point.value < point.lower or point.value > point.upper for point in chart.points)  # type: ignore[operator]  # none is empty
    assert stats.binomtest(out, 40_000, 0.0027).pvalue > 0.001
