"""Every error of the client, in one tree.

```
LinesideError
└── ClientError
    ├── RequestRefused (RuntimeError)     the server answered with a problem; sending it again changes nothing
    │   ├── KeyRefused (PermissionError)      401 or 403: no valid key, or its role may not do that
    │   ├── NothingThere (LookupError)        404: no such station, inspection, recipe ...
    │   └── Contradicted                      409: it contradicts what was received before, or what stands
    ├── TryAgainLater (RuntimeError)      no answer that counts arrived; the same request may be sent again
    │   ├── Shed                              503 until the caller's deadline: the server has no room
    │   ├── ServerFailed                      500, 502 or 504
    │   └── ServerUnreachable (ConnectionError)  no connection, or it broke
    ├── AnswerUnreadable (ValueError)     an answer that is none of ours: another program, or another version
    └── KeyUnusable (ValueError)          what was given as an API key cannot be one; nothing was sent
```

A station treats the part as NOT_INSPECTED whichever of them it gets.
"""

from dataclasses import dataclass

from lineside.inspection.errors import LinesideError


@dataclass(frozen=True, slots=True)
class ProblemDetail:
    """What the server said is wrong (RFC 9457).

    Attributes:
        status: HTTP status.
        type: which kind of problem, e.g. "/problems/unknown-station"; "about:blank" if the server named none.
        title: the kind in words.
        detail: what was found, what was expected, what to do.
        inspection_id: the inspection that stands instead, where the problem is that one does.
    """

    status: int
    type: str
    title: str
    detail: str
    inspection_id: str | None = None

    @property
    def kind(self) -> str:
        """The last part of `type`, e.g. "unknown-station"."""
        return self.type.rsplit("/", 1)[-1]


class ClientError(LinesideError):
    """Base of the client's errors."""


class KeyUnusable(ClientError, ValueError):
    """What was given as an API key cannot be one. Its message never has it: it may be another secret."""


class _Answered(ClientError):
    """An error that carries the server's problem detail.

    Args:
        problem: what the server said.
    """

    def __init__(self, problem: ProblemDetail) -> None:
        super().__init__(f"{problem.title} ({problem.status}): {problem.detail}")
        self.problem = problem


class RequestRefused(_Answered, RuntimeError):
    """The server refused the request; sending it again changes nothing."""


class KeyRefused(RequestRefused, PermissionError):
    """The key is not valid, or its role may not do that."""


class NothingThere(RequestRefused, LookupError):
    """The request names what does not exist."""


class Contradicted(RequestRefused):
    """The request contradicts what was received before, or what stands."""


class TryAgainLater(ClientError, RuntimeError):
    """No answer that counts arrived; the same request may be sent again."""


class Shed(_Answered, TryAgainLater):
    """The server had no room until the caller's deadline.

    Args:
        problem: what the server said.
        retry_after_s: seconds that it asks to wait; 0 if it did not say.
    """

    def __init__(self, problem: ProblemDetail, *, retry_after_s: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


class ServerFailed(_Answered, TryAgainLater):
    """The server failed on the request."""


class ServerUnreachable(TryAgainLater, ConnectionError):
    """The server could not be reached, or the connection broke."""


class AnswerUnreadable(ClientError, ValueError):
    """The answer does not have the shape that this client knows."""
