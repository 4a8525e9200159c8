"""Sources of frames behind one protocol: virtual line, folder, video, GenICam, GigE Vision, RTSP."""

from lineside.station.cameras.configuration import (
    MOST_CAMERAS,
    cameras_json_schema,
    open_camera,
    parse_camera,
    parse_cameras,
)
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
from lineside.station.cameras.reconnecting import ReconnectingCamera
from lineside.station.cameras.records import CameraFrame, CameraHealth, CameraState
from lineside.station.cameras.settings import Bookmark, CameraContext, CameraSettings, ReplaySettings
from lineside.station.cameras.virtual import VirtualSettings
from lineside.station.cameras.virtual_line import LinePlan, PartTruth, VirtualLine

__all__ = [
    "CAMERA_KINDS",
    "MOST_CAMERAS",
    "Bookmark",
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
    "LinePlan",
    "NotSupported",
    "PartTruth",
    "ReconnectingCamera",
    "ReplaySettings",
    "VirtualLine",
    "VirtualSettings",
    "WrongPixelFormat",
    "cameras_json_schema",
    "extra_missing",
    "open_camera",
    "parse_camera",
    "parse_cameras",
]
