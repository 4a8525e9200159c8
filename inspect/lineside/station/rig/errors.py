"""Every error of the rigs, in one tree.

```
LinesideError
└── RigError
    ├── RigLost (ConnectionError)      no exchange with the PLC in time; the next `read` tries to connect anew
    │   └── RigUnreadable                  an answer came, but none that can be trusted: torn, or of another layout
    ├── RigMisconfigured (ValueError)  settings that cannot be used, or that name what is not there; a person must act
    └── RigExtraMissing (RuntimeError) the library of this kind of rig is not installed
```

Whichever of them comes, the station gives no permit, and the PLC, which hears no heartbeat, lets no part pass.
"""

from lineside.inspection.errors import LinesideError


class RigError(LinesideError):
    """Base of the rigs' errors."""


class RigLost(RigError, ConnectionError):
    """Nothing was exchanged with the PLC within the bound."""


class RigUnreadable(RigLost):
    """What came from the PLC cannot be trusted."""


class RigMisconfigured(RigError, ValueError):
    """Settings that cannot be used, or that name what is not there."""


class RigExtraMissing(RigError, RuntimeError):
    """The library of this kind of rig is not installed."""
