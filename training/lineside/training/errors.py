"""Every error of the training package, in one tree.

```
LinesideError
└── TrainingError (RuntimeError)     a run did not give what was asked of it
    ├── ExtraMissing                 the training extra is not installed
    ├── PlanRefused                  no run can be done with these settings
    ├── DeviceMissing                a GPU was asked for and there is none
    ├── TrainingDataRefused          the images cannot be trained on, or must not be
    ├── CheckpointRefused            the weights given are none that can be started from
    ├── RunRefused                   the run folder is taken, or not what is to be resumed
    ├── ExportRefused                the exported graph is not what a release may hold
    ├── ParityRefused (ValueError)   engines cannot be compared on this, or the figures are of another model
    ├── ParityBroken                 an engine in float32 does not compute what was trained
    ├── NoCanary                     the model finds no defect surely enough to stand as its own canary
    ├── NothingToEvaluate (ValueError)  the data asked for cannot judge this release
    ├── NotAnEvaluation (ValueError)    a file that should be an evaluation and is not
    ├── ReleaseNotBuilt (ValueError)  what a release is to be built from is incomplete or does not fit together
    ├── RegistryError (RuntimeError) the registry does not do what was asked
    │   ├── ReleaseTaken             a release of this name and version is there; none is ever changed
    │   ├── ReleaseUnknown           there is no such release
    │   ├── RegistryDamaged          a file of the registry is not what its name says, or not signed as it must be
    │   ├── PromotionRefused         the gate, a retirement or the key stands against it
    │   └── NothingToRollBack        nothing was live before
    └── GateError (ValueError)       the gate cannot answer: this is no "failed"
        ├── GateRefused              what is to be compared does not fit together, or a name or reason is missing
        ├── NotAGatePolicy           a policy file that cannot be used as written
        └── NotAGateReport           a file that should be a gate report and is not
```
"""

from lineside.inspection.errors import LinesideError


class TrainingError(LinesideError, RuntimeError):
    """A training run did not give what was asked of it."""


class ExtraMissing(TrainingError):
    """The packages of the training extra are not installed."""


class PlanRefused(TrainingError, ValueError):
    """No run can be done with these settings."""


class DeviceMissing(TrainingError):
    """A GPU was asked for and there is none."""


class TrainingDataRefused(TrainingError, ValueError):
    """The images cannot be trained on, or must not be."""


class CheckpointRefused(TrainingError, ValueError):
    """The weights given are none that can be started from."""


class RunRefused(TrainingError, ValueError):
    """The run folder is taken already, or is not what is to be resumed."""


class ExportRefused(TrainingError):
    """The exported ONNX graph is not what a release may hold."""


class ParityRefused(TrainingError, ValueError):
    """Engines cannot be compared on what was given, or the figures given are of another model."""


class ParityBroken(TrainingError):
    """An engine in float32 does not compute what was trained: the export is broken."""


class NoCanary(TrainingError):
    """The model finds too few defects surely enough to tell a good copy of it from a broken one."""


class NothingToEvaluate(TrainingError, ValueError):
    """The labelled parts asked for cannot judge this release: there are none, or they do not fit it."""


class NotAnEvaluation(TrainingError, ValueError):
    """A file that should be an evaluation (schema "lineside.evaluation/1") and is not."""


class GateError(TrainingError, ValueError):
    """The gate cannot answer."""


class GateRefused(GateError):
    """What is to be compared does not fit together, or something the gate insists on is missing."""


class NotAGatePolicy(GateError):
    """A policy file that cannot be used as written."""


class NotAGateReport(GateError):
    """A file that should be a gate report (schema "lineside.gate/1") and is not."""


class ReleaseNotBuilt(TrainingError, ValueError):
    """What a release is to be built from is incomplete or does not fit together."""


class RegistryError(TrainingError):
    """The registry does not do what was asked."""


class ReleaseTaken(RegistryError):
    """A release of this name and version is there, and none is ever changed."""


class ReleaseUnknown(RegistryError):
    """The registry has no such release."""


class RegistryDamaged(RegistryError):
    """A file of the registry is not what its name says, or not signed as it must be."""


class PromotionRefused(RegistryError):
    """The gate, a retirement or the key stands against a promotion."""


class NothingToRollBack(RegistryError):
    """Nothing was live before what is live now."""
