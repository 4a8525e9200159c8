"""When a trend reaches its limit: exact lines, the outlooks, and the interval's coverage by a seeded simulation."""

import math

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.errors import TooFewParts
from lineside.statistics.spc import LimitOutlook, forecast_limit, remaining_life

HOUR = 3600.0
HOURS = [place * HOUR for place in range(24)]


def noisy(slope: float, *, start: float, seed: int = 7, noise: float = 1.0) -> list[float]:
    rng = np.random.default_rng(seed)
    return [start + slope * place + float(rng.normal(0, noise)) for place in range(24)]


@pytest.mark.parametrize(("sign", "limit"), [(-1, 60.0), (1, 140.0)], ids=["falling", "rising"])
def test_an_exact_line_reaches_its_limit_at_an_exact_time(sign: int, limit: float) -> None:
    forecast = forecast_limit(HOURS, [100.0 + sign * place for place in range(24)], limit=limit)
    assert forecast.outlook is LimitOutlook.EXPECTED
    assert forecast.reached_s == pytest.approx(40 * HOUR)
    assert forecast.remaining_s == pytest.approx(17 * HOUR)
    assert forecast.earliest_s == pytest.approx(40 * HOUR)
    assert forecast.latest_s == pytest.approx(40 * HOUR)
    assert forecast.slope_per_s == pytest.approx(sign / HOUR)


def test_the_slope_and_its_interval_are_those_of_ordinary_regression() -> None:
    """Against scipy's linregress; the seed's residuals alternate, so that nothing is widened."""
    values = noisy(-0.5, start=100, seed=3)
    forecast = forecast_limit(HOURS, values, limit=50)
    reference = stats.linregress(HOURS, values)
    assert forecast.autocorrelation == 0.0
    assert forecast.slope_per_s == pytest.approx(reference.slope)
    margin = stats.t.ppf(0.975, 22) * reference.stderr
    assert forecast.slope_upper - forecast.slope_per_s == pytest.approx(margin)


@pytest.mark.parametrize(
    ("values", "limit", "outlook"),
    [
        ([100.0 - place for place in range(24)], 90.0, LimitOutlook.REACHED),
        ([100.0 - place for place in range(24)], 77.0, LimitOutlook.REACHED),
        ([100.0 - place for place in range(24)], 120.0, LimitOutlook.RECEDING),
        ([100.0 - 0.01 * place for place in range(24)], 50.0, LimitOutlook.BEYOND_HORIZON),
        ([100.0] * 24, 50.0, LimitOutlook.NO_TREND),
        ([0.0] * 24, 0.02, LimitOutlook.NO_TREND),
        ([100.1, 99.9] * 12, 50.0, LimitOutlook.NO_TREND),
        (noisy(-0.5, start=100), 80.0, LimitOutlook.EXPECTED),
    ],
    ids=["passed", "just now", "away", "slow", "constant", "all zero", "to and fro", "noisy"],
)
def test_each_outlook(values: list[float], limit: float, outlook: LimitOutlook) -> None:
    forecast = forecast_limit(HOURS, values, limit=limit)
    assert forecast.outlook is outlook
    assert (forecast.reached_s is not None) == (outlook is LimitOutlook.EXPECTED)
    assert (
        forecast.remaining_s == (0.0 if outlook is LimitOutlook.REACHED else None) or outlook is LimitOutlook.EXPECTED
    )


def test_without_a_trend_there_is_no_date_but_a_time_before_which_it_is_not_expected() -> None:
    forecast = forecast_limit(HOURS, [100.5, 99.5] * 12, limit=99, horizon_s=1e9)
    assert forecast.outlook is LimitOutlook.NO_TREND
    assert forecast.latest_s is None
    assert forecast.earliest_s is not None
    assert forecast.earliest_s >= HOURS[-1]


def test_neighbours_alike_widen_the_interval() -> None:
    values = noisy(-0.5, start=100, seed=3)
    slow_swing = [value + 3 * math.sin(place / 3) for place, value in enumerate(values)]
    forecast = forecast_limit(HOURS, slow_swing, limit=80)
    reference = stats.linregress(HOURS, slow_swing)
    assert forecast.autocorrelation > 0.3
    assert forecast.slope_upper - forecast.slope_per_s > 1.5 * stats.t.ppf(0.975, 22) * reference.stderr


def test_time_may_be_counted_from_anywhere() -> None:
    values = noisy(-0.5, start=100)
    near = forecast_limit(HOURS, values, limit=80)
    far = remaining_life([1.8e9 + second for second in HOURS], values, limit=80)
    assert far.remaining_s == pytest.approx(near.remaining_s, rel=1e-6)
    assert near.earliest_s is not None
    assert far.earliest_s == pytest.approx(1.8e9 + near.earliest_s, abs=1)


def test_missing_hours_are_allowed() -> None:
    kept = [place for place in range(24) if place not in {5, 6, 7, 20}]
    forecast = forecast_limit([HOURS[k] for k in kept], [100.0 - k for k in kept], limit=60)
    assert forecast.reached_s == pytest.approx(40 * HOUR)


@pytest.mark.parametrize(("observations", "likeness", "least"), [(12, 0.0, 0.93), (40, 0.0, 0.93), (100, 0.5, 0.92)])
def test_the_interval_holds_the_true_time(observations: int, likeness: float, least: float) -> None:
    """400 seeded series each; a nominal 95 % has a standard error of 1.1 points there."""
    rng = np.random.default_rng(20261123)
    times = np.arange(observations, dtype=float)
    held = 0
    for _ in range(400):
        noise = rng.normal(size=observations + 30)
        for place in range(1, noise.size):
            noise[place] += likeness * noise[place - 1]
        values = 10 - 8 * times / observations + noise[30:]
        forecast = forecast_limit(times.tolist(), values.tolist(), limit=0.0, horizon_s=1e9)
        true_time = observations * 10 / 8
        earliest = -math.inf if forecast.earliest_s is None else forecast.earliest_s
        latest = math.inf if forecast.latest_s is None else forecast.latest_s
        held += forecast.outlook is LimitOutlook.REACHED or earliest <= true_time <= latest
    assert held / 400 >= least


@pytest.mark.parametrize(
    ("times", "values", "limit", "message"),
    [
        (HOURS, [1.0] * 23, 0.0, "as many"),
        (HOURS, [math.nan] * 24, 0.0, "not finite"),
        (HOURS, [1.0] * 24, math.inf, "not finite"),
        (HOURS[::-1], [1.0] * 24, 0.0, "in order"),
        ([5.0] * 24, [1.0] * 24, 0.0, "all the same"),
    ],
    ids=["lengths", "NaN", "limit", "backwards", "one instant"],
)
def test_bad_series_are_refused(times: list[float], values: list[float], limit: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        forecast_limit(times, values, limit=limit)


def test_too_few_observations_say_how_many_are_missing() -> None:
    with pytest.raises(TooFewParts) as caught:
        forecast_limit(HOURS[:5], [1.0] * 5, limit=0.0)
    assert (caught.value.needed, caught.value.found) == (8, 5)


@pytest.mark.parametrize("horizon", [-1.0, math.nan])
def test_a_horizon_in_the_past_is_refused(horizon: float) -> None:
    with pytest.raises(ValueError, match="horizon"):
        forecast_limit(HOURS, [1.0] * 24, limit=0.0, horizon_s=horizon)
