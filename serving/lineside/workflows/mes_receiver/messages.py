"""A webhook as it comes in: its signature proven, its CloudEvent read, both with the libraries that MES makers use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

from lineside.serving.delivery.webhook.signing import secret_bytes
from lineside.workflows.mes_receiver.errors import MessageUnreadable, SignatureRefused

MEDIA_TYPE: Final = "application/cloudevents+json"
_TYPE_PREFIX: Final = "org.lineside."


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a plant, as its message told it.

    Attributes:
        id: the same each time the message comes.
        type: "inspection.v1" and so on.
        source: `/plant/line/station`.
        subject: the part, order or lot; None where the message names none.
        sequence: place in the plant's log; of two messages about one thing the higher one is the newer.
        at: when it happened, UTC.
        data: what happened.
    """

    id: str
    type: str
    source: str
    subject: str | None
    sequence: int
    at: datetime
    data: Mapping[str, Any]


class MessageReader:
    """Proves and reads messages.

    Args:
        secrets: those that senders may sign with, as `whsec_` and base64; at least one.

    Raises:
        ValueError: one of them is no secret, or there is none.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("no secret: without one anybody could tell this receiver anything")
        self._hooks = tuple(Webhook(secret_bytes(secret)) for secret in secrets)

    def read(self, headers: Mapping[str, str], body: bytes) -> Message:
        """The message of a request.

        Args:
            headers: of the request, with names in any case.
            body: its exact bytes.

        Raises:
            SignatureRefused: no secret of ours signed it, or its instant is more than five minutes from now.
            MessageUnreadable: it is no CloudEvent of Lineside.
        """
        named = {name.lower(): value for name, value in headers.items()}
        self._prove(named, body)
        try:
            event = from_structured(HTTPMessage(headers=dict(named), body=body), JSONFormat())
            message = _message(event)
        except (BaseCloudEventException, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise MessageUnreadable(f"no CloudEvent of Lineside: {error or type(error).__name__}") from error
        if message.id != named["webhook-id"]:
            raise MessageUnreadable(f"the webhook {named['webhook-id']!r} holds another event, {message.id!r}")
        return message

    def _prove(self, headers: Mapping[str, str], body: bytes) -> None:
        said: Exception | None = None
        for hook in self._hooks:
            try:
                hook.verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError) as error:  # ValueError: signatures or a body that are no text
                said = error
            else:
                return
        raise SignatureRefused(f"not signed as expected: {said}; compare the secret and both clocks") from said


def _message(event: BaseCloudEvent) -> Message:
    kind = event.get_type()
    data = event.get_data()
    at = event.get_time()
    if not kind.startswith(_TYPE_PREFIX):
        raise ValueError(f"type {kind!r}; expected one that begins with {_TYPE_PREFIX!r}")
    if not isinstance(data, Mapping) or at is None:
        raise ValueError("it has no time, or its data is no JSON object")
    return Message(
        id=event.get_id(),
        type=kind.removeprefix(_TYPE_PREFIX),
        source=event.get_source(),
        subject=event.get_subject(),
        sequence=int(event.get_extension("sequence")),
        at=at.astimezone(UTC),
        data=data,
    )
