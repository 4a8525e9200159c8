"""Signatures after Standard Webhooks 1.0.0: HMAC-SHA256 over identifier, instant and body."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

from lineside.serving.delivery.errors import SinkMisconfigured

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how such secrets begin, no secret
SHORTEST_SECRET_BYTES: Final = 24
LONGEST_SECRET_BYTES: Final = 64
"""Both from the specification, section "Signature scheme": between 24 and 64 bytes."""


class WebhookSigner:
    """Signs messages with every secret that is in use, so that a receiver may change its secret while messages come.

    Args:
        secrets: `whsec_` and base64, as receivers give them out; at least one. The first is the newest.

    Raises:
        SinkMisconfigured: one of them is no such secret.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise SinkMisconfigured("no secret to sign webhooks with: name one with `secret_files` or `secret_envs`")
        self._hooks = tuple(Webhook(secret_bytes(secret)) for secret in secrets)

    def __repr__(self) -> str:
        """Never the secrets."""
        return f"WebhookSigner({len(self._hooks)} secrets)"

    def headers(self, message_id: str, body: bytes, *, at: datetime) -> Mapping[str, str]:
        """The headers that prove a message.

        Args:
            message_id: the same at every attempt: receivers know a message again by it.
            body: UTF-8, exactly the bytes that are sent.
            at: aware instant of this attempt; receivers refuse old ones.
        """
        text = body.decode("utf-8")
        signatures = (hook.sign(message_id, at, text) for hook in self._hooks)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def secret_bytes(secret: str) -> bytes:
    """The key within a secret's text.

    Raises:
        SinkMisconfigured: it is no secret of Standard Webhooks; the message does not repeat it.
    """
    text = secret.strip().removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SinkMisconfigured(
            f"a webhook secret of {len(secret)} characters is no base64; expected {SECRET_PREFIX} and base64, "
            "as the receiver gave it out"
        ) from error
    if not SHORTEST_SECRET_BYTES <= len(key) <= LONGEST_SECRET_BYTES:
        raise SinkMisconfigured(
            f"a webhook secret of {len(key)} bytes; Standard Webhooks expects {SHORTEST_SECRET_BYTES} to "
            f"{LONGEST_SECRET_BYTES}: have the receiver make one"
        )
    return key
