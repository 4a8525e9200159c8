"""A camera's live picture on a page of this machine."""

from lineside.workflows.camera_view.app import create_camera_view
from lineside.workflows.camera_view.looking import Looking
from lineside.workflows.camera_view.running import run_camera_view

__all__ = ["Looking", "create_camera_view", "run_camera_view"]
