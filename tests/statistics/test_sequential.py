import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.comparison import bounded_rate_e_value, mixture_e_value, mixture_e_value_worse

SMALL = st.integers(0, 40)


def test_evidence_starts_at_one() -> None:
    assert mixture_e_value(0, 0) == 1.0
    assert mixture_e_value_worse(0, 0) == pytest.approx(1.0)
    assert bounded_rate_e_value(0, 0, 0.01) == pytest.approx(1.0)


@given(SMALL, SMALL)
def test_the_two_sided_value_is_its_factorials(worse: int, better: int) -> None:
    seen = worse + better
    expected = 2**seen * math.factorial(worse) * math.factorial(better) / math.factorial(seen + 1)
    assert math.isclose(mixture_e_value(worse, better), expected, rel_tol=1e-9)


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0.01, 0.1, 0.5, 0.9]))
def test_the_bounded_value_is_the_mean_likelihood_ratio(events: int, quiet: int, limit: float) -> None:
    def ratio(share: float) -> float:
        return (share / limit) ** events * ((1 - share) / (1 - limit)) ** quiet

    integral, _ = quad(ratio, limit, 1.0, epsabs=0.0, epsrel=1e-10, limit=200)
    assert math.isclose(bounded_rate_e_value(events, events + quiet, limit), integral / (1 - limit), rel_tol=1e-6)


@given(SMALL, SMALL, st.sampled_from([0.01, 0.2, 0.5]))
def test_a_fair_next_part_leaves_the_evidence_where_it_is_on_average(events: int, quiet: int, limit: float) -> None:
    """The property that makes peeking harmless, exactly: the mean over the next part equals the value now."""
    now = bounded_rate_e_value(events, events + quiet, limit)
    event = bounded_rate_e_value(events + 1, events + quiet + 1, limit)
    none = bounded_rate_e_value(events, events + quiet + 1, limit)
    assert math.isclose(limit * event + (1 - limit) * none, now, rel_tol=1e-9)
    assert event >= none  # so a lower chance of an event than the limit can only lower the mean
    both_ways = (mixture_e_value(events + 1, quiet) + mixture_e_value(events, quiet + 1)) / 2
    assert math.isclose(both_ways, mixture_e_value(events, quiet), rel_tol=1e-9)


@given(SMALL, SMALL)
def test_the_two_sided_evidence_is_the_mean_of_both_one_sided_ones(worse: int, better: int) -> None:
    mean = (mixture_e_value_worse(worse, better) + mixture_e_value_worse(better, worse)) / 2
    assert math.isclose(mixture_e_value(worse, better), mean, rel_tol=1e-9)


def running_maximum(shares: float, *, runs: int, parts: int, seed: int, one_sided: bool) -> np.ndarray:  # type: ignore[type-arg]  # float64
    """The largest e value ever seen in each run, looking after every discordant part."""
    worse = np.cumsum(np.random.default_rng(seed).random((runs, parts)) < shares, axis=1)
    value = mixture_e_value_worse if one_sided else mixture_e_value
    table = np.array([[value(w, n - w) if w <= n else 0.0 for w in range(parts + 1)] for n in range(1, parts + 1)])
    return np.asarray(table[np.arange(parts), worse].max(axis=1))


@pytest.mark.parametrize("one_sided", [False, True])
def test_looking_after_every_part_keeps_false_alarms_at_one_in_twenty(one_sided: bool) -> None:  # noqa: FBT001 - a case
    highest = running_maximum(0.5, runs=4000, parts=300, seed=2, one_sided=one_sided)
    assert np.mean(highest >= 20) <= 0.05


@pytest.mark.parametrize(("share", "power"), [(0.6, 0.83), (0.7, 0.99), (0.8, 0.99)])
def test_a_worse_candidate_is_found_as_often_as_planned(share: float, power: float) -> None:
    highest = running_maximum(share, runs=1000, parts=400, seed=3, one_sided=False)
    assert np.mean(highest >= 20) >= power - 0.06


def test_a_better_candidate_never_looks_worse() -> None:
    assert max(mixture_e_value_worse(0, better) for better in range(1, 200)) < 1


def test_a_rate_at_its_limit_seldom_alarms_and_one_above_it_does() -> None:
    rng = np.random.default_rng(4)

    def alarms(rate: float) -> float:
        events = np.cumsum(rng.random((300, 1000)) < rate, axis=1)
        looks = range(49, 1000, 50)
        return float(
            np.mean([any(bounded_rate_e_value(int(run[n]), n + 1, 0.02) >= 20 for n in looks) for run in events])
        )

    assert alarms(0.02) <= 0.05
    assert alarms(0.06) > 0.95


def test_long_runs_neither_overflow_nor_vanish() -> None:
    assert mixture_e_value(10_000, 0) == sys.float_info.max
    assert bounded_rate_e_value(5000, 5000, 0.001) == sys.float_info.max
    # no event in n trials: the integral of ((1 - share) / (1 - limit))^n is 1 / (n + 1) of the range
    assert bounded_rate_e_value(0, 100_000, 0.5) == pytest.approx(1 / 100_001)
    assert 0 < bounded_rate_e_value(10, 100_000, 0.5) < 1e-3


@pytest.mark.parametrize(("events", "trials"), [(-1, 3), (4, 3), (0, -1)])
def test_impossible_trials_are_refused(events: int, trials: int) -> None:
    with pytest.raises(ValueError, match="expected 0"):
        bounded_rate_e_value(events, trials, 0.1)


@pytest.mark.parametrize("limit", [0.0, 1.0, math.nan])
def test_an_impossible_limit_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        bounded_rate_e_value(1, 3, limit)
