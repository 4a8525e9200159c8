"""What a station's file says of its rig; each kind's model takes its own keys and needs no extra to be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from lineside.client.backoff import Backoff
from lineside.client.clock import Clock
from lineside.inspection.file_models import FileModel

MODBUS_PORT: Final = 502
"""Assigned to mbap by IANA."""
ISO_ON_TCP_PORT: Final = 102
"""Assigned to iso-tsap by IANA (RFC 1006)."""
_Path = Annotated[str, Field(min_length=1, max_length=4096)]
_Host = Annotated[str, Field(pattern=r"^([A-Za-z0-9_.\-]{1,253}|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]{0,40})$")]
"""A name, an IPv4 or an IPv6 address; a port is a setting of its own."""


@dataclass(frozen=True, slots=True)
class RigContext:
    """What a rig is built with besides its settings.

    Attributes:
        clock: the station's.
        folder: of the settings' file; relative paths begin there.
    """

    clock: Clock
    folder: Path


class RigSettings(FileModel):
    """What all kinds share.

    Attributes:
        kind: what the PLC speaks.
    """

    kind: str


class LinkSettings(RigSettings):
    """What all rigs share that reach their PLC over a network.

    Attributes:
        timeout_ms: bound of one read or write. Past it the connection counts as lost.
        connect_timeout_ms: bound of connecting, which goes on beside the scans where it takes longer than they may.
        reconnect_first_ms: ceiling of the wait before the first try to connect anew.
        reconnect_longest_ms: ceiling of every later one.
    """

    timeout_ms: float = Field(default=250.0, ge=5, le=10_000)
    connect_timeout_ms: float = Field(default=3000.0, ge=5, le=60_000)
    reconnect_first_ms: float = Field(default=50.0, gt=0, le=60_000)
    reconnect_longest_ms: float = Field(default=2000.0, gt=0, le=60_000)

    @model_validator(mode="after")
    def _waits_grow(self) -> Self:
        if self.reconnect_first_ms > self.reconnect_longest_ms:
            raise ValueError("reconnect_first_ms is longer than reconnect_longest_ms")
        return self

    @property
    def timeout_s(self) -> float:
        """Seconds of one read or write."""
        return self.timeout_ms / 1000.0

    @property
    def connect_timeout_s(self) -> float:
        """Seconds of connecting."""
        return self.connect_timeout_ms / 1000.0

    @property
    def backoff(self) -> Backoff:
        """Waits between tries to connect."""
        return Backoff(first_s=self.reconnect_first_ms / 1000.0, longest_s=self.reconnect_longest_ms / 1000.0)


class SimulatedSettings(RigSettings):
    """A conveyor and its PLC inside the station's own process, at the pace of the station's clock.

    Attributes:
        speed_mm_s: of the belt.
        mm_per_count: of the encoder.
        spacing_mm: from part to part; with `spacing_to_mm` drawn evenly between the two.
        spacing_to_mm: the widest.
        gate_at_mm: from the trigger sensor to the gate.
        confirm_at_mm: from the gate to the sensors of the lanes.
        heartbeat_timeout_ms: how long the station's heartbeat may stand before all permits are void.
        ack_timeout_ms: the PLC's patience in each phase of the trigger's handshake.
        parts: how many come; without it they never end.
        seed: of what is drawn.
        part_ids: whether the PLC tells a part's identifier with its trigger.
    """

    kind: Literal["simulated"]
    speed_mm_s: float = Field(default=200.0, gt=0, le=20_000)
    mm_per_count: float = Field(default=0.1, gt=0, le=1000)
    spacing_mm: float = Field(default=150.0, gt=0, le=1_000_000)
    spacing_to_mm: float | None = Field(default=None, gt=0, le=1_000_000)
    gate_at_mm: float = Field(default=400.0, gt=0, le=1_000_000)
    confirm_at_mm: float = Field(default=60.0, gt=0, le=1_000_000)
    heartbeat_timeout_ms: float = Field(default=250.0, ge=10, le=60_000)
    ack_timeout_ms: float = Field(default=250.0, ge=10, le=60_000)
    parts: int | None = Field(default=None, ge=1)
    seed: int = Field(default=1, ge=0)
    part_ids: bool = True

    @model_validator(mode="after")
    def _spacing_is_a_range(self) -> Self:
        if self.spacing_to_mm is not None and self.spacing_to_mm < self.spacing_mm:
            raise ValueError(f"spacing_to_mm {self.spacing_to_mm:g} is below spacing_mm {self.spacing_mm:g}")
        return self


class ModbusSettings(LinkSettings):
    """A PLC that serves the two blocks of docs/station-io.md as holding registers over Modbus/TCP.

    Modbus has neither encryption nor login: keep it on the machine's own network.

    Attributes:
        host: of the PLC.
        port: where it listens.
        unit: its unit identifier; most PLCs ignore it.
        inputs_at: address (from 0) of the first register of the block that the station reads.
        outputs_at: of the block that it writes.
        word_order: of the 32-bit encoder: which of its two registers is the more significant one.
    """

    kind: Literal["modbus"]
    host: _Host
    port: int = Field(default=MODBUS_PORT, ge=1, le=65_535)
    unit: int = Field(default=1, ge=0, le=255)
    inputs_at: int = Field(default=0, ge=0, le=65_535)
    outputs_at: int = Field(default=100, ge=0, le=65_535)
    word_order: Literal["high_first", "low_first"] = "high_first"


class S7Settings(LinkSettings):
    """A Siemens PLC with the two blocks of docs/station-io.md in a data block, its words big-endian as S7 has them.

    Attributes:
        host: of the CPU or its communication processor.
        port: where it listens.
        rack: of the CPU.
        slot: of the CPU; 1 for an S7-1200 or 1500, 2 for an S7-300.
        db: number of the data block.
        inputs_at: byte at which the block begins that the station reads.
        outputs_at: of the block that it writes.
    """

    kind: Literal["s7"]
    host: _Host
    port: int = Field(default=ISO_ON_TCP_PORT, ge=1, le=65_535)
    rack: int = Field(default=0, ge=0, le=7)
    slot: int = Field(default=1, ge=0, le=31)
    db: int = Field(ge=1, le=65_535)
    inputs_at: int = Field(default=0, ge=0, le=65_000)
    outputs_at: int = Field(default=200, ge=0, le=65_000)


class OpcUaSettings(LinkSettings):
    """A PLC with an OPC UA server that has the nodes of docs/station-io.md.

    Attributes:
        endpoint: opc.tcp://ADDRESS:PORT/PATH.
        namespace: URI of the namespace of the nodes.
        root: identifier (text) of the nodes' common beginning: `Lineside` gives `Lineside.Inputs.Trigger`.
        certificate_file: the station's certificate, DER or PEM.
        private_key_file: its key, PEM, readable to the station alone.
        server_certificate_file: the PLC's certificate; another one is refused.
        user: to log in as.
        password_file: holds the password; or
        password_env: the variable that does.
        policy: of the encrypted channel; nothing unencrypted is spoken.
    """

    kind: Literal["opcua"]
    endpoint: str
    namespace: str = Field(default="urn:lineside:station-io", min_length=1, max_length=500)
    root: str = Field(default="Lineside", min_length=1, max_length=200)
    certificate_file: _Path
    private_key_file: _Path
    server_certificate_file: _Path
    user: str = Field(min_length=1, max_length=200)
    password_file: _Path | None = None
    password_env: str | None = Field(default=None, min_length=1, max_length=200)
    policy: Literal["Basic256Sha256", "Aes256Sha256RsaPss"] = "Aes256Sha256RsaPss"

    @model_validator(mode="after")
    def _is_an_endpoint(self) -> Self:
        parts = urlsplit(self.endpoint)
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ValueError(f"{self.endpoint!r} is no endpoint; expected opc.tcp://ADDRESS:PORT/PATH")
        if "@" in parts.netloc:
            raise ValueError("the endpoint names a login; give user and password_file instead")
        if (self.password_file is None) == (self.password_env is None):
            raise ValueError("name one of password_file and password_env")
        return self


class HttpSettings(LinkSettings):
    """A gateway before the PLC that answers the two JSON resources of docs/station-io.md.

    Attributes:
        url: of the gateway; `/inputs` and `/outputs` stand below it.
        token_file: holds a bearer token, if the gateway asks for one; or
        token_env: the variable that does.
    """

    kind: Literal["http"]
    url: str = Field(pattern=r"^https?://[^\s@?#]+$", max_length=2000)
    token_file: _Path | None = None
    token_env: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _names_at_most_one_token(self) -> Self:
        if self.token_file is not None and self.token_env is not None:
            raise ValueError("name one of token_file and token_env, not both")
        return self
