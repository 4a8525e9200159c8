"""Choosing the known defects that a release carries: frames that tell a good copy of its model from a broken one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, DefectClass, LayoutFamily, Look, Sample
from lineside.inspection.boxes import iou_matrix
from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.training.errors import NoCanary
from lineside.training.evaluation import truth_arrays
from lineside.training.training_data import BOARDS_PER_SEED, network_image

CANARY_SIDE_PX = 320
LEAST_CONFIDENCE = 0.75
"""Well above the thresholds, so that another engine's rounding never makes a good model fail."""

_LEAST_IOU = 0.7  # the canary run asks for 0.5
MOST_FRAMES = 6
_CANDIDATES = 600
_DEFECTS = 3


@dataclass(frozen=True, slots=True)
class CanaryPolicy:
    """What a canary frame must show.

    Attributes:
        least_confidence: of every known defect.
        classes: must all occur in the chosen frames.
    """

    least_confidence: float = LEAST_CONFIDENCE
    classes: tuple[DefectClass, ...] = DEFECT_CLASSES


def choose_canaries(detector: Detector, *, seed: int, policy: CanaryPolicy | None = None) -> list[Sample]:
    """Synthetic frames on which the model finds exactly the defects there are, each class in at least one.

    Args:
        detector: the model.
        seed: of the run; the boards are none that it trained on.
        policy: what to ask; the default one if None.

    Raises:
        NoCanary: too few such frames among the candidates.
    """
    policy = policy or CanaryPolicy()
    chosen: list[Sample] = []
    looks: set[Look] = set()
    missing = set(policy.classes)
    for look, sample in _candidates(seed):
        shown = {defect.defect_class for defect in sample.defects}
        if not (shown & missing or (not missing and look not in looks)):
            continue
        if _is_sure(detector, sample, policy.least_confidence):
            chosen.append(sample)
            looks.add(look)
            missing -= shown
        if not missing and (len(looks) == len(Look) or len(chosen) == MOST_FRAMES):
            return chosen
    if missing:
        raise NoCanary(
            f"no frame of {_CANDIDATES} shows {sorted(missing)} so that the model finds every defect with confidence "
            f"{policy.least_confidence} or more; train it longer"
        )
    return chosen


def _candidates(seed: int) -> Iterable[tuple[Look, Sample]]:
    families = tuple(LayoutFamily)
    for index in range(_CANDIDATES):
        board_seed = seed * BOARDS_PER_SEED + BOARDS_PER_SEED - 1 - index
        look = Look.CAMERA if index % 3 == 2 else Look.BINARISED
        design = BoardDesign(families[index % len(families)], board_seed, (CANARY_SIDE_PX, CANARY_SIDE_PX))
        yield look, Board(design).sample(look=look, defects=_DEFECTS, seed=board_seed)


def _is_sure(detector: Detector, sample: Sample, least_confidence: float) -> bool:
    image = network_image(sample, detector.release.input_kind)
    labels = ((str(defect.defect_class), defect.box_xyxy_px) for defect in sample.defects)
    boxes, class_ids = truth_arrays(labels, detector.release.classes)
    return surety(detector.detect(image), boxes, class_ids, noise=min(0.2, least_confidence)) >= least_confidence


def surety(
    found: Detections, boxes_xyxy_px: NDArray[np.float32], class_ids: NDArray[np.int64], *, noise: float
) -> float:
    """How sure a model is of a frame that it sees exactly as it is labelled.

    Args:
        found: all detections in the frame.
        boxes_xyxy_px: (n, 4), the labelled defects.
        class_ids: (n,), theirs.
        noise: detections below this confidence are passed over.

    Returns:
        The least confidence of a right detection; 0 where a defect is missed or misplaced, or something is found that
        is none, or there is no defect to find.
    """
    found = found.select(found.confidences >= noise)
    if not len(class_ids) or len(found) != len(class_ids):
        return 0.0
    is_same = found.class_ids[None, :] == class_ids[:, None]
    overlaps = np.where(is_same, iou_matrix(boxes_xyxy_px, found.boxes_xyxy_px), 0.0)
    best = overlaps.argmax(axis=1)
    if len(set(best.tolist())) != len(best) or bool((overlaps.max(axis=1) < _LEAST_IOU).any()):
        return 0.0
    return float(found.confidences[best].min())
