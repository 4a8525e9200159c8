"""Output decoding of the two YOLO heads, from the network's numbers to detections in input pixels."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.boxes import area_px2, clip, suppress
from lineside.inspection.detections import Detections
from lineside.inspection.errors import EngineError, NonFiniteOutput

NMS_IOU = 0.5
"""Boxes of one class that overlap more than this are one defect (ultralytics' 0.7 keeps near-duplicates,
which would count twice against a limit on the number of defects)."""

MAX_DETECTIONS = 300
"""As many per input as the end-to-end head can give; ultralytics' limit for the raw head too."""

_CONFIDENCE_SLACK = 1e-3  # a sigmoid in bfloat16 or float16 may round to slightly above 1


class Head(StrEnum):
    """What the last layer of the network gives."""

    RAW = "raw"
    """YOLO v8 and 11: (1, 4 + classes, anchors), rows centre x, centre y, width, height, one score a class."""

    END_TO_END = "end_to_end"
    """YOLO v10 and 26: (1, detections, 6), columns left, top, right, bottom, confidence, class."""


def threshold_vector(classes: Sequence[str], thresholds: Mapping[str, float]) -> NDArray[np.float32]:
    """The thresholds in the order of the classes.

    Raises:
        ValueError: a class has no threshold, a name is no class, or a value is outside (0, 1].
    """
    missing = [name for name in classes if name not in thresholds]
    unknown = [name for name in thresholds if name not in classes]
    if missing or unknown:
        raise ValueError(f"thresholds do not fit the classes {list(classes)}: missing {missing}, unknown {unknown}")
    vector = np.array([thresholds[name] for name in classes], np.float32)
    if not ((vector > 0) & (vector <= 1)).all():
        raise ValueError(f"thresholds must lie in (0, 1]; got {dict(thresholds)}")
    return vector


def decode_output(
    output: NDArray[np.float32],
    head: Head,
    *,
    thresholds: NDArray[np.float32],
    size_wh_px: tuple[int, int],
    nms_iou: float = NMS_IOU,
) -> Detections:
    """Turn the output for one input image into detections.

    Args:
        output: float32, with the leading batch axis of 1.
        head: how to read it.
        thresholds: (classes,), the least confidence of each class that counts.
        size_wh_px: the network's input; boxes are clipped to it, and one wholly outside is dropped.
        nms_iou: for the raw head only; the end-to-end head gives each object once.

    Returns:
        At most `MAX_DETECTIONS`, in input pixels, by falling confidence; with the peak score of all candidates, also
        of those below their threshold.

    Raises:
        NonFiniteOutput: the output holds NaN or infinity.
        EngineError: its shape, a confidence or a class is none that this head can give.
    """
    if not np.isfinite(output).all():
        raise NonFiniteOutput(
            "the model's output holds NaN or infinity, which would read as 'no defect'; "
            "do not use this release until its weights and engine have been checked"
        )
    if head is Head.RAW:
        boxes, confidences, class_ids, peak = _raw(output, thresholds)
    else:
        boxes, confidences, class_ids, peak = _end_to_end(output, thresholds)
    if not -_CONFIDENCE_SLACK <= peak <= 1 + _CONFIDENCE_SLACK:
        raise EngineError(
            f"the model's highest confidence is {peak:.3g}, expected 0 to 1: "
            "its scores are no probabilities (exported without its last sigmoid?)"
        )
    confidences = np.minimum(confidences, np.float32(1))
    if head is Head.RAW:
        # Before clipping, as in training: clipped boxes at the border would overlap more than their objects do.
        kept = suppress(boxes, confidences, class_ids, iou_threshold=nms_iou, limit=MAX_DETECTIONS)
    else:
        kept = np.argsort(-confidences, kind="stable")[:MAX_DETECTIONS]
    inside = clip(boxes[kept], (0.0, 0.0, float(size_wh_px[0]), float(size_wh_px[1])))
    found = Detections(inside, confidences[kept], class_ids[kept], min(max(peak, 0.0), 1.0))
    return found.select(area_px2(inside) > 0)


_Parts = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], float]


def _raw(output: NDArray[np.float32], thresholds: NDArray[np.float32]) -> _Parts:
    """The anchors at which a class reaches its threshold, each with the most confident such class; the peak of all."""
    rows = 4 + len(thresholds)
    if output.ndim != 3 or output.shape[:2] != (1, rows):
        raise EngineError(f"raw head: output has shape {output.shape}, expected (1, {rows}, anchors)")
    scores = output[0, 4:]
    passes = scores >= thresholds[:, None]
    anchors = np.flatnonzero(passes.any(axis=0))
    passing_scores = np.where(passes[:, anchors], scores[:, anchors], np.float32(-1))
    class_ids = passing_scores.argmax(axis=0)
    confidences = passing_scores[class_ids, np.arange(len(anchors))]
    centre_xy = output[0, 0:2][:, anchors].T
    half_wh = output[0, 2:4][:, anchors].T / 2
    boxes = np.concatenate([centre_xy - half_wh, centre_xy + half_wh], axis=1)
    return boxes, confidences, class_ids.astype(np.int64), _peak(scores)


def _end_to_end(output: NDArray[np.float32], thresholds: NDArray[np.float32]) -> _Parts:
    """The rows whose confidence reaches the threshold of their class; the peak of all."""
    if output.ndim != 3 or output.shape[0] != 1 or output.shape[2] != 6:
        raise EngineError(f"end-to-end head: output has shape {output.shape}, expected (1, detections, 6)")
    rows = output[0]
    class_ids = np.rint(rows[:, 5]).astype(np.int64)
    if class_ids.size and not (class_ids.min() >= 0 and class_ids.max() < len(thresholds)):
        raise EngineError(
            f"end-to-end head: class ids from {class_ids.min()} to {class_ids.max()}, "
            f"expected 0 to {len(thresholds) - 1}: the model has other classes than its release says"
        )
    passes = rows[:, 4] >= thresholds[class_ids]
    return rows[passes, :4], rows[passes, 4], class_ids[passes], _peak(rows[:, 4])


def _peak(scores: NDArray[np.float32]) -> float:
    """The highest score of all; 0 where the head has no candidate at all."""
    return float(scores.max()) if scores.size else 0.0
