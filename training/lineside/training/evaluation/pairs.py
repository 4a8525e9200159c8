"""Judging labelled pictures in memory with the detector that serves: what the starters' figures are made from."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, compose, register
from lineside.inspection.release import InputKind
from lineside.training.evaluation.judged import LOWEST_CONFIDENCE, JudgedImage, truth_arrays

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


class LabelledDefect(Protocol):
    """A defect of a synthetic sample, or of a pair of a real data set."""

    @property
    def defect_class(self) -> str:
        """Its class."""
        ...

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        ...


class LabelledPicture(Protocol):
    """What is judged: a synthetic sample, or a pair of a real data set."""

    @property
    def frame(self) -> Image:
        """uint8 (height, width)."""
        ...

    @property
    def reference(self) -> Image:
        """uint8 (height, width)."""
        ...

    @property
    def defects(self) -> Sequence[LabelledDefect]:
        """The truth."""
        ...


def judge_pairs(detector: Detector, pairs: Iterable[LabelledPicture]) -> list[JudgedImage]:
    """Run the detector on labelled pictures from `LOWEST_CONFIDENCE` on; references are registered as in serving.

    Class ids are those of the detector's release, which has every class that is labelled.
    """
    return [_judge(detector, pair) for pair in pairs]


def _judge(detector: Detector, pair: LabelledPicture) -> JudgedImage:
    classes = detector.release.classes
    boxes, class_ids = truth_arrays(((str(each.defect_class), each.box_xyxy_px) for each in pair.defects), classes)
    image = pair.frame
    if detector.release.input_kind is InputKind.REFERENCE:
        reference = PreparedReference.prepare(Reference("golden", pair.reference, "evaluation", _ALWAYS))
        try:
            laid = register(pair.frame, [reference], limits=RegistrationLimits(), now=_ALWAYS)
        except RegistrationRefused:
            return JudgedImage(boxes, class_ids, Detections.empty(), is_refused=True)
        image = compose(pair.frame, laid)
    found = detector.detect(image, thresholds=dict.fromkeys(classes, LOWEST_CONFIDENCE))
    return JudgedImage(boxes, class_ids, found)
