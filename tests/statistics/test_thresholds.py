"""Certified thresholds: the published sample sizes, the exact promise, and what has no promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.errors import MissedAtEveryThreshold, TooFewParts
from lineside.statistics.thresholds import (
    CertifiedThreshold,
    ThresholdMethod,
    certified_threshold,
    conformal_average_threshold,
    misses_allowed,
    parts_needed,
)

SAMPLE_SIZES = {0.1: (29, 46, 61), 0.05: (59, 93, 124), 0.02: (149, 236, 313), 0.01: (299, 473, 628)}


@pytest.mark.parametrize(
    ("miss_rate", "misses", "parts"),
    [(rate, misses, parts) for rate, row in SAMPLE_SIZES.items() for misses, parts in enumerate(row)]
    + [(0.001, 0, 2995)],
)
def test_the_known_sample_sizes(miss_rate: float, misses: int, parts: int) -> None:
    assert parts_needed(miss_rate, misses=misses) == parts
    assert misses_allowed(parts, miss_rate) == misses
    assert misses_allowed(parts - 1, miss_rate) == (misses - 1 if misses else None)


@given(parts=st.integers(0, 3000), miss_rate=st.floats(0.001, 0.6), confidence=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_one_more_miss_would_break_the_promise(parts: int, miss_rate: float, confidence: float) -> None:
    """Against the binomial sum, computed apart."""
    allowed = misses_allowed(parts, miss_rate, confidence=confidence)

    def at_most(misses: int) -> float:
        logs = [
            math.lgamma(parts + 1)
            - math.lgamma(k + 1)
            - math.lgamma(parts - k + 1)
            + k * math.log(miss_rate)
            + (parts - k) * math.log1p(-miss_rate)
            for k in range(misses + 1)
        ]
        return math.fsum(math.exp(each) for each in logs)

    if allowed is not None:
        assert 0 <= allowed < parts
        assert at_most(allowed) <= (1 - confidence) * (1 + 1e-6)
    one_more = 0 if allowed is None else allowed + 1
    if one_more < parts:
        assert at_most(one_more) > (1 - confidence) * (1 - 1e-6)


def test_the_threshold_is_the_order_statistic_after_the_misses_it_may_have() -> None:
    scores = np.random.default_rng(1).permutation(np.linspace(0.2, 0.9, 124))
    found = certified_threshold(scores, miss_rate=0.05)
    assert found == CertifiedThreshold(float(np.sort(scores)[2]), 0.05, 0.95, 124, 2, 0, ThresholdMethod.LTT)
    assert certified_threshold(scores[:59], miss_rate=0.05).threshold == scores[:59].min()


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.30000001, 0.7, 1.0]), min_size=29, max_size=120),
    st.sampled_from([0.1, 0.2, 0.4]),
)
def test_no_more_parts_are_missed_than_may_be_and_a_higher_score_would_miss_more(
    scores: list[float], miss_rate: float
) -> None:
    allowed = misses_allowed(len(scores), miss_rate)
    assert allowed is not None
    if scores.count(0.0) > allowed:
        with pytest.raises(MissedAtEveryThreshold) as refused:
            certified_threshold(scores, miss_rate=miss_rate)
        assert (refused.value.never_found, refused.value.allowed) == (scores.count(0.0), allowed)
        return
    found = certified_threshold(scores, miss_rate=miss_rate)
    assert found.misses == sum(score < found.threshold for score in scores) <= allowed
    assert found.never_found == scores.count(0.0)
    higher = [score for score in scores if score > found.threshold]
    if higher:
        assert sum(score < min(higher) for score in scores) > allowed


def test_too_few_parts_are_refused_with_the_number_missing() -> None:
    with pytest.raises(TooFewParts, match="299 parts; 250 were given, 49 are missing") as refused:
        certified_threshold(np.full(250, 0.8), miss_rate=0.01)
    assert (refused.value.needed, refused.value.found) == (299, 250)
    with pytest.raises(TooFewParts, match="59 parts; 0 were given"):
        certified_threshold([], miss_rate=0.05)


def test_a_part_that_was_never_found_is_a_miss_at_every_threshold() -> None:
    scores = [*np.linspace(0.5, 0.9, 123), 0.0]
    assert certified_threshold(scores, miss_rate=0.05).misses == 2
    with pytest.raises(MissedAtEveryThreshold, match=r"3 of 124 .* bears 2") as refused:
        certified_threshold([*scores[:121], 0.0, 0.0, 0.0], miss_rate=0.05)
    assert (refused.value.never_found, refused.value.allowed, refused.value.parts) == (3, 2, 124)
    with pytest.raises(MissedAtEveryThreshold):
        certified_threshold(np.zeros(100), miss_rate=0.5)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, 1.5])
def test_a_score_that_is_none_is_refused(wrong: float) -> None:
    for threshold in (certified_threshold, conformal_average_threshold):
        with pytest.raises(ValueError, match=r"1 of 100 scores are no number in \[0, 1\]"):
            threshold([0.5] * 99 + [wrong], miss_rate=0.1)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_miss_rate_that_nothing_can_show_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        parts_needed(rate)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        certified_threshold([0.5] * 100, miss_rate=rate)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        conformal_average_threshold([0.5] * 100, miss_rate=rate)


def test_scores_in_a_table_and_counts_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(10, 10\)"):
        certified_threshold(np.full((10, 10), 0.5), miss_rate=0.1)
    with pytest.raises(TypeError, match="expected an integer count"):
        misses_allowed(59.0, 0.05)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ValueError, match="expected 0 or more"):
        parts_needed(0.05, misses=-1)


def test_the_promise_holds_and_the_naive_quantile_does_not() -> None:
    """2,000 calibrations of 236 parts for 2 %: which share ends above the target."""
    random = np.random.default_rng(20261123)
    calibrations = random.beta(6, 2, (2000, 236))
    certified = [certified_threshold(scores, miss_rate=0.02).threshold for scores in calibrations]
    averaged = [conformal_average_threshold(scores, miss_rate=0.02).threshold for scores in calibrations]
    naive = np.quantile(calibrations, 0.02, axis=1)
    broken = {
        name: float((beta.cdf(thresholds, 6, 2) > 0.02).mean())
        for name, thresholds in (("ltt", certified), ("average", averaged), ("naive", naive))
    }
    # Exact: P(Binomial(236, 0.02) <= 1) = 0.0495; the 99.9 % Monte-Carlo bound of 2,000 draws is 1.5 points above.
    assert broken["ltt"] <= 0.05 + 0.015
    assert broken["naive"] > 0.4
    assert broken["average"] > 0.25, "the average promises nothing of one calibration"
    assert float(beta.cdf(averaged, 6, 2).mean()) <= 0.02 + 0.001, "and keeps what it promises"


def test_ties_keep_the_promise() -> None:
    """Scores of two decimals: many parts share the threshold's score, and those are found."""
    random = np.random.default_rng(7)
    broken = 0
    for _ in range(1000):
        scores = np.floor(random.beta(6, 2, 149) * 20) / 20
        threshold = certified_threshold(scores, miss_rate=0.02).threshold
        broken += bool(beta.cdf(threshold, 6, 2) > 0.02)
    assert broken / 1000 <= 0.05 + 0.02


