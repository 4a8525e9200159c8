"""What the tests for drift find and how often they cry wolf, on lines whose truth is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import binom, norm  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.drift import (
    BATCH_PARTS,
    PICTURE_MEASURES,
    Batch,
    Reference,
    WatchLimits,
    look,
    score_shift,
    share_shift,
)
from lineside.statistics.drift.reference import near_threshold

FloatArray = NDArray[np.float64]

THRESHOLD = 0.25
LEVEL = 0.01
REPEATS = 40


def day(random: np.random.Generator, parts: int, *, recall: float = 0.9, false_calls: float = 0.01) -> FloatArray:
    """Scores of a day: 1 % of the parts are defective; scores are normal in log odds, good and defective ones."""
    limit = norm.isf(0.01)
    scores = random.normal(limit - norm.isf(false_calls), 1, parts)
    is_defective = random.random(parts) < 0.01
    scores[is_defective] = random.normal(limit + norm.ppf(recall), 1, int(is_defective.sum()))
    return np.asarray(expit(scores - limit + np.log(THRESHOLD / (1 - THRESHOLD))))


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
        before, after = day(random, 50_000), day(random, 10_000, **changes)
        flagged_before, flagged_after = before[before >= THRESHOLD], after[after >= THRESHOLD]
        found += (
            np.array(
                [
                    score_shift(before, after).p_value,
                    score_shift(flagged_before, flagged_after).p_value,
                    share_shift(flagged_before.size, before.size, flagged_after.size, after.size).p_value,
                    share_shift(
                        near_threshold(before, THRESHOLD), before.size, near_threshold(after, THRESHOLD), after.size
                    ).p_value,
                ]
            )
            <= LEVEL
        )
    for power, wanted in zip(found / REPEATS, expected, strict=True):
        assert abs(power - wanted) <= 0.1 + 3.3 * np.sqrt(wanted * (1 - wanted) / REPEATS)


def batches(
    random: np.random.Generator, count: int, *, good: float = -4.0, light: float = 120.0, wander: float = 0.0
) -> list[Batch]:
    """Batches of a line with one camera; `wander` moves the light of a whole batch, each like the one before."""
    made = []
    drift = 0.0
    for _ in range(count):
        drift = 0.6 * drift + random.normal(0, wander)
        is_defective = random.random(BATCH_PARTS) < 0.04
        scores = expit(
            np.where(is_defective, random.normal(2.0, 1.0, BATCH_PARTS), random.normal(good, 1, BATCH_PARTS))
        )
        pictures = np.full((BATCH_PARTS, len(PICTURE_MEASURES)), np.nan)
        pictures[:, 0] = random.normal(light + drift, 2.0, BATCH_PARTS)
        pictures[:, 1] = random.normal(30.0, 1.0, BATCH_PARTS)
        pictures[:, 2] = random.beta(20, 200, BATCH_PARTS)
        pictures[:, 3] = random.beta(2, 200, BATCH_PARTS)
        pictures[:, 4] = random.normal(0.3, 0.02, BATCH_PARTS)
        made.append(Batch(BATCH_PARTS, scores, scores[scores >= THRESHOLD], {"default": pictures}))
    return made


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
