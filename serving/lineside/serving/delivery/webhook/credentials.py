"""What a webhook proves itself with, and whom it trusts: read from where its settings point."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from lineside.serving.delivery.errors import SinkMisconfigured
from lineside.serving.delivery.secret_sources import path_from, read_secret
from lineside.serving.delivery.webhook.settings import WebhookSettings
from lineside.serving.delivery.webhook.signing import WebhookSigner


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets and certificates of one receiver.

    Attributes:
        signer: signs each message.
        bearer: token for the Authorization header; None where the receiver wants none.
        trust: which certificates count, and ours if we show one; None for an address without TLS.
    """

    signer: WebhookSigner
    bearer: str | None = field(repr=False)
    trust: ssl.SSLContext | None


def read_credentials(settings: WebhookSettings, folder: Path) -> Credentials:
    """Read everything again: a secret or certificate may have been changed since.

    Args:
        settings: say where they are.
        folder: the delivery file's.

    Raises:
        SinkMisconfigured: one is missing or is no such thing; the message never has a secret.
    """
    secrets = [
        *(read_secret(file=file, env=None, folder=folder, what="a webhook secret") for file in settings.secret_files),
        *(read_secret(file=None, env=env, folder=folder, what="a webhook secret") for env in settings.secret_envs),
    ]
    bearer = None
    if settings.bearer_file is not None or settings.bearer_env is not None:
        bearer = read_secret(file=settings.bearer_file, env=settings.bearer_env, folder=folder, what="the bearer token")
        if not bearer.isascii() or not bearer.isprintable() or " " in bearer:
            raise SinkMisconfigured("the bearer token has characters that no header can carry")
    is_secure = settings.url.lower().startswith("https:")
    return Credentials(WebhookSigner(secrets), bearer, _trust(settings, folder) if is_secure else None)


def _trust(settings: WebhookSettings, folder: Path) -> ssl.SSLContext:
    authorities = None if settings.ca_file is None else path_from(folder, settings.ca_file)
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:  # ssl.SSLError is one
        raise SinkMisconfigured(
            f"ca_file {authorities}: {error.strerror or error}; expected certificates as PEM"
        ) from error
    if settings.client_certificate_file is not None and settings.client_key_file is not None:
        certificate = path_from(folder, settings.client_certificate_file)
        key = path_from(folder, settings.client_key_file)
        try:
            context.load_cert_chain(certificate, key, password="")  # an encrypted key is refused, not asked for
        except (OSError, ValueError) as error:
            raise SinkMisconfigured(
                f"client certificate {certificate} with key {key}: {getattr(error, 'strerror', None) or error}; "
                "expected both as PEM, the key without a passphrase"
            ) from error
    return context
