"""Trying cameras before a station runs them: which there are, whether they deliver, and frames on disk."""

from lineside.station.camera_trials.checking import CameraCheck, check_cameras
from lineside.station.camera_trials.recording import Recorded, record_frames
from lineside.station.camera_trials.selection import Selected, camera_of_file, camera_of_words, cameras_of_file
from lineside.station.camera_trials.taking import opened, taken

__all__ = [
    "CameraCheck",
    "Recorded",
    "Selected",
    "camera_of_file",
    "camera_of_words",
    "cameras_of_file",
    "check_cameras",
    "opened",
    "record_frames",
    "taken",
]
