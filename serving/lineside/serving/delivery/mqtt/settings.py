"""What a delivery file says of a broker, and of the plain JSON topics."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from lineside.inspection.file_models import FileModel
from lineside.serving.delivery.errors import SinkMisconfigured
from lineside.serving.delivery.mqtt.addresses import BrokerAddress, TlsFiles
from lineside.serving.delivery.mqtt.topics import DEFAULT_TEMPLATE, TopicTemplate
from lineside.serving.delivery.secret_sources import path_from, read_secret
from lineside.serving.delivery.settings import SinkSettings

PLAIN_PORT = 1883
TLS_PORT = 8883


class TlsSettings(FileModel):
    """TLS with the broker; `tls: {}` believes what the machine believes."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("key_file without certificate_file: a key alone shows nothing")
        return self

    def to_record(self, folder: Path) -> TlsFiles:
        """With paths from the delivery file's folder on."""

        def found(written: str | None) -> Path | None:
            return None if written is None else path_from(folder, written)

        return TlsFiles(found(self.ca_file), found(self.certificate_file), found(self.key_file))


class BrokerSettings(SinkSettings):
    """Where the broker is and how we come in; what both MQTT kinds have in common.

    Attributes:
        host: name or address; with TLS the name in the broker's certificate.
        port: left out, 1883, or 8883 with TLS.
        tls: left out, everything goes in the clear.
        user: left out, the broker asks nobody.
        password_file: holds the user's password.
        password_env: names the variable that holds it, instead of a file.
        client_id: must be this sink's alone at the broker; left out, it is made of plant and sink.
        keepalive_s: silence after which both sides ask whether the other is there.
        timeout_s: how long the broker may take to answer anything.
    """

    host: str = Field(min_length=1, max_length=253)
    port: int | None = Field(default=None, ge=1, le=65_535)
    tls: TlsSettings | None = None
    user: str | None = Field(default=None, min_length=1, max_length=200)
    password_file: str | None = None
    password_env: str | None = None
    client_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,128}$")
    keepalive_s: int = Field(default=15, ge=1, le=3600)
    timeout_s: float = Field(default=10.0, gt=0, le=120)

    @model_validator(mode="after")
    def _password_has_its_user(self) -> Self:
        if self.user is None and (self.password_file is not None or self.password_env is not None):
            raise ValueError("a password without `user`: MQTT 3.1.1 has none")
        return self

    def address(self, folder: Path) -> BrokerAddress:
        """The broker, with its password read.

        Raises:
            SinkMisconfigured: the password is not where the settings say.
        """
        password = None
        if self.password_file is not None or self.password_env is not None:
            password = read_secret(
                file=self.password_file, env=self.password_env, folder=folder, what=f"sink {self.name}: the password"
            )
            if len(password.encode()) > 65_535:
                raise SinkMisconfigured(f"sink {self.name}: the password is longer than MQTT allows (65,535 bytes)")
        return BrokerAddress(
            host=self.host,
            port=self.port or (PLAIN_PORT if self.tls is None else TLS_PORT),
            tls=None if self.tls is None else self.tls.to_record(folder),
            user=self.user,
            password=password,
            keepalive_s=self.keepalive_s,
            timeout_s=self.timeout_s,
        )


class MqttSettings(BrokerSettings):
    """Plain JSON: each event is a message of its own, a CloudEvent in structured mode.

    Attributes:
        topic: with the placeholders {plant}, {line}, {station} and {type}.
        retain: the broker keeps the last message of each topic for those who come later.
    """

    kind: Literal["mqtt"]
    topic: str = DEFAULT_TEMPLATE
    retain: bool = False

    @field_validator("topic")
    @classmethod
    def _is_a_template(cls, topic: str) -> str:
        TopicTemplate(topic)
        return topic
