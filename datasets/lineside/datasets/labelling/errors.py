"""Every error of the labelling adapter, in one tree.

```
DatasetError
└── LabellingError                       Label Studio and this program did not understand each other
    ├── TryStudioLater (RuntimeError)    nothing is wrong with the request: the same call may be made again
    │   ├── StudioUnreachable (ConnectionError)  no connection, or it broke
    │   ├── StudioSlow (TimeoutError)    no answer in time; what was asked may still be done over there
    │   └── StudioFailed                 it answered 5xx, or had no time (429)
    └── StudioNeedsPerson                the same call fails again until a person acts
        ├── NoToken (ValueError)         no token is given, or what is given is none
        ├── TokenRefused (PermissionError)   the token is unknown, expired, or its owner may not do that
        ├── ProjectGone (LookupError)    the project was deleted, or belongs to another organisation
        ├── ProjectAmbiguous (LookupError)   several projects have the title
        ├── ConfigEdited (ValueError)    the labelling configuration was changed by hand so that labels would be lost
        ├── StudioRefused (ValueError)   it refused a request: another version, or settings that forbid it
        ├── AnswerUnreadable (ValueError)    an answer that is none of Label Studio's
        └── LabelTaskRefused (ValueError)    a task that must not be sent: Label Studio itself checks nothing
```

The SDK missing is `lineside.datasets.errors.ExtraMissing`.
"""

from lineside.datasets.errors import DatasetError


class LabellingError(DatasetError):
    """Label Studio and this program did not understand each other."""


class TryStudioLater(LabellingError, RuntimeError):
    """Nothing is wrong with the request: the same call may be made again.

    Attributes:
        retry_after_s: seconds that the server asks to wait, None if it did not say.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StudioUnreachable(TryStudioLater, ConnectionError):
    """No connection to Label Studio, or it broke."""


class StudioSlow(TryStudioLater, TimeoutError):
    """No answer in time; what was asked for may still be done over there."""


class StudioFailed(TryStudioLater):
    """Label Studio failed on the request (5xx), or had no time for it (429)."""


class StudioNeedsPerson(LabellingError):
    """The same call fails again until a person acts."""


class NoToken(StudioNeedsPerson, ValueError):
    """No token is given, or what is given cannot be one."""


class TokenRefused(StudioNeedsPerson, PermissionError):
    """Label Studio does not know the token, it has expired, or its owner may not do that."""


class ProjectGone(StudioNeedsPerson, LookupError):
    """The project was deleted, or belongs to an organisation that the token's owner is not in."""


class ProjectAmbiguous(StudioNeedsPerson, LookupError):
    """Several projects have the title."""


class ConfigEdited(StudioNeedsPerson, ValueError):
    """The project's labelling configuration was changed by hand so that labels would be lost."""


class StudioRefused(StudioNeedsPerson, ValueError):
    """Label Studio refused a request that this program thought right."""


class AnswerUnreadable(StudioNeedsPerson, ValueError):
    """An answer that is none of Label Studio's: another program, or a version that this one does not know."""


class LabelTaskRefused(StudioNeedsPerson, ValueError):
    """A task that must not be sent as it is."""
