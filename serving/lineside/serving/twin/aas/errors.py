"""What can be wrong with a question to the digital twin, or with the plant's own file for it.

```
ServingError
├── NotFound
│   └── UnknownTwinObject    no such shell, submodel, element or file
├── Unacceptable
│   ├── TwinRequestUnfit     an identifier, path, cursor or asset id that cannot be read
│   └── NoSuchSerialization  a form that the twin is not given out in
└── TwinFileInvalid (ValueError)  the plant's file says something that is not known
```
"""

from lineside.serving.errors import NotFound, ServingError, Unacceptable


class UnknownTwinObject(NotFound):
    """No such shell, submodel, element or file."""


class TwinRequestUnfit(Unacceptable):
    """An identifier, path, cursor or asset id of a request cannot be read."""


class NoSuchSerialization(Unacceptable):
    """The twin is not given out in the form that was asked for."""


class TwinFileInvalid(ServingError, ValueError):
    """The plant's file for its twin is not valid."""
