"""Judging labelled boards with the detector that serves, so that there is one way of decoding a model's output."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic import DEFECT_CLASSES, Defect
from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.engines import load_engine
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.reference import (
    PreparedReference,
    Reference,
    RegistrationLimits,
    compose,
    register,
)
from lineside.inspection.release import InputKind, Release

LOWEST_CONFIDENCE = 0.01
"""Average precision looks at the whole curve: detections from here on are kept."""

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


class LabelledImages(Protocol):
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
    def defects(self) -> tuple[Defect, ...]:
        """The truth."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class JudgedBoard:
    """Truth and findings of one board image.

    Attributes:
        boxes_xyxy_px: float32 (n, 4), the truth in file order.
        class_ids: int64 (n,).
        found: what the detector reported, by falling confidence.
        is_refused: its reference did not fit, so that nothing was judged; all its defects count as missed.
    """

    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    found: Detections
    is_refused: bool = False


def model_under_test(model: bytes, *, name: str, kind: InputKind, threads: int) -> Detector:
    """The serving detector for a model that is no release yet, on the reference engine.

    Args:
        model: ONNX file.
        name: for messages.
        kind: what the model's channels are.
        threads: cores to use.

    Raises:
        NotADetector: the graph is none that can be served.
        EngineError: the engine cannot load it.
    """
    graph = read_model_graph(model)
    release = Release(
        name=name,
        version="0",
        digest="",
        input_kind=kind,
        input_size_wh_px=graph.input_size_wh_px,
        head=graph.head,
        classes=graph.classes,
        thresholds=dict.fromkeys(graph.classes, LOWEST_CONFIDENCE),
        catalogue_id="pcb",
        catalogue_version=1,
        licence="AGPL-3.0-only",
        canary=(),
        served_model=graph.served_model,
    )
    return Detector(release, load_engine("onnxruntime-fp32", graph.served_model, threads=threads))


def judge_pairs(detector: Detector, pairs: Iterable[LabelledImages]) -> list[JudgedBoard]:
    """Run the detector on labelled images from `LOWEST_CONFIDENCE` on; references are registered as in serving."""
    return [_judge(detector, pair) for pair in pairs]


def truth_arrays(defects: Sequence[Defect]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Boxes float32 (n, 4) and class ids int64 (n,) of a truth."""
    boxes = np.array([defect.box_xyxy_px for defect in defects], np.float32).reshape(-1, 4)
    ids = np.array([DEFECT_CLASSES.index(defect.defect_class) for defect in defects], np.int64)
    return boxes, ids


def _judge(detector: Detector, pair: LabelledImages) -> JudgedBoard:
    boxes, class_ids = truth_arrays(pair.defects)
    image = pair.frame
    if detector.release.input_kind is InputKind.REFERENCE:
        reference = PreparedReference.prepare(Reference("golden", pair.reference, "evaluation", _ALWAYS))
        try:
            laid = register(pair.frame, [reference], limits=RegistrationLimits(), now=_ALWAYS)
        except RegistrationRefused:
            return JudgedBoard(boxes, class_ids, Detections.empty(), is_refused=True)
        image = compose(pair.frame, laid)
    thresholds = dict.fromkeys(detector.release.classes, LOWEST_CONFIDENCE)
    return JudgedBoard(boxes, class_ids, detector.detect(image, thresholds=thresholds))
