"""Every error of the station's agent, in one tree.

```
LinesideError
└── StationError
    ├── StationFileRefused (ValueError)   station.yaml, or a file or variable that it names, cannot be used
    ├── NotJudged (RuntimeError)          a part got no verdict; carries the reason code that its record gets
    │   ├── ServerAway                        no answer of the server that counts: another judge may try
    │   ├── WrongAnswer                       an answer, but not for this part: never anything but NOT_INSPECTED
    │   └── OtherRecipe                       by another recipe than the part's: what is made has changed meanwhile
    ├── MasterRefused (ValueError)        a master sample that cannot be announced
    └── StationFailed (RuntimeError)      a task of the station died: the station stands in Error and ends
```
"""

from lineside.inspection.errors import LinesideError
from lineside.inspection.verdict import ReasonCode


class StationError(LinesideError):
    """Base of the agent's errors."""


class StationFileRefused(StationError, ValueError):
    """The station's file, or something that it names, cannot be used; a person must act."""


class NotJudged(StationError, RuntimeError):
    """A part got no verdict and becomes NOT_INSPECTED.

    Attributes:
        code: the reason that its record carries; never one that makes a part NG.
    """

    def __init__(self, message: str, *, code: ReasonCode) -> None:
        super().__init__(message)
        if code.makes_ng:
            raise ValueError(f"{code} is a finding, not a reason for having none")
        self.code = code


class ServerAway(NotJudged):
    """The server gave no answer that counts in time.

    Attributes:
        may_have_judged: whether a frame reached it, so that it may hold a verdict that we did not hear.
    """

    def __init__(self, message: str, *, code: ReasonCode, may_have_judged: bool) -> None:
        super().__init__(message, code=code)
        self.may_have_judged = may_have_judged


class WrongAnswer(NotJudged):
    """The server answered for another part, station or picture."""


class OtherRecipe(NotJudged):
    """The server judged by another recipe, or for another product, than the station bound to the part."""


class MasterRefused(StationError, ValueError):
    """A master sample cannot be announced: no station runs there, or it has none of that name."""


class StationFailed(StationError, RuntimeError):
    """A task of the station died."""
