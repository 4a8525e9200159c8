"""COCO's mean average precision, computed by faster-coco-eval."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineside.datasets.synthetic import DEFECT_CLASSES
from lineside.training.evaluation.boards import JudgedBoard


@dataclass(frozen=True, slots=True)
class CocoPrecision:
    """Average precisions; the means leave out classes that do not occur.

    Attributes:
        map50: mean over classes at IoU 0.5.
        map50_95: mean over classes and IoU 0.5, 0.55 .. 0.95.
        by_class_at_50: in class order, NaN where a class does not occur.
    """

    map50: float
    map50_95: float
    by_class_at_50: tuple[float, ...]


def coco_precision(boards: Sequence[JudgedBoard]) -> CocoPrecision:
    """Average precisions of what was found on boards, at most COCO's 100 detections of each."""
    library: Any = importlib.import_module("faster_coco_eval")  # the training extra, untyped: imported when needed
    truth, found = _as_coco(boards)
    if not found:
        none = _nothing_found(boards)
        zero = 0.0 if any(np.isfinite(none)) else float("nan")
        return CocoPrecision(zero, zero, none)
    dataset = library.COCO(truth)
    evaluation = library.COCOeval_faster(dataset, dataset.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    # precision: (IoU thresholds, recall points, classes, areas, detection limits), -1 where a class does not occur.
    precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, -1]
    precision = np.where(precision < 0, np.nan, precision)
    by_class = np.full(len(DEFECT_CLASSES), np.nan)
    occurring = ~np.isnan(precision).all(axis=(0, 1))
    by_class[occurring] = precision[0][:, occurring].mean(axis=0)
    every = precision[:, :, occurring]
    return CocoPrecision(float(every[0].mean()), float(every.mean()), tuple(float(value) for value in by_class))


def _as_coco(boards: Sequence[JudgedBoard]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image_id, board in enumerate(boards, 1):
        for box, class_id in zip(board.boxes_xyxy_px, board.class_ids, strict=True):
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
            board.found.boxes_xyxy_px, board.found.confidences, board.found.class_ids, strict=True
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
        "images": [{"id": image_id} for image_id in range(1, len(boards) + 1)],
        "annotations": annotations,
        "categories": [{"id": index, "name": str(name)} for index, name in enumerate(DEFECT_CLASSES, 1)],
    }
    return truth, found


def _nothing_found(boards: Sequence[JudgedBoard]) -> tuple[float, ...]:
    occurring = {int(class_id) for board in boards for class_id in board.class_ids}
    return tuple(0.0 if index in occurring else float("nan") for index in range(len(DEFECT_CLASSES)))
