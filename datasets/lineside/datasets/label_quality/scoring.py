"""Scores of labels by the findings of models that were not trained on them, after ObjectLab.

Tkachenko, Thyagarajan and Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection Data"
(2023): a defect is *overlooked* where a sure finding has no label near it, *badly located* where the finding of its
class lies beside it, and *swapped* where a sure finding of another class lies on it. Each box gets a score of each kind
in [0, 1], low where the label is in doubt. The scores are cleanlab's.

Assumed: the findings are from models that did not see the image (`folds`), and are mostly right.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.errors import ExtraMissing
from lineside.datasets.labelled import LabelledImage
from lineside.inspection.detections import Detections

LEAST_CONFIDENCE = 0.1
"""Findings below are left out: they contradict nobody, and the comparison takes each finding against each label."""
SURE_CONFIDENCE = 0.5
"""A finding from here on can show that a label is missing, misplaced or of the wrong class. cleanlab's own value for
the first and the last is 0.95, which detectors that were trained on a few hundred parts seldom reach."""
IN_DOUBT = 0.5
"""A box whose score is below is in doubt; those above are not named, however few images are in doubt."""

_ALPHA = 0.9  # of the overlap in the similarity of two boxes, the rest for the distance of their centres: as cleanlab


class SuspectKind(StrEnum):
    """What is probably wrong."""

    OVERLOOKED = "overlooked"
    """A defect without a label."""
    BADLY_LOCATED = "badly_located"
    """A label beside its defect, or much larger or smaller."""
    SWAPPED = "swapped"
    """A label with the name of another class."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckedImage:
    """A labelled image and what a model found that was not trained on it.

    Attributes:
        labelled: the image.
        found: class ids index into the classes that the check is made with.
    """

    labelled: LabelledImage
    found: Detections


@dataclass(frozen=True, slots=True)
class SuspectLabel:
    """A box that is probably wrong, or missing.

    Attributes:
        image: name of the image.
        kind: what is probably wrong.
        class_name: of the label; of the finding where the label is missing.
        box_xyxy_px: of the label; of the finding where the label is missing.
        found_class: the class that the model gives it.
        found_box_xyxy_px: where the model sees it.
        confidence: of that finding.
        score: of the box, in [0, 1]; low is doubtful.
    """

    image: str
    kind: SuspectKind
    class_name: str
    box_xyxy_px: tuple[float, float, float, float]
    found_class: str
    found_box_xyxy_px: tuple[float, float, float, float]
    confidence: float
    score: float


