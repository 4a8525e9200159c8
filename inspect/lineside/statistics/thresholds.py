"""Thresholds with a guarantee on the miss rate: exact order statistics of the scores of known-defective parts.

A part's score is the confidence with which its defect was found; 0 says that it was not found at all. A part is missed
by a threshold if its score lies below it. A part of score 0 is therefore missed by every threshold.

Every function here needs parts that were drawn at random from the parts that the threshold will judge, or made for the
purpose, one score per part and the parts independent of each other. Parts that were picked for their difficulty,
because they got away, or because the model was trained on them, carry nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.binomial import units_for_upper_bound
from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.errors import MissedAtEveryThreshold, TooFewParts


class ThresholdMethod(StrEnum):
    """How a threshold was found, and so what it says."""

    LTT = "ltt"
    """Exact: with the stated confidence, the miss rate of this one threshold is at most the target."""

    CONFORMAL_AVERAGE = "conformal-average"
    """On average over many calibrations the miss rate is at most the target; of this one nothing is said."""


@dataclass(frozen=True, slots=True)
class CertifiedThreshold:
    """A threshold and what stands behind it.

    Attributes:
        threshold: a part of this score or a higher one is found; above 0.
        miss_rate: the target, at or below which the miss rate lies.
        confidence: with which it does; None for `CONFORMAL_AVERAGE`, which gives none.
        parts: defective parts that it was found on.
        misses: those of them whose score lies below the threshold.
        never_found: those of score 0.
        method: how it was found.
    """

    threshold: float
    miss_rate: float
    confidence: float | None
    parts: int
    misses: int
    never_found: int
    method: ThresholdMethod

    def __post_init__(self) -> None:
        """Refuse what no calibration gives."""
        check_counts(parts=self.parts, misses=self.misses, never_found=self.never_found)
        check_share("miss_rate", self.miss_rate)
        if not self.threshold > 0:
            raise ValueError(f"a threshold of {self.threshold}; expected above 0, from which a part counts as found")
        if not self.never_found <= self.misses < self.parts:
            raise ValueError(
                f"{self.misses} misses of {self.parts} parts, {self.never_found} never found; expected "
                "never found <= misses < parts"
            )
        if (self.confidence is None) != (self.method is ThresholdMethod.CONFORMAL_AVERAGE):
            raise ValueError(f"method {self.method.value!r} with confidence {self.confidence}; the average has none")
        if self.confidence is not None:
            check_share("confidence", self.confidence)
        if not self._is_carried():
            sure = "on average" if self.confidence is None else f"at {self.confidence:.4g} confidence"
            raise ValueError(
                f"{self.misses} misses of {self.parts} parts do not carry a miss rate of at most {self.miss_rate:.4g} "
                f"{sure}; expected more parts or fewer misses, as `parts_needed` says"
            )

    def _is_carried(self) -> bool:
        """Whether the counts show what is claimed, but for the last digits of another library's binomial tail."""
        if self.confidence is None:
            return self.misses + 1 <= self.miss_rate * (self.parts + 1) * (1 + 1e-9)
        return bool(bdtr(self.misses, self.parts, self.miss_rate) <= (1 - self.confidence) * (1 + 1e-9))


def parts_needed(miss_rate: float, *, misses: int = 0, confidence: float = 0.95) -> int:
    """How many defective parts a guarantee takes if so many of them are missed.

    Source: the binomial tail, as `units_for_upper_bound`. Assumptions: as of the module.

    Args:
        miss_rate: wanted at most, strictly between 0 and 1.
        misses: parts that the threshold may miss; 0 gives the fewest parts and the lowest threshold.
        confidence: of the guarantee.

    Raises:
        TypeError: `misses` is not an integer.
        ValueError: a figure is out of its range; a miss rate of 0 can be shown by no number of parts.

    >>> parts_needed(0.01), parts_needed(0.01, misses=2)
    (299, 628)
    """
    return units_for_upper_bound(miss_rate, events=misses, confidence=confidence)


def misses_allowed(parts: int, miss_rate: float, *, confidence: float = 0.95) -> int | None:
    """How many of the parts a threshold may miss and still carry the guarantee.

    The largest m with P(Binomial(parts, miss_rate) <= m) <= 1 - confidence.

    Args:
        parts: defective parts with a score.
        miss_rate: wanted at most.
        confidence: of the guarantee.

    Returns:
        None if even no miss at all would not show it: there are too few parts.

    Raises:
        TypeError: `parts` is not an integer.
        ValueError: a figure is out of its range.

    >>> misses_allowed(298, 0.01), misses_allowed(299, 0.01), misses_allowed(473, 0.01)
    (None, 0, 1)
    """
    check_counts(parts=parts)
    check_share("miss_rate", miss_rate)
    check_share("confidence", confidence)
    doubt = 1 - confidence
    few_enough, too_many = -1, parts  # of no part all are missed: that says nothing
    while too_many - few_enough > 1:
        middle = (few_enough + too_many) // 2
        if bdtr(middle, parts, miss_rate) <= doubt:
            few_enough = middle
        else:
            too_many = middle
    return few_enough if few_enough >= 0 else None


