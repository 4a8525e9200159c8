"""Every error of the cameras, in one tree.

```
LinesideError
└── CameraError
    ├── CameraTimeout (TimeoutError)      no frame in time; the camera may be well
    ├── CameraLost (ConnectionError)      unplugged, switched off, or its transport broke; connecting anew may help
    │   └── CameraEnded                       a replay has shown all it has; connecting anew shows it again
    ├── WrongPixelFormat (ValueError)     pixels of another layout, depth or size than the station is set up for
    ├── FrameBroken (ValueError)          one frame that cannot be read; the next one may be well
    ├── NotSupported (RuntimeError)       this camera cannot do that, e.g. be triggered by software
    ├── CameraMisconfigured (ValueError)  its settings name what is not there; a person must act
    └── CameraExtraMissing (RuntimeError) its library is not installed
```

Whichever of them comes, the part that was to be seen is NOT_INSPECTED.
"""

from lineside.inspection.errors import LinesideError


class CameraError(LinesideError):
    """Base of the cameras' errors."""


class CameraTimeout(CameraError, TimeoutError):
    """No frame came in time."""


class CameraLost(CameraError, ConnectionError):
    """The camera is gone: unplugged, switched off, or its transport broke."""


class CameraEnded(CameraLost):
    """A replay that is not looped has shown its last picture."""


class WrongPixelFormat(CameraError, ValueError):
    """The pixels have another layout, depth or size than the station is set up for."""


class FrameBroken(CameraError, ValueError):
    """One frame cannot be read; the next one may be well."""


class NotSupported(CameraError, RuntimeError):
    """The camera cannot do what was asked."""


class CameraMisconfigured(CameraError, ValueError):
    """Settings that cannot be used, or that name what is not there."""


class CameraExtraMissing(CameraError, RuntimeError):
    """The library of this kind of camera is not installed."""
