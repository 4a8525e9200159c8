"""Curves over the threshold: precision against recall and F for each class, and false calls against sensitivity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.training.evaluation.judged import JudgedImage
from lineside.training.evaluation.matching import touches
from lineside.training.evaluation.ranked import RankedClass

MOST_POINTS = 120
"""Of a curve in a document; a page is not wider."""

THRESHOLDS = tuple(hundredth / 100 for hundredth in range(1, 100))


@dataclass(frozen=True, slots=True)
class ClassCurve:
    """How one class does at each threshold, at IoU 0.5.

    Attributes:
        precision_recall: (recall, precision) by rising recall.
        f_over_threshold: (threshold, F).
        best_threshold: where F is highest; None where nothing right was found.
        best_f: that F; 0 where nothing right was found.
    """

    precision_recall: tuple[tuple[float, float], ...]
    f_over_threshold: tuple[tuple[float, float], ...]
    best_threshold: float | None
    best_f: float


def class_curve(ranked: RankedClass) -> ClassCurve:
    """The curves of a class; all empty where it has no true box."""
    truths = int(ranked.truths_of.sum())
    if truths == 0:
        return ClassCurve((), (), None, 0.0)
    right = np.cumsum(ranked.is_right[0])
    seen = np.arange(1, len(right) + 1)
    points = [(float(right[i] / truths), float(right[i] / seen[i])) for i in _spread(len(right))]
    kept = np.searchsorted(-ranked.confidences, [-threshold for threshold in THRESHOLDS], side="right")
    hits = np.concatenate([[0], right])[kept]
    f_scores = 2 * hits / (kept + truths)
    every_f = 2 * right / (seen + truths)
    best = int(np.argmax(every_f)) if len(every_f) and every_f.max() > 0 else None
    return ClassCurve(
        tuple(points),
        tuple(zip(THRESHOLDS, (float(f) for f in f_scores), strict=True)),
        None if best is None else float(ranked.confidences[best]),
        0.0 if best is None else float(every_f[best]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Froc:
    """Free-response operating characteristic: what each threshold finds, and how many false calls it costs.

    A true box counts as found at a threshold when a detection from it on overlaps it, whatever its class; a detection
    that overlaps no true box is a false call (Bunch et al., 1978; matching by `matching.touches`).

    Attributes:
        surest: float64 (truths,), confidence of the surest detection over each true box; 0 where there is none.
        truth_in: int64 (truths,), which image each is in.
        false_calls: float64 (m,), confidence of each detection over none.
        false_call_in: int64 (m,), which image each is in.
        parts: how many parts there are.
    """

    surest: NDArray[np.float64]
    truth_in: NDArray[np.int64]
    false_calls: NDArray[np.float64]
    false_call_in: NDArray[np.int64]
    parts: int

    @classmethod
    def of(cls, images: Sequence[JudgedImage], *, parts: int) -> "Froc":
        """Match everything found with the truth."""
        surest, false_calls = [], []
        for image in images:
            is_over = touches(image.boxes_xyxy_px, image.found.boxes_xyxy_px)
            confidences = image.found.confidences.astype(np.float64)
            surest.append(np.where(is_over, confidences[None], 0.0).max(axis=1, initial=0.0))
            false_calls.append(confidences[~is_over.any(axis=0)])
        return cls(
            np.concatenate([np.zeros(0), *surest]),
            np.repeat(np.arange(len(images)), [len(each) for each in surest]),
            np.concatenate([np.zeros(0), *false_calls]),
            np.repeat(np.arange(len(images)), [len(each) for each in false_calls]),
            parts,
        )

    def points(self) -> tuple[tuple[float, float, float], ...]:
        """(false calls a part, sensitivity, threshold) by falling threshold; none without a true box."""
        if not len(self.surest):
            return ()
        levels = np.unique(np.concatenate([self.surest[self.surest > 0], self.false_calls]))[::-1]
        return tuple((*self.at(float(levels[i])), float(levels[i])) for i in _spread(len(levels)))

    def at(self, threshold: float) -> tuple[float, float]:
        """False calls a part and sensitivity at a threshold; a sensitivity of 0 without a true box."""
        calls = int((self.false_calls >= threshold).sum()) / self.parts
        found = float((self.surest >= threshold).mean()) if len(self.surest) else 0.0
        return calls, found

    def sensitivity_at(self, false_calls_a_part: float, weights: NDArray[np.float64] | None = None) -> float:
        """The share of true boxes found where at most so many false calls a part are made.

        Args:
            false_calls_a_part: allowed.
            weights: how often each image counts; once each if None.

        Returns:
            NaN where the weights leave no true box.
        """
        truth_weight = np.ones(len(self.surest)) if weights is None else weights[self.truth_in]
        if not truth_weight.sum():
            return float("nan")
        call_weight = np.ones(len(self.false_calls)) if weights is None else weights[self.false_call_in]
        order = np.argsort(-self.false_calls, kind="stable")
        spent = np.cumsum(call_weight[order]) / self.parts
        first_too_many = int(np.searchsorted(spent, false_calls_a_part, side="right"))
        floor = self.false_calls[order][first_too_many] if first_too_many < len(order) else 0.0
        return float(truth_weight @ (self.surest > floor) / truth_weight.sum())


def _spread(count: int) -> list[int]:
    """At most `MOST_POINTS` indices over 0..count-1, both ends among them."""
    if count <= MOST_POINTS:
        return list(range(count))
    return sorted({round(step * (count - 1) / (MOST_POINTS - 1)) for step in range(MOST_POINTS)})
