"""Sources of frames behind one protocol: virtual line, folder, video, GenICam, GigE Vision, RTSP."""

from lineside.station.cameras.errors import (
    CameraEnded,
    CameraError,
    CameraExtraMissing,
    CameraLost,
    CameraMisconfigured,
    CameraTimeout,
    FrameBroken,
    NotSupported,
    WrongPixelFormat,
)
from lineside.station.cameras.kinds import CAMERA_KINDS, CameraKind, extra_missing
from lineside.station.cameras.protocol import Camera, HasFeatures
from lineside.station.cameras.records import CameraFrame, CameraHealth, CameraState
from lineside.station.cameras.settings import CameraContext, CameraSettings

__all__ = [
    "CAMERA_KINDS",
    "Camera",
    "CameraContext",
    "CameraEnded",
    "CameraError",
    "CameraExtraMissing",
    "CameraFrame",
    "CameraHealth",
    "CameraKind",
    "CameraLost",
    "CameraMisconfigured",
    "CameraSettings",
    "CameraState",
    "CameraTimeout",
    "FrameBroken",
    "HasFeatures",
    "NotSupported",
    "WrongPixelFormat",
    "extra_missing",
]
