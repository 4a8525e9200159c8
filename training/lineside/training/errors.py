"""Every error of the training package, in one tree.

```
LinesideError
└── TrainingError (RuntimeError)     a run did not give what was asked of it
    ├── ExtraMissing                 the training extra is not installed
    ├── ExportRefused                the exported graph is not what a release may hold
    └── NoCanary                     the model finds no defect surely enough to stand as its own canary
```
"""

from lineside.inspection.errors import LinesideError


class TrainingError(LinesideError, RuntimeError):
    """A training run did not give what was asked of it."""


class ExtraMissing(TrainingError):
    """The packages of the training extra are not installed."""


class ExportRefused(TrainingError):
    """The exported ONNX graph is not what a release may hold."""


class NoCanary(TrainingError):
    """The model finds too few defects surely enough to tell a good copy of it from a broken one."""
