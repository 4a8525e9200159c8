"""What a delivery file says of a webhook."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.webhook.answers import ConflictMeaning

_Place = Annotated[str, Field(min_length=1, max_length=1000)]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]


class WebhookSettings(SinkSettings):
    """One receiver.

    Attributes:
        url: where to POST; http or https, without a login in it.
        secret_files: files of the secrets that sign, `whsec_` and base64, the newest first. While a receiver changes
            its secret both stand here, and each message carries both signatures.
        secret_envs: variables of such secrets, signed with after those of the files.
        bearer_file: file of a token for the Authorization header, where the receiver wants one besides.
        bearer_env: variable of that token.
        ca_file: PEM of the authority that signed the receiver's certificate, instead of the system's authorities.
        client_certificate_file: PEM of a certificate that we show to the receiver.
        client_key_file: PEM of its key.
        timeout_s: seconds from the first byte sent to the last one of the answer.
        lanes: how many stations' messages may be under way at once; 1 keeps the plant's order.
        conflict: what this receiver means by 409.
    """

    kind: Literal["webhook"]
    url: Annotated[str, Field(max_length=2000)]
    secret_files: list[_Place] = Field(default=[], max_length=4)
    secret_envs: list[_Variable] = Field(default=[], max_length=4)
    bearer_file: _Place | None = None
    bearer_env: _Variable | None = None
    ca_file: _Place | None = None
    client_certificate_file: _Place | None = None
    client_key_file: _Place | None = None
    timeout_s: float = Field(default=10.0, ge=0.1, le=60.0)
    lanes: int = Field(default=4, ge=1, le=32)
    conflict: ConflictMeaning = Field(default=ConflictMeaning.REFUSED, strict=False)

    @model_validator(mode="after")
    def _fits_together(self) -> "WebhookSettings":
        _check_address(
            self.url
        )  # here, for a field's own error repeats the field, which may hold what should not be there
        if not self.secret_files and not self.secret_envs:
            raise ValueError("no secret to sign with: expected secret_files or secret_envs")
        if self.bearer_file is not None and self.bearer_env is not None:
            raise ValueError("bearer_file and bearer_env: expected one of the two")
        if (self.client_certificate_file is None) != (self.client_key_file is None):
            raise ValueError("client_certificate_file and client_key_file: expected both or neither")
        return self


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"url: no address: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or not has_port:
        raise ValueError("url: expected an address like https://mes.example/lineside")
    if not url.isascii() or any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("url: expected ASCII without white space; write other characters percent-encoded")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: a login does not belong into it; put a token into bearer_file or bearer_env")
    if parts.fragment:
        raise ValueError("url: no server ever gets to see a fragment (#...); leave it out")
