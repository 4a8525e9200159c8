"""Boundaries of tests with planned looks, against the published tables and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.comparison import BoundaryShape, crossing_chance, group_sequential_boundary

SHAPES = list(BoundaryShape)


def test_o_brien_flemings_five_looks_are_the_published_ones() -> None:
    boundary = group_sequential_boundary(5)
    assert [round(value, 3) for value in boundary] == [4.562, 3.226, 2.634, 2.281, 2.040]


@pytest.mark.parametrize(("looks", "last"), [(2, 1.977), (3, 2.004), (4, 2.024)])
def test_o_brien_flemings_last_looks_are_the_published_ones(looks: int, last: float) -> None:
    assert round(group_sequential_boundary(looks)[-1], 3) == last


@pytest.mark.parametrize(("looks", "bar"), [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413)])
def test_pococks_bars_are_the_published_ones(looks: int, bar: float) -> None:
    boundary = group_sequential_boundary(looks, shape=BoundaryShape.POCOCK)
    assert set(boundary) == {boundary[0]}
    # the tables cut 2.2895 to 2.289; the others round
    assert boundary[0] == pytest.approx(bar, abs=6e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_look_is_the_plain_test(shape: BoundaryShape) -> None:
    assert group_sequential_boundary(1, shape=shape) == pytest.approx((1.959964,), abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("false_alarms", [0.01, 0.05])
def test_the_whole_boundary_spends_the_chance_it_was_given(shape: BoundaryShape, false_alarms: float) -> None:
    boundary = group_sequential_boundary(3, shape=shape, false_alarms=false_alarms)
    assert crossing_chance(boundary) == pytest.approx(false_alarms, abs=1e-8)


def test_looking_five_times_at_the_plain_bar_gives_the_known_share_of_false_alarms() -> None:
    """Armitage, McPherson and Rowe (1969): 0.142 for five looks at 1.96."""
    assert crossing_chance([1.959964] * 5) == pytest.approx(0.142, abs=5e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_a_simulation_crosses_as_often_as_computed(shape: BoundaryShape, drift: float) -> None:
    boundary = np.array(group_sequential_boundary(4, shape=shape))
    rng = np.random.default_rng(20261123)
    steps = rng.normal(drift / 2, 1.0, (40_000, 4))
    deviates = np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, 5))
    crossed = int(np.count_nonzero((np.abs(deviates) > boundary).any(axis=1)))
    expected = crossing_chance(boundary.tolist(), drift=drift)
    assert stats.binomtest(crossed, 40_000, expected).pvalue > 0.001


@pytest.mark.parametrize(
    ("looks", "false_alarms", "error"),
    [(0, 0.05, ValueError), (51, 0.05, ValueError), (2.0, 0.05, TypeError), (2, 0.0, ValueError), (2, 1.0, ValueError)],
    ids=str,
)
def test_impossible_plans_are_refused(looks: int, false_alarms: float, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        group_sequential_boundary(looks, false_alarms=false_alarms)


@pytest.mark.parametrize("boundary", [[], [2.0, 0.0], [math.nan]], ids=str)
def test_a_boundary_of_no_test_is_refused(boundary: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        crossing_chance(boundary)
