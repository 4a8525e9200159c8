"""What a detector found in one frame, as plain arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes with class and confidence, sorted by falling confidence.

    Attributes:
        boxes_xyxy_px: float32 (n, 4): left, top, right, bottom in frame pixels, half-open, inside the frame.
        confidences: float32 (n,), each in [0, 1].
        class_ids: int64 (n,), index into the release's class names.
        peak_score: the highest confidence that the model gave any candidate of any class, before every threshold;
            None where nobody knows it. It says how sure the model was where it reported nothing.
    """

    boxes_xyxy_px: NDArray[np.float32]
    confidences: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    peak_score: float | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together or are not finite."""
        count = len(self.confidences)
        if self.boxes_xyxy_px.shape != (count, 4) or self.class_ids.shape != (count,):
            raise ValueError(
                f"detections need shapes (n, 4), (n,), (n,); got {self.boxes_xyxy_px.shape}, "
                f"{self.confidences.shape}, {self.class_ids.shape}"
            )
        if not (np.isfinite(self.boxes_xyxy_px).all() and np.isfinite(self.confidences).all()):
            raise ValueError("detections hold NaN or infinity; check the model's output before building them")
        if self.peak_score is not None and not 0.0 <= self.peak_score <= 1.0:
            raise ValueError(f"a peak score is {self.peak_score}; expected a confidence in [0, 1]")

    @classmethod
    def empty(cls) -> "Detections":
        """No detection at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def __len__(self) -> int:
        """Number of detections."""
        return len(self.confidences)

    def select(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> "Detections":
        """The detections that a boolean mask or an index array names, in its order."""
        return Detections(self.boxes_xyxy_px[index], self.confidences[index], self.class_ids[index], self.peak_score)
