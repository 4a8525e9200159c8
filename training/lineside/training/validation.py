"""Looking at the validation split with the serving detector, between epochs."""

from collections.abc import Sequence

import cv2
import numpy as np

from lineside.inspection.frames import Image
from lineside.inspection.release import InputKind
from lineside.training.evaluation import JudgedImage, coco_precision
from lineside.training.fitting import ValidationFigures
from lineside.training.frames import TrainingFrame
from lineside.training.plan import Device
from lineside.training.torch_engine import network_detector
from lineside.training.ultralytics_adapter import Network


def validate_network(
    network: Network,
    frames: Sequence[TrainingFrame],
    *,
    kind: InputKind,
    size_wh_px: tuple[int, int],
    device: Device,
) -> ValidationFigures:
    """COCO's figures of a network on whole frames.

    Args:
        network: in evaluation mode.
        frames: the validation split, references laid as in serving.
        kind: what the network's channels are.
        size_wh_px: of the windows that it judges.
        device: that it is on.
    """
    detector = network_detector(network, kind=kind, size_wh_px=size_wh_px, device=device)
    try:
        judged = [
            JudgedImage(frame.boxes_xyxy_px, frame.class_ids, detector.detect(detector_image(frame, kind)))
            for frame in frames
        ]
    finally:
        detector.close()
    precision = coco_precision(judged, detector.release.classes)
    return ValidationFigures(precision.map50, precision.map50_95)


def detector_image(frame: TrainingFrame, kind: InputKind) -> Image:
    """What `Detector.detect` takes: the frame, or the three composed channels."""
    if kind is InputKind.SINGLE or frame.reference is None:
        return frame.image
    difference = cv2.absdiff(frame.image, frame.reference)
    return cv2.merge([frame.image, frame.reference, difference]).astype(np.uint8, copy=False)
