"""The figures of one set of images, as model cards and manifests state them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineside.training.evaluation.coco import coco_precision
from lineside.training.evaluation.intervals import Interval, Resampling, Weights
from lineside.training.evaluation.judged import JudgedImage
from lineside.training.evaluation.protocol import protocol_curve
from lineside.training.evaluation.ranked import RankedClass, mean_average_precisions


@dataclass(frozen=True, slots=True)
class Scores:
    """How a model does on a set of images.

    Attributes:
        images: how many were judged.
        defects: true boxes in them.
        refused: images whose reference did not fit.
        map50: COCO's mean average precision at IoU 0.5.
        map50_95: the mean over IoU 0.5 to 0.95.
        map50_by_class: at IoU 0.5, by class name; only the classes that occur.
        protocol_map: DeepPCB's.
        protocol_f: DeepPCB's F at `confidence`.
        confidence: where F was taken.
        best_f: the highest F over all confidences of these very images, so an optimistic one.
    """

    images: int
    defects: int
    refused: int
    map50: Interval
    map50_95: Interval
    map50_by_class: dict[str, float]
    protocol_map: Interval
    protocol_f: Interval
    confidence: float
    best_f: float

    def as_record(self) -> dict[str, Any]:
        """JSON values, figures rounded to four digits."""

        def triple(interval: Interval) -> list[float]:
            return [round(value, 4) for value in (interval.value, interval.low, interval.high)]

        return {
            "boards": self.images,
            "defects": self.defects,
            "refused": self.refused,
            "map50": triple(self.map50),
            "map50_95": triple(self.map50_95),
            "map50_by_class": {name: round(value, 4) for name, value in self.map50_by_class.items()},
            "deeppcb_map": triple(self.protocol_map),
            "deeppcb_f": triple(self.protocol_f),
            "confidence": round(self.confidence, 4),
            "deeppcb_best_f": round(self.best_f, 4),
        }


def score_images(
    images: Sequence[JudgedImage],
    classes: Sequence[str],
    *,
    confidence: float | None = None,
    resampling: Resampling | None = None,
) -> Scores:
    """Score images by both ways of counting.

    Args:
        images: what was judged.
        classes: names by class id.
        confidence: where F is taken; None takes the best one of these images.
        resampling: what the intervals are drawn from; each image by itself if None.
    """
    curve = protocol_curve(images)
    ranked = [RankedClass.of(images, class_id) for class_id in range(len(classes))]
    best = curve.best_confidence()
    at = best if confidence is None else confidence
    resampling = resampling or Resampling.of(range(len(images)), range(len(images)))

    def figures(weights: Weights) -> tuple[float, float, float, float]:
        return (
            *mean_average_precisions(ranked, weights),
            curve.average_precision(weights),
            curve.counts_at(at, weights)[2],
        )

    coco = coco_precision(images, classes)
    map50, map50_95, protocol_map, protocol_f = resampling.intervals(figures)
    by_class = zip(classes, coco.by_class_at_50, strict=True)
    return Scores(
        images=len(images),
        defects=curve.truths,
        refused=sum(image.is_refused for image in images),
        map50=Interval(coco.map50, map50.low, map50.high),
        map50_95=Interval(coco.map50_95, map50_95.low, map50_95.high),
        map50_by_class={str(name): value for name, value in by_class if np.isfinite(value)},
        protocol_map=protocol_map,
        protocol_f=protocol_f,
        confidence=at,
        best_f=curve.counts_at(best)[2],
    )
