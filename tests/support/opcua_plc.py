"""A PLC's OPC UA server with a simulated line behind it: asyncua, encrypted, with one user."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Node, Server, ua
from asyncua.crypto.permission_rules import User, UserRole

from lineside.client.clock import Clock
from lineside.serving.delivery.opcua.certificates import make_certificate
from lineside.station.rig.confirmations import ConfirmationRing
from lineside.station.rig.errors import RigUnreadable
from lineside.station.rig.opcua_nodes import INPUT_NODES, OUTPUT_NODES, inputs_to_values, outputs_from_values
from lineside.station.rig.register_map import inputs_to_words
from lineside.station.rig.settings import OpcUaSettings
from lineside.station.rig.simulated_line import SimulatedLine

USER, PASSWORD = "station", "a long enough password"
NAMESPACE = "urn:lineside:station-io"
_INITIAL: dict[str, Any] = {"Boolean": False, "UInt16": 0, "Int32": 0, "String": ""}


class _OneUser:
    """Knows the station and nobody else."""

    def get_user(
        self, iserver: object, username: str | None = None, password: str | None = None, certificate: object = None
    ) -> User | None:
        return User(role=UserRole.User, name=username) if (username, password) == (USER, PASSWORD) else None


@dataclass
class OpcUaPlc:
    """The server's nodes and the line behind them.

    Attributes:
        port: where it listens.
        tears: how many of the next scans write the end of the block late, as a PLC between two reads.
    """

    port: int
    line: SimulatedLine
    clock: Clock
    inputs: list[Node]
    outputs: list[Node]
    tears: int = 0
    sequence: int = 0

    def restart(self, line: SimulatedLine, clock: Clock) -> None:
        """Put another line behind the server."""
        self.line, self.clock = line, clock

    async def scan(self) -> None:
        """See what the station wrote, move the line on, and show what it says."""
        values = [await node.read_value() for node in self.outputs]
        if any(values):
            with suppress(RigUnreadable):
                self.line.take(outputs_from_values(values))
        self.line.advance(self.clock.monotonic())
        self.sequence = (self.sequence + 1) & 0xFFFF
        inputs = self.line.inputs()
        ring = ConfirmationRing.of(self.line.confirmations)
        words = inputs_to_words(inputs, ring, sequence=self.sequence, word_order="high_first")
        shown = inputs_to_values(words, part_id=inputs.part_id)
        if self.tears > 0:
            self.tears -= 1
            shown[-1] = (self.sequence - 1) & 0xFFFF
        for node, value, (_, kind) in zip(self.inputs, shown, INPUT_NODES, strict=True):
            await node.write_value(ua.Variant(value, ua.VariantType[kind]))


@asynccontextmanager
async def opcua_plc(folder: Path, line: SimulatedLine, clock: Clock) -> AsyncIterator[OpcUaPlc]:
    """Serve on a free port, with the certificates of `write_plc_files`."""
    server = Server(user_manager=_OneUser())
    await server.init()
    await server.set_application_uri("urn:test:plc")
    server.set_endpoint("opc.tcp://127.0.0.1:0/plc")
    server.set_security_policy(
        [ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    )
    server.set_identity_tokens([ua.UserNameIdentityToken])
    await server.load_certificate(str(folder / "plc" / "server.der"))
    await server.load_private_key(str(folder / "plc" / "server.key.pem"))
    namespace = await server.register_namespace(NAMESPACE)
    root = await server.nodes.objects.add_object(ua.NodeId("Lineside", namespace), "Lineside")
    made: dict[str, list[Node]] = {}
    for block, nodes in (("Inputs", INPUT_NODES), ("Outputs", OUTPUT_NODES)):
        parent = await root.add_object(ua.NodeId(f"Lineside.{block}", namespace), block)
        made[block] = [
            await parent.add_variable(
                ua.NodeId(f"Lineside.{block}.{name}", namespace), name, _INITIAL[kind], ua.VariantType[kind]
            )
            for name, kind in nodes
        ]
    for node in made["Outputs"]:
        await node.set_writable()
    async with server:
        port = server.bserver._server.sockets[0].getsockname()[1]
        yield OpcUaPlc(port, line, clock, made["Inputs"], made["Outputs"])


def write_plc_files(folder: Path) -> None:
    """Certificates of the PLC and of the station, and the station's password."""
    for name in ("plc", "station", "other"):
        make_certificate(
            folder / name, hosts=["127.0.0.1"], application_uri=f"urn:test:{name}", days=30, now=datetime.now(UTC)
        )
    (folder / "password").write_text(PASSWORD + "\n")


def station_settings(port: int, **changed: Any) -> OpcUaSettings:
    """What a station's file says of this PLC; paths from the folder of `write_plc_files` on."""
    return OpcUaSettings.model_validate(
        {
            "kind": "opcua",
            "endpoint": f"opc.tcp://127.0.0.1:{port}/plc",
            "certificate_file": "station/server.der",
            "private_key_file": "station/server.key.pem",
            "server_certificate_file": "plc/server.der",
            "user": USER,
            "password_file": "password",
            "timeout_ms": 2000.0,
            **changed,
        }
    )
