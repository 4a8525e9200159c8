"""Which broker, and how it is spoken to."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Whom to believe, and who we are.

    Attributes:
        ca_file: certificates that the broker's must descend from; None takes the machine's own.
        certificate_file: our certificate, where the broker asks for one.
        key_file: its private key.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker and the way in.

    Attributes:
        host: name or address.
        port: 1 to 65535.
        tls: None speaks in the clear.
        user: None for a broker that asks nobody.
        password: of the user; never shown.
        keepalive_s: silence after which both sides ask whether the other is there.
        timeout_s: how long the broker may take to answer anything.
    """

    host: str
    port: int
    tls: TlsFiles | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    keepalive_s: int = 15
    timeout_s: float = 10.0

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"
