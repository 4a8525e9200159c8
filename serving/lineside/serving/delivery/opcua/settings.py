"""What a delivery file says of an OPC UA server."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from lineside.serving.delivery.settings import SinkSettings

DEFAULT_PORT: Final = 4840
_Path = Annotated[str, Field(min_length=1, max_length=4096)]


class OpcUaSettings(SinkSettings):
    """The line as an OPC UA server that clients connect to.

    Attributes:
        endpoint: where it listens; port 0 takes a free one.
        certificate_file: the server's certificate, DER or PEM; `lineside opcua certificate` makes one.
        private_key_file: its key, PEM, readable to the server alone.
        trusted_dir: the clients' certificates that may connect; `lineside opcua trust` adds one.
        users_file: who may log in; `lineside opcua user` adds one.
        may: what clients that log in as operators may have the plant do: start inspection jobs, give orders (and with
            them select recipes), hold stations.
        method_timeout_s: how long a method may take that asks the plant's server.
        most_clients: connections at once.
    """

    kind: Literal["opcua"]
    endpoint: str = f"opc.tcp://127.0.0.1:{DEFAULT_PORT}/lineside"
    certificate_file: _Path
    private_key_file: _Path
    trusted_dir: _Path
    users_file: _Path
    may: list[Literal["jobs", "orders", "holds"]] = ["jobs", "orders", "holds"]  # noqa: RUF012 - pydantic copies it
    method_timeout_s: float = Field(default=5.0, ge=0.1, le=60.0)
    most_clients: int = Field(default=50, ge=1, le=1000)

    @field_validator("endpoint")
    @classmethod
    def _is_an_endpoint(cls, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "opc.tcp" or not parts.hostname or port is None:
            raise ValueError(f"{endpoint!r} is no endpoint; expected opc.tcp://ADDRESS:PORT/PATH")
        return endpoint
