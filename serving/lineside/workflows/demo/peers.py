"""Who listens to the demonstration: a small MES, a broker, an OPC UA server; and the delivery file that names them."""

import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import yaml

from lineside.serving.delivery.configuration import SCHEMA
from lineside.serving.delivery.errors import ExtraMissing
from lineside.workflows.demo.broker import demo_broker
from lineside.workflows.demo.child_process import ChildProcess, child_process
from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.ports import free_port

MES_PORT: Final = 8490
BROKER_PORT: Final = 1883
OPCUA_PORT: Final = 4840
OPCUA_USER: Final = "operator"
_CERTIFICATE_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class OpcUaDoor:
    """How an OPC UA client comes in.

    Attributes:
        endpoint: the server's address.
        user: who may call methods.
        password_file: holds that user's password.
        trusted_dir: the clients' certificates go here, by `lineside opcua trust`.
    """

    endpoint: str
    user: str
    password_file: Path
    trusted_dir: Path


@dataclass(frozen=True, slots=True)
class Peers:
    """Who listens.

    Attributes:
        mes: the receiver's process; None without one.
        mes_page_url: its page, with the token that lets a browser in.
        broker_port: of 127.0.0.1; None without a broker.
        opcua: None without an OPC UA server.
    """

    mes: ChildProcess | None = None
    mes_page_url: str | None = field(default=None, repr=False)
    broker_port: int | None = None
    opcua: OpcUaDoor | None = None


@asynccontextmanager
async def peers(plan: DemoPlan, *, server_url: str, mes_key: str) -> AsyncIterator[Peers]:
    """Start who listens, and write the delivery file that the server is given.

    Args:
        plan: says who.
        server_url: where the server will answer: the MES sends its orders and holds there.
        mes_key: its API key.

    Raises:
        ServerFailed: the receiver does not start.
        ExtraMissing: a peer needs a part of Lineside that is not installed.
    """
    sinks: list[Mapping[str, Any]] = []
    mes: ChildProcess | None = None
    broker_port: int | None = None
    door: OpcUaDoor | None = None
    async with AsyncExitStack() as stack:
        if plan.opcua:
            door, sink = _opcua(plan.data_dir / "opcua", port=_port(plan, OPCUA_PORT))
            sinks.append(sink)
        if plan.mqtt:
            broker_port = await stack.enter_async_context(demo_broker(port=_port(plan, BROKER_PORT)))
            where = {"host": "127.0.0.1", "port": broker_port}
            sinks.append({"name": "json-topics", "kind": "mqtt", **where})
            sinks.append({"name": "sparkplug", "kind": "sparkplug", **where})
        if plan.mes:
            mes = await stack.enter_async_context(
                child_process(
                    "the MES receiver",
                    _mes_command(plan, server_url),
                    log_path=plan.data_dir / "mes.log",
                    environment={"LINESIDE_API_KEY": mes_key},
                )
            )
            sinks.append(
                {
                    "name": "mes",
                    "kind": "webhook",
                    "url": mes.announced["webhook_url"],
                    "secret_files": list(mes.announced["secret_files"]),
                }
            )
        _write(plan.delivery_file, sinks)
        yield Peers(mes, None if mes is None else str(mes.announced["page_url"]), broker_port, door)


def _port(plan: DemoPlan, usual: int) -> int:
    """The usual port where the server has its own; any where the server has any, for there may be several lines."""
    return free_port(0 if plan.port == 0 else usual)


def _mes_command(plan: DemoPlan, server_url: str) -> list[str]:
    return [
        *(sys.executable, "-m", "lineside.cli", "mes", "receiver"),
        *("--data", str((plan.data_dir / "mes").resolve()), "--port", str(_port(plan, MES_PORT))),
        *("--server", server_url, "--language", plan.language, "--json", "--ends-with-stdin"),
    ]


def _opcua(folder: Path, *, port: int) -> tuple[OpcUaDoor, Mapping[str, Any]]:
    """Certificate, user and folders; those of an earlier run stay, so that clients go on trusting the server."""
    if find_spec("asyncua") is None:
        raise ExtraMissing("the demonstration's OPC UA server needs asyncua: install lineside[opcua]")
    from lineside.serving.delivery.opcua.certificates import make_certificate
    from lineside.serving.delivery.opcua.users import UserBook, UserRoleName

    folder = folder.resolve()
    trusted, users, password_file = folder / "trusted", folder / "users.json", folder / "password"
    trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate, key = folder / "server.der", folder / "server.key.pem"
    if not (certificate.exists() and key.exists()):
        make_certificate(
            folder,
            hosts=["127.0.0.1", "localhost"],
            application_uri="urn:lineside:demo",
            days=_CERTIFICATE_DAYS,
            now=datetime.now(UTC),
        )
    if not password_file.exists():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(12), encoding="utf-8")
        UserBook(users).put(OPCUA_USER, password_file.read_text("utf-8"), UserRoleName.OPERATOR)
    endpoint = f"opc.tcp://127.0.0.1:{port}/lineside"
    sink = {
        "name": "opcua",
        "kind": "opcua",
        "endpoint": endpoint,
        "certificate_file": str(certificate),
        "private_key_file": str(key),
        "trusted_dir": str(trusted),
        "users_file": str(users),
    }
    return OpcUaDoor(endpoint, OPCUA_USER, password_file, trusted), sink


def _write(path: Path, sinks: Sequence[Mapping[str, Any]]) -> None:
    path.write_text(yaml.safe_dump({"schema": SCHEMA, "sinks": list(sinks)}, sort_keys=False), encoding="utf-8")
