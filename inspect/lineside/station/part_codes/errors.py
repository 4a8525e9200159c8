"""Every error of the part codes, in one tree.

```
LinesideError
└── PartCodeError
    ├── CodeReaderMissing (RuntimeError)  the decoder's library is not installed
    └── CodeUndrawable (ValueError)       a text that no symbol of this kind can carry
```

That a code cannot be read is no error: it is an outcome, see `Identified`.
"""

from lineside.inspection.errors import LinesideError


class PartCodeError(LinesideError):
    """Base of the part codes' errors."""


class CodeReaderMissing(PartCodeError, RuntimeError):
    """The decoder's library is not installed."""


class CodeUndrawable(PartCodeError, ValueError):
    """A text that no symbol of this kind can carry."""
