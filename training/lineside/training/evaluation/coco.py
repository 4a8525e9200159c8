"""COCO's mean average precision, computed by faster-coco-eval."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineside.training.errors import ExtraMissing
from lineside.training.evaluation.judged import JudgedImage


@dataclass(frozen=True, slots=True)
class CocoPrecision:
    """Average precisions; the means leave out classes that do not occur.

    Attributes:
        map50: mean over classes at IoU 0.5.
        map50_95: mean over classes and IoU 0.5, 0.55 .. 0.95.
        by_class_at_50: in class order, NaN where a class does not occur.
        by_class_50_95: the mean over IoU 0.5, 0.55 .. 0.95, in class order.
    """

    map50: float
    map50_95: float
    by_class_at_50: tuple[float, ...]
    by_class_50_95: tuple[float, ...]


def coco_precision(images: Sequence[JudgedImage], classes: Sequence[str]) -> CocoPrecision:
    """Average precisions of what was found, at most COCO's 100 detections of a class in an image.

    Args:
        images: truth and findings.
        classes: names by class id.

    Raises:
        ExtraMissing: faster-coco-eval is not installed.
    """
    library = require_library()
    truth, found = _as_coco(images, classes)
    if not found or not truth["annotations"]:
        none = _nothing_found(images, classes)
        zero = 0.0 if any(np.isfinite(none)) else float("nan")
        return CocoPrecision(zero, zero, none, none)
    dataset = library.COCO(truth)
    evaluation = library.COCOeval_faster(dataset, dataset.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    # precision: (IoU thresholds, recall points, classes, areas, detection limits), -1 where a class does not occur.
    precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, -1]
    precision = np.where(precision < 0, np.nan, precision)
    by_class = np.full((2, len(classes)), np.nan)
    occurring = ~np.isnan(precision).all(axis=(0, 1))
    every = precision[:, :, occurring]
    by_class[0, occurring] = every[0].mean(axis=0)
    by_class[1, occurring] = every.mean(axis=(0, 1))
    at_50, all_ious = (tuple(float(value) for value in row) for row in by_class)
    return CocoPrecision(float(every[0].mean()), float(every.mean()), at_50, all_ious)


def require_library() -> Any:
    """The library, or the error that says how to get it: better before an hour of judging than after it.

    Raises:
        ExtraMissing: it is not installed.
    """
    try:
        return importlib.import_module("faster_coco_eval")  # untyped, and only needed here
    except ImportError as error:
        raise ExtraMissing("COCO's figures need faster-coco-eval: pip install 'lineside[training]'") from error


def _as_coco(images: Sequence[JudgedImage], classes: Sequence[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image_id, image in enumerate(images, 1):
        for box, class_id in zip(image.boxes_xyxy_px, image.class_ids, strict=True):
            left, top, right, bottom = (float(value) for value in box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": int(class_id) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": 0,
                }
            )
        for box, score, class_id in zip(
            image.found.boxes_xyxy_px, image.found.confidences, image.found.class_ids, strict=True
        ):
            left, top, right, bottom = (float(value) for value in box)
            found.append(
                {
                    "image_id": image_id,
                    "category_id": int(class_id) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "score": float(score),
                }
            )
    truth = {
        "info": {},
        "images": [{"id": image_id} for image_id in range(1, len(images) + 1)],
        "annotations": annotations,
        "categories": [{"id": index, "name": name} for index, name in enumerate(classes, 1)],
    }
    return truth, found


def _nothing_found(images: Sequence[JudgedImage], classes: Sequence[str]) -> tuple[float, ...]:
    occurring = {int(class_id) for image in images for class_id in image.class_ids}
    return tuple(0.0 if index in occurring else float("nan") for index in range(len(classes)))
