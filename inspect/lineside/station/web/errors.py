"""Every error of the web station, in one tree.

```
LinesideError
└── WebError
    ├── WebFileRefused (ValueError)      web.yaml says what cannot be, or contradicts itself; a person must act
    ├── LinesRefused (ValueError)        lines of another width or layout than the station is set up for
    └── MarkerFailed (ConnectionError)   the marker took no pulse: the stretch may pass unmarked, so the web must stop
```
"""

from lineside.inspection.errors import LinesideError


class WebError(LinesideError):
    """Base of the web station's errors."""


class WebFileRefused(WebError, ValueError):
    """The file cannot be used as written."""


class LinesRefused(WebError, ValueError):
    """The lines have another width or layout than the station is set up for."""


class MarkerFailed(WebError, ConnectionError):
    """The marker could not be told of a stretch that needs a mark."""
