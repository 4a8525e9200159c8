"""Every error of the station's own engine, in one tree.

```
LinesideError
└── OwnEngineError
    ├── NoKit (LookupError)          nothing verified lets this station judge by itself now; says why
    └── KitStoreFailed (OSError)     the disk does not take or give a kit
```
"""

from lineside.inspection.errors import LinesideError


class OwnEngineError(LinesideError):
    """Base of the own engine's errors: the station does not judge by itself."""


class NoKit(OwnEngineError, LookupError):
    """Nothing verified lets this station judge by itself now."""


class KitStoreFailed(OwnEngineError, OSError):
    """The disk does not take or give a kit."""
