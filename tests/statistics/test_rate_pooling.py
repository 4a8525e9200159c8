import numpy as np
import pytest

from lineside.statistics import clopper_pearson
from lineside.statistics.errors import ImpossibleCounts, TooFewParts
from lineside.statistics.rates import LotCount, process_rate


def test_lots_that_do_not_differ_pool_to_the_exact_interval() -> None:
    found = process_rate([LotCount(2, 150)] * 20)
    exact = clopper_pearson(40, 3000)
    assert found.design_effect == 1.0
    assert (found.interval.lower, found.interval.upper) == pytest.approx((exact.lower, exact.upper))


def test_the_design_effect_is_the_ratio_of_the_variances() -> None:
    """By hand: residuals 6, -2 and -4 around 4 events of 100."""
    found = process_rate([LotCount(10, 100), LotCount(2, 100), LotCount(0, 100)])
    assert found.design_effect == pytest.approx(1.5 * 56 / 300**2 / (0.04 * 0.96 / 300))
    assert found.effective_units < 300 / found.design_effect, "three lots are few to estimate it from"
    exact = clopper_pearson(12, 300)
    assert found.interval.lower < exact.lower < exact.upper < found.interval.upper


def test_it_covers_where_lots_differ_and_pooling_alone_does_not() -> None:
    rng = np.random.default_rng(11)
    covered = pooled = 0
    for _ in range(400):
        events = rng.binomial(150, rng.gamma(1.0, 0.01, 20).clip(0, 1))
        found = process_rate([LotCount(int(count), 150) for count in events]).interval
        covered += found.lower <= 0.01 <= found.upper
        alone = clopper_pearson(int(events.sum()), 3000)
        pooled += alone.lower <= 0.01 <= alone.upper
    assert covered >= 365  # 91 %; 95.1 % of 3,000
    assert pooled <= 345  # 86 %; 79.6 % of 3,000


def test_no_event_leaves_the_rule_of_three() -> None:
    found = process_rate([LotCount(0, 150)] * 20)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((0.0, clopper_pearson(0, 3000).upper))
    assert process_rate([LotCount(5, 5)] * 3).interval.upper == 1.0


def test_one_lot_cannot_show_how_lots_differ() -> None:
    with pytest.raises(TooFewParts, match="needs 2 lots; 1 were given") as refused:
        process_rate([LotCount(1, 100), LotCount(0, 0)])
    assert (refused.value.needed, refused.value.found) == (2, 1)


def test_impossible_lots_are_refused() -> None:
    with pytest.raises(ImpossibleCounts, match="4 events in 3 units"):
        LotCount(4, 3)
