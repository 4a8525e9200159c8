"""Our server as a project's ML backend and as its webhook: made in Label Studio, or put right where they are there.

Label Studio makes a webhook of its own for each ML backend, which carries no credentials, tells of everything and
outlives the backend; ours goes in its place, with a key, and tells no more than that something happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from lineside.datasets.labelling.connection import Connection
from lineside.datasets.labelling.errors import AnswerUnreadable, StudioRefused, TokenRefused
from lineside.datasets.labelling.tokens import Token

BACKEND_TITLE: Final = "Lineside"

_USER: Final = "lineside"
_ACTIONS: Final = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_DELETED",
)
_BLOCKED: Final = "reserved network address"  # of its answer
_SWITCHES: Final = (
    "where Lineside is on the same machine or in the same plant, Label Studio has to be started with "
    "SSRF_PROTECTION_ENABLED=false and ML_BLOCK_LOCAL_IP=false, as `lineside labels server` does"
)


class _Backend(BaseModel):
    id: int
    url: str
    title: str | None = None
    readable_state: str = ""


class _Webhook(BaseModel):
    id: int
    url: str
    project: int | None = None


_Shape = TypeVar("_Shape")
_BACKEND, _BACKENDS = TypeAdapter(_Backend), TypeAdapter(list[_Backend])
_WEBHOOK, _WEBHOOKS = TypeAdapter(_Webhook), TypeAdapter(list[_Webhook])


@dataclass(frozen=True, slots=True)
class ConnectedBackend:
    """What stands in Label Studio once a project is connected.

    Attributes:
        backend_id: of the ML backend.
        state: in Label Studio's words, "Connected" where all is well.
        webhook_id: of our webhook.
        webhook_url: where it goes.
        removed: how many rows of ours stood there beside these and were deleted.
    """

    backend_id: int
    state: str
    webhook_id: int
    webhook_url: str
    removed: int


def connect_backend(connection: Connection, project_id: int, *, url: str, key: Token) -> ConnectedBackend:
    """Have a project ask our server for suggestions, and tell it when somebody labelled.

    Args:
        connection: open.
        project_id: Label Studio's.
        url: of our server's `/label-studio`, as Label Studio reaches it.
        key: of our server, for Label Studio alone: it is kept there in the clear.

    Raises:
        StudioRefused: Label Studio does not reach our server, or may not, or our server refuses the key.
        LabellingError: Label Studio cannot be asked.
    """
    url = url.rstrip("/")
    connection.change("PATCH", f"api/projects/{project_id}/", {"show_collab_predictions": True})
    backend, extra_backends = _put_backend(connection, project_id, url, key)
    webhook, extra_webhooks = _put_webhook(connection, project_id, url, key)
    for path in (*extra_backends, *extra_webhooks):
        connection.change("DELETE", path)
    return ConnectedBackend(
        backend_id=backend.id,
        state=backend.readable_state,
        webhook_id=webhook.id,
        webhook_url=webhook.url,
        removed=len(extra_backends) + len(extra_webhooks),
    )


def _put_backend(connection: Connection, project_id: int, url: str, key: Token) -> tuple[_Backend, Sequence[str]]:
    wanted = {
        "project": project_id,
        "url": url,
        "title": BACKEND_TITLE,
        "is_interactive": False,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": _USER,
        "basic_auth_pass": key.secret,
    }
    found = _read(_BACKENDS, connection.get("api/ml/", {"project": project_id}))
    ours = [backend for backend in found if backend.title == BACKEND_TITLE or backend.url.rstrip("/") == url]
    # Another backend of the project stays: whoever made it has a reason.
    if ours:
        changed = _refusals_told(lambda: connection.change("PATCH", f"api/ml/{ours[0].id}", wanted), url)
    else:
        changed = _refusals_told(lambda: connection.change_once("POST", "api/ml/", wanted), url)
    made = _read(_BACKEND, changed)
    # The answer to the change is from before Label Studio asked our server; this one asks it.
    return _read(_BACKEND, connection.get(f"api/ml/{made.id}")), [f"api/ml/{each.id}" for each in ours[1:]]


def _put_webhook(connection: Connection, project_id: int, url: str, key: Token) -> tuple[_Webhook, Sequence[str]]:
    address = f"{url}/webhook?project={project_id}"
    wanted = {
        "project": project_id,
        "url": address,
        "headers": {"Authorization": f"Bearer {key.secret}"},
        "send_payload": False,  # it would hold labels and a token of the project; the pull fetches what it needs
        "send_for_all_actions": False,
        "actions": list(_ACTIONS),  # left out of a change, the list would be emptied
        "is_active": True,
    }
    found = _read(_WEBHOOKS, connection.get("api/webhooks/", {"project": project_id}))
    at_ours = [each for each in found if each.project == project_id and each.url.partition("?")[0] == f"{url}/webhook"]
    ours = [each for each in at_ours if each.url == address]
    if ours:
        changed = _refusals_told(lambda: connection.change("PATCH", f"api/webhooks/{ours[0].id}/", wanted), url)
    else:
        changed = _refusals_told(lambda: connection.change_once("POST", "api/webhooks/", wanted), url)
    made = _read(_WEBHOOK, changed)
    return made, [f"api/webhooks/{each.id}/" for each in at_ours if each.id != made.id]


def _refusals_told(send: Callable[[], Any], url: str) -> Any:
    """Send a change; a refusal says what to do about our server's address."""
    try:
        return send()
    except StudioRefused as error:
        raise StudioRefused(
            f"{error}. Label Studio must reach {url} and be let in with the key: is the server running, is that its "
            "address from there, is the key of role label_studio"
        ) from error
    except TokenRefused as error:
        if _BLOCKED not in str(error):
            raise
        raise StudioRefused(f"Label Studio may not send anything to {url} ({_BLOCKED}): {_SWITCHES}") from error


def _read(shape: TypeAdapter[_Shape], answer: object) -> _Shape:
    try:
        return shape.validate_python(answer)
    except ValidationError as error:
        raise AnswerUnreadable(
            f"Label Studio's answer about backends or webhooks is not what version 1.23 gives: {error.error_count()} "
            "faults; is it another version?"
        ) from error
