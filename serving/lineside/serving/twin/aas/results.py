"""Errors as the AAS API gives them: a Result object with messages (IDTA 01002, API part 2, clause "Result")."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

AAS_PREFIX: Final = "/aas"
"""Everything below speaks the AAS API, in its errors too."""

_LONGEST_CODE: Final = 32  # characters of `code` and `correlationId`


def is_aas_path(path: str) -> bool:
    """Whether a request's path belongs to the AAS API."""
    return path == AAS_PREFIX or path.startswith(f"{AAS_PREFIX}/")


def aas_status(status: HTTPStatus) -> HTTPStatus:
    """The status with which the AAS API says the same: a request that cannot be read is a bad request there."""
    return HTTPStatus.BAD_REQUEST if status is HTTPStatus.UNPROCESSABLE_ENTITY else status


def aas_result(status: HTTPStatus, *, slug: str, detail: str, at: datetime | None) -> dict[str, Any]:
    """The body of an error.

    Args:
        status: of the answer.
        slug: names the kind of problem, as in our own problem documents.
        detail: what was found, what was expected, what to do.
        at: when, aware UTC; None before the server has a clock.
    """
    message = {
        "code": str(status.value),
        "correlationId": slug[:_LONGEST_CODE],
        "messageType": "Exception" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Error",
        "text": detail,
    }
    if at is not None:
        message["timestamp"] = at.isoformat()
    return {"messages": [message]}
