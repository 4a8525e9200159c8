import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.statistics import RateInterval, wilson_interval

NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
"""R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""


@pytest.mark.parametrize(("events", "units", "lower", "upper"), NEWCOMBE)
def test_the_published_intervals(events: int, units: int, lower: float, upper: float) -> None:
    interval = wilson_interval(events, units)
    assert (round(interval.lower, 4), round(interval.upper, 4)) == (lower, upper)
    assert (interval.events, interval.units, interval.estimate) == (events, units, events / units)


def test_nothing_looked_at_tells_nothing() -> None:
    assert wilson_interval(0, 0) == RateInterval(0, 0, None, 0.0, 1.0, 0.95)


def test_the_ends_are_exact() -> None:
    assert wilson_interval(0, 7).lower == 0.0
    assert wilson_interval(7, 7).upper == 1.0


@pytest.mark.parametrize(("events", "units"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(events: int, units: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= events <= units"):
        wilson_interval(events, units)


@pytest.mark.parametrize("count", [1.0, True, "1", None, float("nan")])
def test_what_is_no_count_is_refused(count: object) -> None:
    with pytest.raises(TypeError, match="expected an integer count"):
        wilson_interval(count, 5)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(TypeError, match="expected an integer count"):
        wilson_interval(0, count)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95, -0.5, math.nan])
def test_an_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        wilson_interval(1, 5, confidence=confidence)


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    units = draw(st.integers(1, 10**7))
    return draw(st.integers(0, units)), units


CONFIDENCES = st.floats(0.01, 0.999)


@given(counts(), CONFIDENCES)
def test_the_interval_holds_the_estimate_and_stays_in_range(counted: tuple[int, int], confidence: float) -> None:
    events, units = counted
    interval = wilson_interval(events, units, confidence=confidence)
    assert interval.estimate is not None
    assert 0 <= interval.lower <= interval.estimate <= interval.upper <= 1


@given(counts(), CONFIDENCES)
def test_the_ends_are_where_the_score_test_just_fails_to_reject(counted: tuple[int, int], confidence: float) -> None:
    """The interval's definition, which the formula solves: |estimate - p| is z standard errors at p, at both ends."""
    events, units = counted
    interval = wilson_interval(events, units, confidence=confidence)
    for end in (interval.lower, interval.upper):
        if 0 < end < 1:
            z = abs(events / units - end) / math.sqrt(end * (1 - end) / units)
            two_sided = math.erf(z / math.sqrt(2))
            assert math.isclose(two_sided, confidence, abs_tol=1e-4)


@given(counts())
def test_good_and_bad_are_mirror_images(counted: tuple[int, int]) -> None:
    events, units = counted
    bad, good = wilson_interval(events, units), wilson_interval(units - events, units)
    assert math.isclose(bad.lower, 1 - good.upper, abs_tol=1e-9)
    assert math.isclose(bad.upper, 1 - good.lower, abs_tol=1e-9)


@given(counts())
def test_more_confidence_and_fewer_units_both_widen_it(counted: tuple[int, int]) -> None:
    events, units = counted
    usual, surer = wilson_interval(events, units), wilson_interval(events, units, confidence=0.99)
    tenfold = wilson_interval(10 * events, 10 * units)
    assert surer.lower <= usual.lower <= tenfold.lower + 1e-12
    assert tenfold.upper - 1e-12 <= usual.upper <= surer.upper


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1, 0.5])
def test_it_covers_the_true_share_about_as_often_as_it_says(share: float) -> None:
    """Binomial draws of 400 parts; the Wilson interval's coverage wavers by a few percent around 95 %."""
    rng = np.random.default_rng(7)
    drawn = rng.binomial(400, share, size=4000)
    ends = {int(k): wilson_interval(int(k), 400) for k in np.unique(drawn)}
    covered = np.mean([ends[int(k)].lower <= share <= ends[int(k)].upper for k in drawn])
    assert 0.92 < covered < 0.985
