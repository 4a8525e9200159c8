"""What the tests for drift find and how often they cry wolf, on lines whose truth is known."""

import numpy as np
import pytest
from benchmarks.drift_lines import THRESHOLD, batches, day, p_values
from scipy.stats import binom  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.drift import Reference, WatchLimits, look

LEVEL = 0.01
REPEATS = 40


# Power at level 1 %, from simulations of 600 days elsewhere: KS of all scores, KS of flagged scores, rate, near share.
PUBLISHED = {
    "nothing changed": ({}, (0.03, 0.01, 0.05, 0.01)),
    "defects fainter: recall 0.9 to 0.6": ({"recall": 0.6}, (0.01, 1.00, 0.36, 0.14)),
    "defects much fainter: recall 0.9 to 0.3": ({"recall": 0.3}, (0.00, 1.00, 0.99, 0.03)),
    "good parts shift: false calls 1 to 1.5 %": ({"false_calls": 0.015}, (1.00, 0.07, 0.60, 1.00)),
}


@pytest.mark.parametrize("event", PUBLISHED)
def test_the_power_of_each_test_is_that_of_the_published_table(event: str) -> None:
    """10,000 parts a day against a reference of 50,000. Tolerance: 3.3 standard errors of 40 days, and 0.1."""
    changes, expected = PUBLISHED[event]
    random = np.random.default_rng(7)
    found = np.zeros(4)
    for _ in range(REPEATS):
        found += p_values(day(random, 50_000), day(random, 10_000, **changes)) <= LEVEL
    for power, wanted in zip(found / REPEATS, expected, strict=True):
        assert abs(power - wanted) <= 0.1 + 3.3 * np.sqrt(wanted * (1 - wanted) / REPEATS)


@pytest.mark.parametrize("wander", [pytest.param(0.0, id="independent"), pytest.param(1.0, id="the light wanders")])
def test_an_undisturbed_line_alarms_no_more_often_than_stated(wander: float) -> None:
    """Every test of a look together, the cumulative sums included, at a risk of 5 % per look."""
    random = np.random.default_rng(11)
    limits = WatchLimits(risk_per_look=0.05, window_parts=1000, look_parts=1000)
    runs = 80
    alarms = 0
    for _ in range(runs):
        reference = Reference.of(batches(random, 40, wander=wander), threshold=THRESHOLD)
        alarms += bool(look(reference, batches(random, 20, wander=wander), limits=limits).changes)
    assert alarms <= binom.ppf(0.999, runs, limits.risk_per_look)


def test_a_change_is_found_and_dated() -> None:
    """A shift of the good parts by a quarter of their spread, from batch 12 of 30 on."""
    random = np.random.default_rng(13)
    limits = WatchLimits(risk_per_look=0.001, window_parts=1000, look_parts=500)
    runs = 20
    found, dated = 0, 0
    for _ in range(runs):
        reference = Reference.of(batches(random, 60), threshold=THRESHOLD)
        since = [*batches(random, 12), *batches(random, 18, good=-3.6)]
        changes = look(reference, since, limits=limits).changes
        found += bool(changes)
        dated += bool(changes) and abs((changes[0].since_batch or 0) - 12) <= 3
    assert found >= 19
    assert dated >= 16
