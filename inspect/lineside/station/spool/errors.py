"""Every error of the spool, in one tree.

```
LinesideError
└── SpoolError                        what was to be written is not on disk: the part it is about gets no permit
    ├── SpoolFull (RuntimeError)          the room that the station's file gives is used up by what must not be dropped
    ├── DiskFull (OSError)                the disk has no space left
    ├── SpoolBroken (OSError)             the disk or the spool's file fails; a person must act
    ├── SpoolInUse (RuntimeError)         another process writes in that folder
    ├── SpoolMissing (LookupError)        there is no spool in that folder
    └── RecordContradicts (ValueError)    a record that says otherwise than one before, or is of an unknown part
```
"""

from lineside.inspection.errors import LinesideError


class SpoolError(LinesideError):
    """Base of the spool's errors: nothing was written."""


class SpoolFull(SpoolError, RuntimeError):
    """The spool's own room is used up; a part can still be written down as NOT_INSPECTED, without pictures."""


class DiskFull(SpoolError, OSError):
    """The disk has no space left."""


class SpoolBroken(SpoolError, OSError):
    """The disk or the spool's file fails."""


class SpoolInUse(SpoolError, RuntimeError):
    """Another process writes in that folder."""


class SpoolMissing(SpoolError, LookupError):
    """There is no spool in that folder."""


class RecordContradicts(SpoolError, ValueError):
    """A record that says otherwise than one before, or is of a part that has no trigger."""
