import numpy as np
import pytest
from scipy.stats import binom, poisson  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.rates.distributions import DROPPED_TAIL, belief_from, certain, mixture


@pytest.mark.parametrize("share", [1e-6, 0.0004, 0.03, 0.5, 0.999])
def test_what_is_cut_off_is_less_than_said(share: float) -> None:
    belief = belief_from(lambda counts: np.asarray(binom.logpmf(counts, 10_000, share)), least=0, most=10_000)
    kept = binom.pmf(belief.counts, 10_000, share).sum()
    assert kept >= 1 - DROPPED_TAIL
    assert belief.mean == pytest.approx(10_000 * share, rel=1e-7)
    assert belief.masses.sum() == pytest.approx(1)


def test_a_narrow_peak_in_a_wide_range_is_found() -> None:
    belief = belief_from(lambda counts: -0.5 * ((counts - 7_654_321) / 3) ** 2, least=0, most=10**8)
    assert belief.step == 1
    assert belief.mean == pytest.approx(7_654_321)
    assert (belief.lower(0.025), belief.upper(0.025)) == (7_654_321 - 6, 7_654_321 + 6)


def test_two_peaks_are_both_kept() -> None:
    def log_mass(counts: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]  # of floats
        return np.asarray(np.logaddexp(poisson.logpmf(counts, 40), poisson.logpmf(counts, 3000)))

    belief = belief_from(log_mass, least=0, most=50_000)
    assert belief.share_above(1000) == pytest.approx(0.5, abs=1e-6)


def test_quantiles_leave_at_most_the_tail_outside() -> None:
    belief = belief_from(lambda counts: np.asarray(binom.logpmf(counts, 30, 0.2)), least=0, most=30)
    low, high = belief.lower(0.025), belief.upper(0.025)
    assert binom.cdf(low - 1, 30, 0.2) <= 0.025 < binom.cdf(low, 30, 0.2)
    assert binom.sf(high, 30, 0.2) <= 0.025 < binom.sf(high - 1, 30, 0.2)


def test_a_very_long_support_is_thinned_and_its_quantiles_rounded_outwards() -> None:
    belief = belief_from(lambda counts: -counts / 1e6, least=0, most=10**8)
    assert belief.step > 1
    assert len(belief.masses) <= 1 << 17
    assert belief.mean == pytest.approx(1e6, rel=0.01)
    assert -1e6 * np.log(0.025) <= belief.upper(0.025) <= -1e6 * np.log(0.025) + 2 * belief.step


def test_sums_and_mixtures() -> None:
    five, eight = certain(5), certain(8)
    assert five.plus(eight).mean == 13
    either = mixture([five, eight], np.array([1.0, 3.0]))
    assert either.start == 5
    assert either.mean == pytest.approx(7.25)
    long = belief_from(lambda counts: np.asarray(binom.logpmf(counts, 4000, 0.5)), least=0, most=4000)
    total = long.plus(long)
    assert total.mean == pytest.approx(4000)
    assert total.masses == pytest.approx(binom.pmf(total.counts, 8000, 0.5), abs=1e-12)


def test_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match="no count is possible"):
        belief_from(lambda counts: counts, least=1, most=0)
    with pytest.raises(ValueError, match="contradict"):
        belief_from(lambda counts: np.full(len(counts), -np.inf), least=0, most=5)
