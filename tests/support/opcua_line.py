"""A real plant whose events go to a real OPC UA server, each on a thread of the test's process."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lineside.client import LinesideClient
from lineside.serving.clock import SystemClock
from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.opcua.certificates import make_certificate
from lineside.serving.delivery.opcua.settings import OpcUaSettings
from lineside.serving.delivery.opcua.sink import OpcUaSink
from lineside.serving.delivery.opcua.trust import trust
from lineside.serving.delivery.opcua.users import UserBook, UserRoleName
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.ledger import Ledger
from lineside.serving.security import Role
from live_server import LiveServer
from opcua_client import Identity, client_identity

T = TypeVar("T")

OPERATOR = ("cell-plc", "a long enough password")
VIEWER = ("display", "another long password")


@dataclass
class OpcUaLine:
    """A sink that runs, with what its clients need.

    Attributes:
        folder: of certificate, users and trusted clients.
        sink: the sink.
        trusted: a client that may connect.
    """

    folder: Path
    sink: OpcUaSink
    trusted: Identity
    _loop: asyncio.AbstractEventLoop
    _ledger: Ledger
    _position: int

    @property
    def endpoint(self) -> str:
        """Where clients find it."""
        return self.sink.endpoint

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.endpoint).port or 0

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something on the sink's own loop."""
        running: Future[T] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return running.result(timeout=240.0)

    def deliver(self) -> int:
        """Deliver what the ledger has that was not delivered yet; gives how many events that were."""
        return self.run(self._deliver())

    async def _deliver(self) -> int:
        waiting = await self._ledger.events_after(self._position)
        for event in waiting:
            await self.sink.deliver(event)
            self._position = event.sequence
        return len(waiting)


def write_opcua_files(folder: Path) -> Identity:
    """Certificate, users and one trusted client, as `lineside opcua` makes them; gives that client."""
    make_certificate(folder, hosts=["127.0.0.1"], application_uri="urn:test:lineside", days=30, now=datetime.now(UTC))
    users = UserBook(folder / "users.json")
    users.put(*OPERATOR, UserRoleName.OPERATOR)
    users.put(*VIEWER, UserRoleName.VIEWER)
    identity = client_identity(folder / "client")
    trust(identity.certificate, folder / "trusted")
    return identity


def opcua_settings(**changed: Any) -> OpcUaSettings:
    """Settings for the files of `write_opcua_files`, on a free port."""
    return OpcUaSettings.model_validate(
        {
            "name": "cell",
            "kind": "opcua",
            "endpoint": "opc.tcp://127.0.0.1:0/lineside",
            "certificate_file": "server.der",
            "private_key_file": "server.key.pem",
            "trusted_dir": "trusted",
            "users_file": "users.json",
            **changed,
        }
    )


@contextmanager
def opcua_line(folder: Path, server: LiveServer, **changed: Any) -> Iterator[OpcUaLine]:
    """Run the sink for a server; events are delivered when the test says so."""
    folder.mkdir(parents=True)
    identity = write_opcua_files(folder)
    (folder / "state").mkdir()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="opcua-sink")
    thread.start()
    plant = server.services.ledger.plant
    clock = SystemClock()
    try:
        with Ledger.open_readonly(server.services.settings.ledger_url, plant=plant, clock=clock) as ledger:
            client = LinesideClient(server.url, server.keys[Role.DELIVERY], timeout_s=5.0)
            context = SinkContext(
                name="cell",
                plant=plant,
                clock=clock,
                ledger=ledger,
                client=client,
                lines=StationLines(ledger),
                state_dir=folder / "state",
                folder=folder,
                is_simulated=False,
            )
            sink = OpcUaSink(opcua_settings(**changed), context)
            line = OpcUaLine(folder, sink, identity, loop, ledger, server.services.ledger.last_sequence)
            line.run(sink.open())
            try:
                yield line
            finally:
                line.run(sink.close())
                line.run(client.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
