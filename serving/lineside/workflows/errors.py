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
    ├── ServerFailed (RuntimeError)     a server could not start
    └── LineFailed (RuntimeError)       the demonstration line cannot go on
```
"""

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


class LineFailed(WorkflowError, RuntimeError):
    """The demonstration line cannot go on."""


class ServerFailed(WorkflowError, RuntimeError):
    """A server could not start."""
