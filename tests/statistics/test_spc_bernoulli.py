"""The CUSUM of single parts: run lengths against a simulation, and its defined answers."""

import math

import numpy as np
import pytest

from lineside.statistics.spc import Subgroup, bernoulli_cusum, bernoulli_limit, parts_until_signal, reference_value

ACCEPTABLE, UNACCEPTABLE = 1e-3, 4e-3


def simulated_parts(limit: float, rate: float, reference: float, *, runs: int) -> tuple[float, float]:
    """Mean run length in parts and its standard error, part by part between defects."""
    rng = np.random.default_rng(20261123)
    lengths = []
    for _ in range(runs):
        total, parts = 0.0, 0
        while total < limit:
            gap = int(rng.geometric(rate))
            parts += gap
            total = max(0.0, total - (gap - 1) * reference) + 1 - reference
        lengths.append(parts)
    return float(np.mean(lengths)), float(np.std(lengths) / math.sqrt(runs))


@pytest.mark.parametrize("rate", [1e-3, 4e-3])
def test_run_lengths_are_those_of_a_simulation(rate: float) -> None:
    reference = reference_value(ACCEPTABLE, UNACCEPTABLE)
    expected = parts_until_signal(3.0, rate=rate, reference=reference)
    found, error = simulated_parts(3.0, rate, reference, runs=1500)
    assert abs(found - expected) < 3.5 * error + 0.01 * expected


@pytest.mark.parametrize("parts", [5e3, 1e5, 1e7])
def test_the_limit_gives_the_parts_asked_for(parts: float) -> None:
    reference = reference_value(ACCEPTABLE, UNACCEPTABLE)
    limit = bernoulli_limit(parts, rate=1e-3, reference=reference)
    assert parts_until_signal(limit, rate=1e-3, reference=reference) == pytest.approx(parts, rel=0.02)


def test_the_sum_of_gaps_rises_at_defects_and_falls_by_the_parts_between() -> None:
    chart = bernoulli_cusum(
        [Subgroup("a", 1, 100), Subgroup("b", 1, 50), Subgroup("c", 0, 0), Subgroup("d", 0, 5000)],
        acceptable=ACCEPTABLE,
        unacceptable=UNACCEPTABLE,
        parts_between_false_alarms=1e6,
    )
    reference = chart.parameters["reference"]
    first = 1 - 100 * reference
    assert [point.value for point in chart.points] == pytest.approx([first, first + 1 - 50 * reference, None, 0.0])
    assert {point.upper for point in chart.points} == {chart.parameters["limit"], None}
    assert chart.signals == ()


def test_a_rise_is_found() -> None:
    chart = bernoulli_cusum(
        [Subgroup(str(hour), 1 if hour < 20 else 5, 1000) for hour in range(30)],
        acceptable=ACCEPTABLE,
        unacceptable=UNACCEPTABLE,
        parts_between_false_alarms=1e6,
        excluded={"25": "a trial"},
    )
    assert 20 <= int(chart.signals[0].label) < 24
    assert chart.points[25].value == chart.points[24].value
    assert chart.points[25].rules == ()


@pytest.mark.parametrize(
    ("acceptable", "unacceptable", "parts"),
    [(0.0, 0.1, 1e4), (0.1, 1.0, 1e4), (0.2, 0.1, 1e4), (0.01, 0.02, 50), (0.01, 0.02, math.nan), (0.01, 0.02, 1e300)],
    ids=str,
)
def test_plans_that_cannot_be_are_refused(acceptable: float, unacceptable: float, parts: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        bernoulli_cusum([], acceptable=acceptable, unacceptable=unacceptable, parts_between_false_alarms=parts)
