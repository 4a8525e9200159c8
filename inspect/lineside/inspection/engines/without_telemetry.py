"""Importing the inference libraries so that they tell nobody.

Both report on their use by default, and both start with their import, so the switch must be set before it. Import them
through here only. A plant's data stays in the plant.
"""

import importlib
import os
import sys
from typing import Any


def import_onnxruntime() -> Any:
    """Import ONNX Runtime with its telemetry switched off.

    The official wheels from 1.29 on (microsoft/onnxruntime#27379) write a device id into the home folder and upload
    events to Microsoft, on Linux too. The variable is read once, when the native library starts; set by then, no
    identifier is made and no uploader started. The call afterwards is for Windows, and for a library that somebody
    had imported before.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def import_openvino() -> Any:
    """Import OpenVINO without the part that phones home.

    `import openvino` loads `openvino.tools.ovc` (a converter we do not need), which on import reports to Google
    Analytics through the package `openvino_telemetry` unless an opt-out file lies in the home folder. A None in
    `sys.modules` makes Python answer those imports with ImportError, which OpenVINO handles: it goes on without.
    """
    if "openvino" not in sys.modules:
        for name in ("openvino_telemetry", "openvino.tools.ovc"):
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None is the documented way to block
    return importlib.import_module("openvino")