def suspect_labels(
    images: Sequence[CheckedImage], classes: Sequence[str], *, share: float
) -> tuple[tuple[SuspectLabel, ...], ...]:
    """The labels in doubt, of the images most in doubt, the most doubtful first.

    Args:
        images: with what was found of them.
        classes: names by class id.
        share: of the images that are named at most, in (0, 1]; at least one image.

    Returns:
        For each image named, its doubtful boxes by rising score. Fewer images than `share` where fewer are in doubt.

    Raises:
        ValueError: a share that is none.
        ExtraMissing: cleanlab is not installed.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share}: expected more than 0 and at most 1")
    if not images:
        return ()
    kept = [_kept(each.found) for each in images]
    scores = _box_scores(images, kept, classes)
    doubtful = [
        _of_image(image, found, of_image, classes)
        for image, found, of_image in zip(images, kept, zip(*scores, strict=True), strict=True)
    ]
    named = sorted(filter(None, doubtful), key=lambda suspects: (suspects[0].score, suspects[0].image))
    return tuple(named[: max(1, round(share * len(images)))])


def _kept(found: Detections) -> Detections:
    sure = found.confidences >= LEAST_CONFIDENCE
    return Detections(found.boxes_xyxy_px[sure], found.confidences[sure], found.class_ids[sure])


def _box_scores(
    images: Sequence[CheckedImage], found: Sequence[Detections], classes: Sequence[str]
) -> tuple[list[NDArray[np.float64]], ...]:
    """Scores of the findings as overlooked, and of the labels as badly located and as swapped; NaN: not in question."""
    ids = {name: index for index, name in enumerate(classes)}
    labels = [
        {
            "bboxes": np.array([box.box_xyxy_px for box in each.labelled.boxes], float).reshape(-1, 4),
            "labels": np.array([ids[box.class_name] for box in each.labelled.boxes], int),
        }
        for each in images
    ]
    predictions = [_by_class(each, len(classes)) for each in found]
    rank = _cleanlab_rank()
    given = {"labels": labels, "predictions": predictions, "alpha": _ALPHA}
    return (
        rank.compute_overlooked_box_scores(**given, high_probability_threshold=SURE_CONFIDENCE),
        rank.compute_badloc_box_scores(**given, low_probability_threshold=SURE_CONFIDENCE),
        rank.compute_swap_box_scores(**given, high_probability_threshold=SURE_CONFIDENCE),
    )


def _by_class(found: Detections, classes: int) -> NDArray[np.object_]:
    """As cleanlab takes it: for each class an array (n, 5) of left, top, right, bottom, confidence."""
    rows = np.column_stack([found.boxes_xyxy_px, found.confidences]).astype(float)
    by_class = np.empty(classes, object)
    for class_id in range(classes):
        by_class[class_id] = rows[found.class_ids == class_id]
    return by_class


def _of_image(
    image: CheckedImage,
    found: Detections,
    scores: tuple[NDArray[np.float64], ...],
    classes: Sequence[str],
) -> tuple[SuspectLabel, ...]:
    overlooked, badly_located, swapped = scores
    # cleanlab takes the findings class by class.
    in_its_order = np.argsort(found.class_ids, kind="stable")
    suspects = [
        _missing(image, found, int(in_its_order[at]), float(score), classes)
        for at, score in enumerate(overlooked)
        if score < IN_DOUBT
    ]
    for at, (beside, other) in enumerate(zip(badly_located, swapped, strict=True)):
        kind, score = min(
            ((SuspectKind.BADLY_LOCATED, _known(beside)), (SuspectKind.SWAPPED, _known(other))),
            key=lambda each: each[1],
        )
        if score < IN_DOUBT:
            suspects.append(_contradicted(image, found, at, kind, score, classes))
    return tuple(sorted(suspects, key=lambda suspect: (suspect.score, suspect.box_xyxy_px)))


def _missing(image: CheckedImage, found: Detections, at: int, score: float, classes: Sequence[str]) -> SuspectLabel:
    box, name = _box(found.boxes_xyxy_px[at]), classes[int(found.class_ids[at])]
    return SuspectLabel(
        image.labelled.name, SuspectKind.OVERLOOKED, name, box, name, box, float(found.confidences[at]), score
    )


def _contradicted(
    image: CheckedImage, found: Detections, at: int, kind: SuspectKind, score: float, classes: Sequence[str]
) -> SuspectLabel:
    """The label, and the sure finding nearest to it that contradicts it."""
    label = image.labelled.boxes[at]
    is_of_it = found.class_ids == classes.index(label.class_name)
    sure = found.confidences >= SURE_CONFIDENCE
    contradicts = sure & (is_of_it if kind is SuspectKind.BADLY_LOCATED else ~is_of_it)
    candidates = np.flatnonzero(contradicts)
    centres = (found.boxes_xyxy_px[candidates, :2] + found.boxes_xyxy_px[candidates, 2:]) / 2
    left, top, right, bottom = label.box_xyxy_px
    distances = np.linalg.norm(centres - np.array([(left + right) / 2, (top + bottom) / 2]), axis=1)
    nearest = int(candidates[int(distances.argmin())])
    return SuspectLabel(
        image.labelled.name,
        kind,
        label.class_name,
        label.box_xyxy_px,
        classes[int(found.class_ids[nearest])],
        _box(found.boxes_xyxy_px[nearest]),
        float(found.confidences[nearest]),
        score,
    )


def _box(box_xyxy_px: NDArray[np.float32]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(edge) for edge in box_xyxy_px)
    return left, top, right, bottom


def _known(score: float) -> float:
    return 1.0 if np.isnan(score) else float(score)


def _cleanlab_rank() -> Any:
    try:
        return importlib.import_module("cleanlab.object_detection.rank")
    except ImportError as error:
        raise ExtraMissing(f"{error}; install the labelling extra: pip install 'lineside[labelling]'") from error
