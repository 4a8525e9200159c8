"""Whether an engine finds what the trained network finds: the figures that decide in which precisions a line may run.

```text
trained network (PyTorch, float32)  ─┐
                                     ├─ the same pixels, the serving detector's decoding ─> boxes, scores, mAP, recall
ONNX Runtime, OpenVINO, each engine ─┘
```
"""

from lineside.training.parity.frames import DEFAULT_SPLITS, calibration_windows, revision_frames
from lineside.training.parity.limits import ParityLimits
from lineside.training.parity.measuring import ModelFiles, ParityFrame, measure_parity, require_unbroken
from lineside.training.parity.report import PARITY_NAME, EngineParity, ParityReport
from lineside.training.parity.subjects import ParitySubject, compare_engines, read_parity_subject, trained_network

__all__ = [
    "DEFAULT_SPLITS",
    "PARITY_NAME",
    "EngineParity",
    "ModelFiles",
    "ParityFrame",
    "ParityLimits",
    "ParityReport",
    "ParitySubject",
    "calibration_windows",
    "compare_engines",
    "measure_parity",
    "read_parity_subject",
    "require_unbroken",
    "revision_frames",
    "trained_network",
]