def test_the_average_is_named_so_and_has_no_confidence() -> None:
    found = conformal_average_threshold(np.linspace(0.01, 1, 100), miss_rate=0.05)
    assert (found.method, found.confidence, found.misses) == (ThresholdMethod.CONFORMAL_AVERAGE, None, 4)
    assert "guarantee" not in ThresholdMethod.CONFORMAL_AVERAGE.value
    with pytest.raises(TooFewParts, match="99 parts; 98 were given"):
        conformal_average_threshold([0.5] * 98, miss_rate=0.01)
    assert conformal_average_threshold([0.5] * 99, miss_rate=0.01).misses == 0
    with pytest.raises(MissedAtEveryThreshold, match="on average"):
        conformal_average_threshold([0.0] * 5 + [0.5] * 15, miss_rate=0.2)


@pytest.mark.parametrize(
    "changes",
    [{"threshold": 0.0}, {"misses": 124}, {"never_found": 3}, {"confidence": None}, {"miss_rate": 0.0}, {"parts": -1}],
)
def test_an_impossible_result_cannot_be_made(changes: dict[str, float]) -> None:
    fields = {
        "threshold": 0.4,
        "miss_rate": 0.05,
        "confidence": 0.95,
        "parts": 124,
        "misses": 2,
        "never_found": 0,
        "method": ThresholdMethod.LTT,
    }
    with pytest.raises(ValueError, match=r"."):
        CertifiedThreshold(**{**fields, **changes})  # type: ignore[arg-type]  # the point of the test


def test_the_exact_threshold_lies_one_grid_step_at_most_above_mapies() -> None:
    """MAPIE 1.6.0 on the same scores: BinaryClassificationController(risk="recall", target_level=0.95,
    confidence_level=0.95) with its 100 thresholds 0.01 apart gives 0.44 with fwer_method="fixed_sequence" and 0.41
    with "bonferroni_holm", which pays for testing all of them with more overkill."""
    mapie = {"fixed_sequence": 0.44, "bonferroni_holm": 0.41}
    exact = certified_threshold(np.random.default_rng(3).beta(6, 2, 300), miss_rate=0.05)
    assert exact.threshold == pytest.approx(0.440884, abs=1e-6)
    assert exact.misses == 8
    assert mapie["fixed_sequence"] <= exact.threshold < mapie["fixed_sequence"] + 0.01
    assert mapie["bonferroni_holm"] < exact.threshold
