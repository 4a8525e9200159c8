"""Known defects, judged before a model goes live.

A model whose weights are NaN, empty or of other classes runs without an error and finds nothing, so every part
would pass. It does not find the canaries either.
"""

from typing import Protocol

import numpy as np

from lineside.inspection.boxes import iou_matrix
from lineside.inspection.detections import Detections
from lineside.inspection.errors import CanaryFailed
from lineside.inspection.frames import Image
from lineside.inspection.release.record import Release

CANARY_IOU = 0.5
"""Least overlap with the known defect, the usual bar of a hit (PASCAL VOC)."""


class DetectsDefects(Protocol):
    """What a canary run needs of a detector."""

    def detect(self, image: Image) -> Detections:
        """Find the defects in a frame, at the release's thresholds."""
        ...


def run_canary(detector: DetectsDefects, release: Release) -> None:
    """Check that a loaded model finds every known defect of its release, with the right class.

    Args:
        detector: runs the model of `release`.
        release: gives the canary frames.

    Raises:
        CanaryFailed: a defect was not found, or there is no canary frame to tell by.
        EngineError: the engine failed or its output was not finite.
    """
    if not release.canary:
        raise CanaryFailed(f"release {release.name} {release.version} has no canary frame; a model needs one")
    for frame in release.canary:
        found = detector.detect(frame.image)
        for defect in frame.expected:
            of_class = found.class_ids == release.classes.index(defect.class_name)
            known = np.array([defect.box_xyxy_px], np.float32)
            overlaps = iou_matrix(known, found.boxes_xyxy_px[of_class])
            best = float(overlaps.max()) if overlaps.size else 0.0
            if best < CANARY_IOU:
                raise CanaryFailed(
                    f"release {release.name} {release.version}: {frame.name} has a {defect.class_name!r} at "
                    f"{list(defect.box_xyxy_px)}; the loaded model found {len(found)} defects, the nearest of this "
                    f"class with an overlap (IoU) of {best:.2f}, expected {CANARY_IOU} or more. "
                    "Do not use this release on this host"
                )
