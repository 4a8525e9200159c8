"""What ends a what-if question without an answer, beside what the API refuses.

```
LinesideError
└── ScenarioAborted (RuntimeError)   the process that answered is gone
```
"""

from lineside.inspection.errors import LinesideError


class ScenarioAborted(LinesideError, RuntimeError):
    """The process that answered ended before it did."""
