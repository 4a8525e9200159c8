"""Every error of delivery, in one tree.

```
LinesideError
└── DeliveryError
    ├── DeliveryFileRefused (ValueError)   the file of the sinks cannot be used; a person must act
    ├── SinkMisconfigured (ValueError)     a sink cannot be built from its settings; a person must act
    ├── ExtraMissing (ImportError)         a kind of sink needs a library that is not installed
    └── Trouble                            a sink says why an event has no proof
        ├── TryAgain                       it may go through later, with nobody's help
        │   └── ConnectionLost             the same, and the sink must be closed and opened first
        ├── PersonNeeded                   nothing goes through before a person acts; tried again slowly
        ├── Poison                         this one event can never be delivered: parked, the cursor moves on
        └── SendAgainFrom                  the sink asks for events that it had before
```
"""

from lineside.inspection.errors import LinesideError


class DeliveryError(LinesideError):
    """Base of what delivery raises."""


class DeliveryFileRefused(DeliveryError, ValueError):
    """The file that names the sinks cannot be used."""


class SinkMisconfigured(DeliveryError, ValueError):
    """A sink cannot be built from its settings; the message never repeats a secret."""


class ExtraMissing(DeliveryError, ImportError):
    """A kind of sink needs a library that is not installed."""


class Trouble(DeliveryError):
    """Why an event has no proof.

    Attributes:
        reason: what was found, for people; never a secret.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TryAgain(Trouble):
    """It may go through later, with nobody's help.

    Args:
        reason: what was found.
        after_s: not before that many seconds, where the receiver said so; None for the runner's own backoff.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class ConnectionLost(TryAgain):
    """It may go through later, once the sink was closed and opened again; after any other trouble it stays open."""


class PersonNeeded(Trouble):
    """Nothing goes through before a person acts: a login, a certificate, an address.

    Args:
        reason: what was found.
        what_to_do: for that person.
    """

    def __init__(self, reason: str, what_to_do: str) -> None:
        super().__init__(reason)
        self.what_to_do = what_to_do


class Poison(Trouble):
    """This one event can never be delivered."""


class SendAgainFrom(Trouble):
    """The sink asks for events that it had before, e.g. to overlap after an outage.

    Args:
        sequence: the first event to send again; a later one than the cursor's next changes nothing.
        reason: why.
    """

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(reason)
        self.sequence = sequence
