"""The figures of one set of boards, as model cards and manifests state them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineside.datasets.synthetic import DEFECT_CLASSES
from lineside.training.evaluation.boards import JudgedBoard
from lineside.training.evaluation.coco import coco_precision
from lineside.training.evaluation.intervals import Interval, bootstrap_intervals
from lineside.training.evaluation.protocol import protocol_curve


@dataclass(frozen=True, slots=True)
class Scores:
    """How a model does on a set of boards.

    Attributes:
        boards: images judged.
        defects: true boxes in them.
        refused: images whose reference did not fit.
        map50: COCO's mean average precision at IoU 0.5.
        map50_95: the mean over IoU 0.5 to 0.95.
        map50_by_class: at IoU 0.5, in class order; NaN where a class does not occur.
        protocol_map: DeepPCB's.
        protocol_f: DeepPCB's F at `confidence`.
        confidence: where F was taken.
        best_f: the highest F over all confidences of these very boards, so an optimistic one.
    """

    boards: int
    defects: int
    refused: int
    map50: Interval
    map50_95: Interval
    map50_by_class: tuple[float, ...]
    protocol_map: Interval
    protocol_f: Interval
    confidence: float
    best_f: float

    def as_record(self) -> dict[str, Any]:
        """JSON values, figures rounded to four digits."""

        def triple(interval: Interval) -> list[float]:
            return [round(value, 4) for value in (interval.value, interval.low, interval.high)]

        by_class = zip(DEFECT_CLASSES, self.map50_by_class, strict=True)
        return {
            "boards": self.boards,
            "defects": self.defects,
            "refused": self.refused,
            "map50": triple(self.map50),
            "map50_95": triple(self.map50_95),
            "map50_by_class": {str(name): round(value, 4) for name, value in by_class if np.isfinite(value)},
            "deeppcb_map": triple(self.protocol_map),
            "deeppcb_f": triple(self.protocol_f),
            "confidence": round(self.confidence, 4),
            "deeppcb_best_f": round(self.best_f, 4),
        }


def score_boards(boards: Sequence[JudgedBoard], *, confidence: float | None = None, resamples: int = 200) -> Scores:
    """Score boards by both ways of counting.

    Args:
        boards: what was judged.
        confidence: where F is taken; None takes the best one of these boards.
        resamples: bootstrap draws per interval.
    """
    curve = protocol_curve(boards)
    best = curve.best_confidence()
    at = best if confidence is None else confidence

    def figures(some: Sequence[JudgedBoard]) -> tuple[float, float, float, float]:
        precision = coco_precision(some)
        ranked = protocol_curve(some)
        return precision.map50, precision.map50_95, ranked.average_precision, ranked.counts_at(at)[2]

    map50, map50_95, protocol_map, protocol_f = bootstrap_intervals(boards, figures, resamples=resamples)
    return Scores(
        boards=len(boards),
        defects=curve.truths,
        refused=sum(board.is_refused for board in boards),
        map50=map50,
        map50_95=map50_95,
        map50_by_class=coco_precision(boards).by_class_at_50,
        protocol_map=protocol_map,
        protocol_f=protocol_f,
        confidence=at,
        best_f=curve.counts_at(best)[2],
    )
