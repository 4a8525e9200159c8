"""Errors of the MES receiver, in one tree.

```
LinesideError
└── ReceiverError
    ├── SignatureRefused (ValueError)    who sent it does not know the secret, or sent it at another time
    ├── MessageUnreadable (ValueError)   signed, and no CloudEvent that this receiver understands
    ├── MailboxUnusable (RuntimeError)   the receiver's database cannot be used
    └── LineUnreachable (RuntimeError)   no Lineside server is configured, or it refuses what is asked of it
```
"""

from lineside.inspection.errors import LinesideError


class ReceiverError(LinesideError):
    """Base of the receiver's errors."""


class SignatureRefused(ReceiverError, ValueError):
    """A message's signature, its identifier or its instant do not prove who sent it."""


class MessageUnreadable(ReceiverError, ValueError):
    """A message that is signed as it should be, and no CloudEvent of Lineside."""


class MailboxUnusable(ReceiverError, RuntimeError):
    """The receiver's database cannot be opened or written."""


class LineUnreachable(ReceiverError, RuntimeError):
    """What was asked of the Lineside server could not be done; what it said is in the message.

    Args:
        message: what was found and what to do.
        is_refused: the server said no, rather than nothing.
    """

    def __init__(self, message: str, *, is_refused: bool = False) -> None:
        super().__init__(message)
        self.is_refused = is_refused
