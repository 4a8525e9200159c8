import math

import pytest

from lineside.statistics import exact_upper_bound, units_for_upper_bound
from lineside.statistics.errors import ImpossibleCounts, SampleLargerThanLot
from lineside.statistics.rates import (
    SamplingPlan,
    acceptance_probability,
    operating_characteristic,
    share_accepted_with,
    single_sampling_plan,
)

PLANS = [
    (80, 2, 0.01, 0.9534, 6.52),
    (125, 3, 0.01, 0.9626, 5.27),
    (200, 5, 0.01, 0.9840, 4.59),
]
"""Sample, acceptance number, share, chance of acceptance, LTPD at 10 % in percent: binomial."""


@pytest.mark.parametrize(("sample", "accept", "share", "chance", "ltpd_percent"), PLANS)
def test_the_reference_curves(sample: int, accept: int, share: float, chance: float, ltpd_percent: float) -> None:
    plan = SamplingPlan(sample, accept)
    assert round(acceptance_probability(plan, share), 4) == chance
    curve = operating_characteristic(plan, shares=[0.0, share, 1.0])
    assert round(100 * curve.consumer_share, 2) == ltpd_percent
    assert (curve.acceptance[0], round(curve.acceptance[1], 4), curve.acceptance[2]) == (1.0, chance, 0.0)


@pytest.mark.parametrize(("units", "limit"), [(29, 0.10), (59, 0.05), (299, 0.01)])
def test_zero_failure_plans(units: int, limit: float) -> None:
    """ln 0.05 / ln reliability."""
    assert units_for_upper_bound(limit) == units == math.ceil(math.log(0.05) / math.log(1 - limit))
    assert exact_upper_bound(0, units) <= limit < exact_upper_bound(0, units - 1)
    assert share_accepted_with(SamplingPlan(units, 0), 0.05) <= limit


Z14 = [
    (1000, 1.0, 80, 2),
    (2000, 1.0, 125, 3),
    (5000, 1.0, 200, 5),
    (1000, 0.65, 80, 1),
    (1000, 0.15, 80, 0),
    (1000, 2.5, 80, 5),
    (1000, 0.40, 125, 1),
    (1000, 0.25, 50, 0),
    (1000, 6.5, 80, 10),
    (20_000, 1.0, 315, 7),
    (100_000, 1.0, 500, 10),
    (600_000, 1.0, 1250, 21),
    (100, 1.0, 13, 0),
]
"""Lot, AQL in percent, sample, acceptance number: normal inspection, level II."""


@pytest.mark.parametrize(("lot", "aql_percent", "sample", "accept"), Z14)
def test_the_standard_plans(lot: int, aql_percent: float, sample: int, accept: int) -> None:
    plan = single_sampling_plan(lot, aql_percent=aql_percent)
    assert (plan.sample, plan.accept, plan.reject) == (sample, accept, accept + 1)


def test_a_plan_larger_than_the_lot_reads_it_whole() -> None:
    assert single_sampling_plan(30, aql_percent=0.10) == SamplingPlan(30, 0)


def test_a_finite_lot_is_judged_by_what_is_left_in_it() -> None:
    plan = SamplingPlan(50, 0)
    assert acceptance_probability(plan, 0.02, lot=50) == 0.0, "one defective part in a lot read whole is found"
    assert acceptance_probability(plan, 0.02, lot=100) == pytest.approx(50 * 49 / (100 * 99))
    assert acceptance_probability(plan, 0.01, lot=10**7) == pytest.approx(acceptance_probability(plan, 0.01), rel=1e-4)


def test_the_curve_of_the_audit_that_was_done() -> None:
    """300 reads that tolerate no escape."""
    curve = operating_characteristic(SamplingPlan(300, 0), lot=9810)
    assert len(curve.shares) == len(curve.acceptance) == 101
    assert all(left >= right for left, right in zip(curve.acceptance, curve.acceptance[1:], strict=False))
    assert curve.consumer_share == pytest.approx(1 - 0.1 ** (1 / 300))
    assert curve.producer_share < curve.consumer_share


def test_impossible_plans_are_refused() -> None:
    with pytest.raises(ImpossibleCounts, match="accepts every lot"):
        SamplingPlan(5, 5)
    with pytest.raises(SampleLargerThanLot, match="at most 10"):
        acceptance_probability(SamplingPlan(20, 0), 0.1, lot=10)
    with pytest.raises(ValueError, match="the share is nan"):
        acceptance_probability(SamplingPlan(20, 0), math.nan)
    with pytest.raises(ValueError, match=r"expected one of 0\.01, 0\.015"):
        single_sampling_plan(100, aql_percent=0.5)
    with pytest.raises(ValueError, match="at least 2"):
        single_sampling_plan(1, aql_percent=1.0)
    with pytest.raises(TypeError, match="integer"):
        single_sampling_plan(10.5, aql_percent=1.0)  # type: ignore[arg-type]  # the point
