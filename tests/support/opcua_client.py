"""node-opcua, a client of another make, driven from a test: `tests/support/node/opcua_client.js`."""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lineside.serving.delivery.opcua.certificates import make_certificate
from node_packages import node_environment

_PROGRAM = Path(__file__).parent / "node" / "opcua_client.js"
_PATIENCE_S = 60.0


class Refused(Exception):
    """The client could not do what it was told."""


@dataclass(frozen=True)
class Identity:
    """A client's certificate, its key, and the name that it goes by."""

    certificate: Path
    key: Path
    uri: str
    folder: Path


def client_identity(folder: Path, *, uri: str = "urn:test:client", days: int = 30) -> Identity:
    """Make a client's certificate."""
    made = make_certificate(folder, hosts=["localhost"], application_uri=uri, days=days, now=datetime.now(UTC))
    pem = folder / "certificate.pem"
    pem.write_bytes(x509.load_der_x509_certificate(made.certificate_file.read_bytes()).public_bytes(Encoding.PEM))
    return Identity(pem, made.private_key_file, uri, folder / "pki")


class NodeOpcUa:
    """One process of the client; it can hold several sessions."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._answers: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self._events: dict[str, queue.Queue[Mapping[str, Any]]] = {}
        self._count = 0
        self._reader = threading.Thread(target=self._read, name="node-opcua")
        self._reader.start()

    def do(self, command: str, **said: Any) -> Any:
        """Have a command carried out; gives its answer.

        Raises:
            Refused: it could not.
        """
        self._count += 1
        if self._process.stdin is None:
            raise RuntimeError("the client has no input")
        self._process.stdin.write(json.dumps({"id": self._count, "do": command, **said}) + "\n")
        self._process.stdin.flush()
        answer = self._answers.get(timeout=_PATIENCE_S)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["answer"]

    def connect(
        self,
        endpoint: str,
        identity: Identity,
        *,
        user: str | None = None,
        password: str | None = None,
        session: str = "main",
        **said: Any,
    ) -> Any:
        """Open a session."""
        return self.do(
            "connect",
            session=session,
            endpoint=endpoint,
            certificate=str(identity.certificate),
            key=str(identity.key),
            uri=identity.uri,
            folder=str(identity.folder),
            user=user,
            password=password,
            **said,
        )

    def read(self, *nodes: str, session: str = "main") -> list[Mapping[str, Any]]:
        """Values and their status."""
        found: list[Mapping[str, Any]] = self.do("read", session=session, nodes=list(nodes))
        return found

    def value(self, node: str) -> Any:
        """One value that is good."""
        (read,) = self.read(node)
        if read["status"] != "Good":
            raise Refused(f"{node}: {read['status']}")
        return read["value"]

    def call(
        self, parent: str, method: str, *inputs: Mapping[str, Any], session: str = "main"
    ) -> tuple[str, list[Any]]:
        """Call a method; gives the status and the outputs."""
        called = self.do(
            "call",
            session=session,
            object=parent,
            method=f"{parent}.{method}",
            inputs=[dict(given) for given in inputs],
        )
        return called["status"], called["outputs"]

    def subscribe(self, name: str, node: str, event: str, fields: Sequence[str], *, session: str = "main") -> None:
        """Hear events of a type on a node."""
        self._events[name] = queue.Queue()
        self.do("subscribe", session=session, name=name, node=node, event=event, fields=list(fields))

    def heard(self, name: str) -> Mapping[str, Any]:
        """The next event of a subscription."""
        return self._events[name].get(timeout=_PATIENCE_S)

    def heard_nothing_more(self, name: str) -> bool:
        """Whether nothing else has come."""
        return self._events[name].empty()

    def wait_for(self, node: str, value: Any) -> None:
        """Wait until a node has a value."""
        until = time.monotonic() + _PATIENCE_S
        read: Any = None
        while time.monotonic() < until:
            (read,) = self.read(node)
            if read["value"] == value:
                return
            time.sleep(0.02)
        raise AssertionError(f"{node} has {read}; expected {value!r}")

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            if not line.startswith("{"):
                continue  # a warning of node-opcua's own
            said = json.loads(line)
            if "subscription" in said:
                self._events[said["subscription"]].put(said["fields"])
            else:
                self._answers.put(said)


@contextmanager
def node_opcua() -> Iterator[NodeOpcUa]:
    """Start the client."""
    process = subprocess.Popen(
        ["node", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(node_environment()),
    )
    client = NodeOpcUa(process)
    try:
        yield client
    finally:
        client.close()


def text(value: str) -> Mapping[str, Any]:
    """An input of type String."""
    return {"type": "String", "value": value}


def number(value: int, *, kind: str = "UInt32") -> Mapping[str, Any]:
    """An input that is a whole number."""
    return {"type": kind, "value": value}


def identifier(data_type: int, value: str) -> Mapping[str, Any]:
    """An input that is one of the identifiers of OPC 40100-1, by the number of its data type."""
    return {"structure": f"ns=2;i={data_type}", "value": {"Id": value}}
