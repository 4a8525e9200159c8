"""What can be wrong with Sparkplug messages and with the order of an edge node's life.

```
LinesideError
└── SparkplugError
    ├── PayloadUnreadable (ValueError)   a command from outside is no Sparkplug B payload
    ├── StateUnreadable (ValueError)     a STATE message is not what version 3.0 asks for
    ├── NameRefused (ValueError)         a group or node that no topic can carry
    ├── NotBorn (RuntimeError)           data or a death before the birth, or outside a session
    └── UnknownMetric (LookupError)      data of a device or a metric that the birth did not announce
```
"""

from lineside.inspection.errors import LinesideError


class SparkplugError(LinesideError):
    """Base of this package's errors."""


class PayloadUnreadable(SparkplugError, ValueError):
    """A command from outside is no Sparkplug B payload."""


class StateUnreadable(SparkplugError, ValueError):
    """A STATE message is not what version 3.0 asks for."""


class NameRefused(SparkplugError, ValueError):
    """A group or node name that no topic can carry."""


class NotBorn(SparkplugError, RuntimeError):
    """Data or a death before the birth, or outside a session."""


class UnknownMetric(SparkplugError, LookupError):
    """Data of a device or a metric that the birth did not announce."""
