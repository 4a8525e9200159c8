"""Every error of the workflows, in one tree.

```
LinesideError
└── WorkflowError
    ├── NothingToInspect (ValueError)   no picture where the caller pointed
    ├── Unpaired (ValueError)           a picture without the reference that the release needs
    ├── NameTaken (ValueError)          two pictures would write the same file
    ├── FigureFormatUnknown (ValueError)  a figure's file is neither SVG nor PNG
    ├── NotText (ValueError)            a file that should be text and is not
    ├── RecipeUnusable (ValueError)     a recipe that cannot be used without a server
    ├── ReportUnsigned (ValueError)     a gate's report without its signature
    ├── SampleUnfit (ValueError)        parts that certify no threshold
    ├── GuaranteeRefused (ValueError)   a guarantee that the sample cannot carry; carries the parts missing
    ├── ReplayRefused (ValueError)      a lot cannot be judged again with that release
    ├── RetrainingRefused (ValueError)  what is asked of a retraining cannot be done
    ├── RetrainingChanged (ValueError)  a retraining cannot go on: what it was given, or made, is no longer the same
    ├── RetrainingBusy (RuntimeError)   another process works on the same retraining
    ├── LabelProjectUnfit (ValueError)  a labelling project lacks what a step needs, or does not fit it
    ├── LabelsBusy (RuntimeError)       somebody else works on the labelling project, or took it over
    ├── PictureGone (LookupError)       the picture of an inspection is not kept any more
    ├── PictureUnusable (ValueError)    the picture of an inspection cannot be shown or learnt from
    ├── LabelCheckRefused (ValueError)  a folder holds another check of labels
    ├── ServerFailed (RuntimeError)     a server could not start
    ├── LabelServerNotInstalled (RuntimeError)  Label Studio could not be installed
    ├── LabelServerFailed (RuntimeError)  a local Label Studio could not start, or ended by itself
    ├── DemoLacksExtras (RuntimeError)  the demonstration of the labelling loop lacks an extra
    └── LineFailed (RuntimeError)       the demonstration line cannot go on
```
"""

from collections.abc import Mapping

from lineside.inspection.errors import LinesideError


class WorkflowError(LinesideError):
    """Base of the workflows' errors."""


class NothingToInspect(WorkflowError, ValueError):
    """There is no picture where the caller pointed."""


class Unpaired(WorkflowError, ValueError):
    """A picture has no reference, and the release compares with one."""


class NameTaken(WorkflowError, ValueError):
    """Two pictures would write the same file."""


class FigureFormatUnknown(WorkflowError, ValueError):
    """A figure's file is neither SVG nor PNG."""


class NotText(WorkflowError, ValueError):
    """A file that a person should have written is no text."""


class RecipeUnusable(WorkflowError, ValueError):
    """The recipe asks for what only a server can give."""


class ReportUnsigned(WorkflowError, ValueError):
    """A gate's report has no signature beside it, so that no server takes it."""


class SampleUnfit(WorkflowError, ValueError):
    """The parts are no sample that could certify a threshold."""


class GuaranteeRefused(WorkflowError, ValueError):
    """A guarantee was asked for that the sample cannot carry.

    Attributes:
        missing: parts that are missing, by class, "part" for parts with any defect; a class that no number of parts
            would help is not in it.
    """

    def __init__(self, message: str, *, missing: Mapping[str, int]) -> None:
        super().__init__(message)
        self.missing = missing


class LabelCheckRefused(WorkflowError, ValueError):
    """A folder holds something else than the check of labels that is asked for."""


class ReplayRefused(WorkflowError, ValueError):
    """A lot cannot be judged again with the release of that deployment."""


class RetrainingRefused(WorkflowError, ValueError):
    """What is asked of a retraining cannot be done."""


class RetrainingChanged(WorkflowError, ValueError):
    """A retraining cannot go on where it stopped: what it was given, or what it made, is no longer the same."""


class RetrainingBusy(WorkflowError, RuntimeError):
    """Another process works on the same retraining."""


class LineFailed(WorkflowError, RuntimeError):
    """The demonstration line cannot go on."""


class ServerFailed(WorkflowError, RuntimeError):
    """A server could not start."""


class LabelServerNotInstalled(WorkflowError, RuntimeError):
    """Label Studio could not be installed in an environment of its own."""


class LabelServerFailed(WorkflowError, RuntimeError):
    """A local Label Studio could not start, or ended by itself."""


class LabelProjectUnfit(WorkflowError, ValueError):
    """A labelling project lacks what a step needs, or does not fit it; a person must act."""


class LabelsBusy(WorkflowError, RuntimeError):
    """Somebody else works on the labelling project, or took it over meanwhile."""


class PictureGone(WorkflowError, LookupError):
    """The picture of an inspection is not kept any more."""


class PictureUnusable(WorkflowError, ValueError):
    """The picture of an inspection cannot be shown or learnt from."""


class DemoLacksExtras(WorkflowError, RuntimeError):
    """The demonstration of the labelling loop trains and labels, and an extra for it is not installed."""
