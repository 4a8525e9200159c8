"""A real Label Studio on this machine: installed in an environment of its own, bound to loopback, telemetry off."""

from lineside.workflows.label_server.built_once import built_once
from lineside.workflows.label_server.environment import LABEL_STUDIO_VERSION, label_studio_python
from lineside.workflows.label_server.home import LabelLogin, LabelServerHome
from lineside.workflows.label_server.running import LABEL_SERVER_PORT, RunningLabelServer, label_server
from lineside.workflows.label_server.serving_people import run_label_server

__all__ = [
    "LABEL_SERVER_PORT",
    "LABEL_STUDIO_VERSION",
    "LabelLogin",
    "LabelServerHome",
    "RunningLabelServer",
    "built_once",
    "label_server",
    "label_studio_python",
    "run_label_server",
]
