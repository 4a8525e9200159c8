import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.statistics import clopper_pearson, exact_lower_bound, exact_upper_bound, units_for_upper_bound

NEWCOMBE = [
    (81, 263, 0.2527, 0.3676),
    (15, 148, 0.0578, 0.1617),
    (0, 20, 0.0, 0.1684),
    (1, 29, 0.0009, 0.1776),
]
"""R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 5."""


@pytest.mark.parametrize(("events", "units", "lower", "upper"), NEWCOMBE)
def test_the_published_exact_intervals(events: int, units: int, lower: float, upper: float) -> None:
    interval = clopper_pearson(events, units)
    assert (round(interval.lower, 4), round(interval.upper, 4)) == (lower, upper)
    assert (interval.events, interval.units, interval.estimate) == (events, units, events / units)


def binomial_at_most(events: int, units: int, share: float) -> float:
    return math.fsum(math.comb(units, k) * share**k * (1 - share) ** (units - k) for k in range(events + 1))


@given(st.integers(1, 200).flatmap(lambda units: st.tuples(st.integers(0, units), st.just(units))))
def test_the_bounds_are_where_the_binomial_tail_is_the_doubt_left(counted: tuple[int, int]) -> None:
    events, units = counted
    upper, lower = exact_upper_bound(events, units), exact_lower_bound(events, units)
    assert 0 <= lower <= events / units <= upper <= 1
    if events < units:
        assert math.isclose(binomial_at_most(events, units, upper), 0.05, rel_tol=1e-6)
    if events > 0:
        assert math.isclose(1 - binomial_at_most(events - 1, units, lower), 0.05, rel_tol=1e-6)
    assert math.isclose(lower, 1 - exact_upper_bound(units - events, units), abs_tol=1e-9)


def test_nothing_looked_at_leaves_everything_possible() -> None:
    interval = clopper_pearson(0, 0)
    assert (interval.estimate, interval.lower, interval.upper) == (None, 0.0, 1.0)
    assert (exact_lower_bound(0, 0), exact_upper_bound(0, 0)) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.5])
def test_it_covers_the_true_share_at_least_as_often_as_it_says(share: float) -> None:
    """Exact: the probability, over every count of events, that the interval holds the share."""
    units = 300
    covered = 0.0
    for events in range(units + 1):
        interval = clopper_pearson(events, units)
        if interval.lower <= share <= interval.upper:
            covered += math.comb(units, events) * share**events * (1 - share) ** (units - events)
    assert covered >= 0.95


@pytest.mark.parametrize(
    ("limit", "events", "confidence", "needed"),
    [
        (0.1, 0, 0.95, 29),
        (0.1, 1, 0.95, 46),
        (0.1, 2, 0.95, 61),
        (0.05, 0, 0.95, 59),
        (0.05, 1, 0.95, 93),
        (0.05, 2, 0.95, 124),
        (0.02, 0, 0.95, 149),
        (0.02, 1, 0.95, 236),
        (0.02, 2, 0.95, 313),
        (0.01, 0, 0.95, 299),
        (0.01, 1, 0.95, 473),
        (0.01, 2, 0.95, 628),
        (0.001, 0, 0.95, 2995),
    ],
)
def test_the_known_sample_sizes_of_reliability_demonstration(
    limit: float, events: int, confidence: float, needed: int
) -> None:
    assert units_for_upper_bound(limit, events=events, confidence=confidence) == needed
    assert exact_upper_bound(events, needed, confidence=confidence) <= limit
    assert exact_upper_bound(events, needed - 1, confidence=confidence) > limit


@pytest.mark.parametrize(("events", "units"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_of_exact_bounds_are_refused(events: int, units: int) -> None:
    for bound in (clopper_pearson, exact_upper_bound, exact_lower_bound):
        with pytest.raises(ValueError, match="expected 0"):
            bound(events, units)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95, math.nan])
def test_impossible_confidences_of_exact_bounds_are_refused(confidence: float) -> None:
    for bound in (clopper_pearson, exact_upper_bound, exact_lower_bound):
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            bound(1, 5, confidence=confidence)


def test_a_share_is_no_count() -> None:
    with pytest.raises(TypeError, match="expected an integer count"):
        exact_upper_bound(np.float64(0.5), 5)  # type: ignore[arg-type]  # the point of the test
