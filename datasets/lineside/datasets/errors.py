"""Every error of the datasets package, in one tree.

```
LinesideError
└── DatasetError                   data that cannot be read or made
    ├── SampleUnreadable (ValueError)  a file of a data set is missing or is not what its layout says
    └── NoRoomForDefect (ValueError)   a synthetic board has no place for the defects asked for
```
"""

from lineside.inspection.errors import LinesideError


class DatasetError(LinesideError):
    """Data that cannot be read or made."""


class SampleUnreadable(DatasetError, ValueError):
    """A file of a data set is missing or is not what its layout says."""


class NoRoomForDefect(DatasetError, ValueError):
    """A synthetic board has no place for the defects asked for."""