def certified_threshold(
    scores: Sequence[float] | NDArray[Any], *, miss_rate: float, confidence: float = 0.95
) -> CertifiedThreshold:
    """The highest threshold whose miss rate is, with the stated confidence, at most the target.

    The threshold is the order statistic s(m+1) of the scores, m being `misses_allowed`. If the miss rate of s(m+1) were
    above the target, at most m of the scores would lie at or below the point where it crosses the target, whose chance
    is at most P(Binomial(n, target) <= m) <= 1 - confidence. This holds for any distribution of the scores, ties
    included: where scores tie at the threshold, fewer than m are missed.

    Source: distribution-free tolerance limits (S. S. Wilks, Ann. Math. Statist. 12, 1941); as risk control for
    predictors, "Learn then Test" (Angelopoulos, Bates, Candes, Jordan, Lei, arXiv 2110.01052) with the exact binomial
    p-value and thresholds tested in fixed order. Assumptions: as of the module. The statement is about this class, or
    this part, alone: of k thresholds that are each certified at 95 %, all hold at once with at least 1 - 0.05 k.

    Args:
        scores: (n,), one per defective part, each in [0, 1]; 0 for a part that was not found.
        miss_rate: wanted at most, strictly between 0 and 1.
        confidence: of the guarantee.

    Raises:
        TooFewParts: no threshold can be certified by so few parts; says how many are missing.
        MissedAtEveryThreshold: more parts were never found than the guarantee can bear.
        ValueError: a score is NaN or outside [0, 1], or a figure is out of its range.
    """
    ordered = _ordered(scores)
    parts = len(ordered)
    allowed = misses_allowed(parts, miss_rate, confidence=confidence)
    if allowed is None:
        raise TooFewParts(
            f"a miss rate of at most {miss_rate:.4g} at {confidence:.4g} confidence",
            needed=parts_needed(miss_rate, confidence=confidence),
            found=parts,
        )
    return _threshold_of(ordered, allowed, miss_rate, confidence, method=ThresholdMethod.LTT)


def conformal_average_threshold(scores: Sequence[float] | NDArray[Any], *, miss_rate: float) -> CertifiedThreshold:
    """The threshold whose miss rate is at most the target **on average** over calibrations. No guarantee of this one.

    In 28 to 47 of 100 calibrations the threshold found has a higher miss rate than the target. It is here because the
    literature reports it; what has to be kept to is `certified_threshold`.

    Source: conformal risk control for a loss of 0 or 1 (Angelopoulos, Bates, Fisch, Lei, Schuster, arXiv 2208.02814):
    the highest threshold with (misses + 1) / (n + 1) <= target. Assumptions: the scores are exchangeable with those of
    the parts to come.

    Args:
        scores: (n,), one per defective part, each in [0, 1]; 0 for a part that was not found.
        miss_rate: wanted on average, strictly between 0 and 1.

    Raises:
        TooFewParts: (0 + 1) / (n + 1) is above the target already.
        MissedAtEveryThreshold: more parts were never found than the target bears.
        ValueError: a score is NaN or outside [0, 1], or the rate is out of its range.
    """
    ordered = _ordered(scores)
    check_share("miss_rate", miss_rate)
    parts = len(ordered)
    allowed = int(np.floor(miss_rate * (parts + 1) * (1 + 1e-12))) - 1
    if allowed < 0:
        needed = int(np.ceil(1 / miss_rate * (1 - 1e-12))) - 1
        raise TooFewParts(f"a miss rate of {miss_rate:.4g} on average", needed=needed, found=parts)
    return _threshold_of(ordered, allowed, miss_rate, None, method=ThresholdMethod.CONFORMAL_AVERAGE)


def _ordered(scores: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(scores, np.float64)
    if values.ndim != 1:
        raise ValueError(f"scores of shape {values.shape}; expected one score per part")
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} of {len(values)} scores are no number in [0, 1], the first is {values[wrong[0]]}; a part "
            "that was not found has the score 0, and one that was not inspected none"
        )
    return np.sort(values)


def _threshold_of(
    ordered: NDArray[np.float64],
    allowed: int,
    miss_rate: float,
    confidence: float | None,
    *,
    method: ThresholdMethod,
) -> CertifiedThreshold:
    """The score of which at most `allowed` ones lie below."""
    allowed = min(allowed, len(ordered) - 1)
    threshold = float(ordered[allowed])
    never_found = int((ordered == 0).sum())
    if threshold == 0:
        raise MissedAtEveryThreshold(
            miss_rate=miss_rate, never_found=never_found, allowed=allowed, parts=len(ordered), confidence=confidence
        )
    return CertifiedThreshold(
        threshold=threshold,
        miss_rate=miss_rate,
        confidence=confidence,
        parts=len(ordered),
        misses=int(np.searchsorted(ordered, threshold, side="left")),
        never_found=never_found,
        method=method,
    )
