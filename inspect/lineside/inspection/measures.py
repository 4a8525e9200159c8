"""What was measured on a frame besides its defects: material to see from that camera, light or model have drifted.

The figures exist anyway while a frame is examined; keeping them costs no look at a pixel.
"""

from dataclasses import dataclass

from lineside.inspection.image_health import HealthReport


@dataclass(frozen=True, slots=True)
class FrameMeasures:
    """The measures of one frame, all finite.

    Attributes:
        mean: mean gray level, 0 to 255.
        std: standard deviation of gray levels.
        black_share: share of pixels from 0 to 2.
        white_share: share of pixels from 253 to 255, the saturated ones.
        sharpness: as `HealthReport.sharpness`; None where the picture has too few edges.
        shift_x_px: how far right of its reference the part lies; None without a reference.
        shift_y_px: how far below it.
        registration_residual: what still differs from the reference once it is laid on the frame, 0 to 1.
        peak_score: `Detections.peak_score`; None where no model looked at the frame.
    """

    mean: float
    std: float
    black_share: float
    white_share: float
    sharpness: float | None = None
    shift_x_px: float | None = None
    shift_y_px: float | None = None
    registration_residual: float | None = None
    peak_score: float | None = None

    @classmethod
    def of_picture(cls, health: HealthReport) -> "FrameMeasures":
        """What the picture's health report measured."""
        return cls(
            mean=health.mean,
            std=health.std,
            black_share=health.black_share,
            white_share=health.white_share,
            sharpness=health.sharpness,
        )
