"""Simulated lines whose truth is known, for the power and the false alarms of the watch for drift."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import norm  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.drift import BATCH_PARTS, PICTURE_MEASURES, Batch, score_shift, share_shift
from lineside.statistics.drift.reference import near_threshold

FloatArray = NDArray[np.float64]

THRESHOLD = 0.25

TESTS = ("all scores", "scores of flagged parts", "share flagged", "share near the threshold")
"""Those of `p_values`, in its order."""


def day(random: np.random.Generator, parts: int, *, recall: float = 0.9, false_calls: float = 0.01) -> FloatArray:
    """Scores of a day: 1 % of the parts are defective; scores are normal in log odds, good and defective ones."""
    limit = norm.isf(0.01)
    scores = random.normal(limit - norm.isf(false_calls), 1, parts)
    is_defective = random.random(parts) < 0.01
    scores[is_defective] = random.normal(limit + norm.ppf(recall), 1, int(is_defective.sum()))
    return np.asarray(expit(scores - limit + np.log(THRESHOLD / (1 - THRESHOLD))))


def p_values(before: FloatArray, after: FloatArray) -> FloatArray:
    """The p value of each of `TESTS` for two days."""
    flagged_before, flagged_after = before[before >= THRESHOLD], after[after >= THRESHOLD]
    near = near_threshold(before, THRESHOLD), near_threshold(after, THRESHOLD)
    return np.array(
        [
            score_shift(before, after).p_value,
            score_shift(flagged_before, flagged_after).p_value,
            share_shift(flagged_before.size, before.size, flagged_after.size, after.size).p_value,
            share_shift(near[0], before.size, near[1], after.size).p_value,
        ]
    )


def batches(
    random: np.random.Generator, count: int, *, good: float = -4.0, light: float = 120.0, wander: float = 0.0
) -> list[Batch]:
    """Batches of a line with one camera.

    Args:
        random: where chance comes from.
        count: of batches.
        good: mean score of good parts, in log odds.
        light: mean gray level.
        wander: standard deviation of the steps of the light's own wandering, each batch keeping 0.6 of the last.
    """
    made = []
    away = 0.0
    for _ in range(count):
        away = 0.6 * away + random.normal(0, wander)
        is_defective = random.random(BATCH_PARTS) < 0.04
        scores = expit(random.normal(np.where(is_defective, 2.0, good), 1.0))
        pictures = np.full((BATCH_PARTS, len(PICTURE_MEASURES)), np.nan)
        pictures[:, 0] = random.normal(light + away, 2.0, BATCH_PARTS)
        pictures[:, 1] = random.normal(30.0, 1.0, BATCH_PARTS)
        pictures[:, 2] = random.beta(20, 200, BATCH_PARTS)
        pictures[:, 3] = random.beta(2, 200, BATCH_PARTS)
        pictures[:, 4] = random.normal(0.3, 0.02, BATCH_PARTS)
        made.append(Batch(BATCH_PARTS, scores, scores[scores >= THRESHOLD], {"default": pictures}))
    return made
