"""A line with every sink: the peers, the ways to them that can be cut, and what the server says of delivery."""

import asyncio
import base64
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # ships no type information

from benchmarks.delivery_peers import listening_peer
from benchmarks.server import Line, ServerDied, ServerProcess, free_port
from benchmarks.small_release import write_small_release
from lineside.serving.delivery.opcua.certificates import make_certificate
from lineside.serving.delivery.opcua.users import UserBook, UserRoleName

SINKS = ("webhook", "mqtt", "sparkplug", "opcua")
_LISTENS_WITHIN_S = 40.0
_TRY_EVERY_S = 0.02
_BLOCK_BYTES = 1 << 16


class Ways:
    """TCP connections through this process, which can be cut all at once and let through again: a network that fails.

    Args:
        targets: ports of this host to lead to.
    """

    def __init__(self, targets: Collection[int]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ways")
        self.ports = {target: free_port() for target in targets}
        self._servers: dict[int, asyncio.Server] = {}
        self._under_way: dict[int, set[asyncio.StreamWriter]] = {target: set() for target in targets}

    def start(self) -> None:
        """Open them."""
        self._thread.start()
        self.mend()

    def cut(self) -> None:
        """End every connection in the middle, and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def mend(self) -> None:
        """Let connections through again."""
        asyncio.run_coroutine_threadsafe(self._mend(), self._loop).result()

    def cut_one(self, target: int) -> None:
        """Cut the way to one port."""
        asyncio.run_coroutine_threadsafe(self._cut(target), self._loop).result()

    def mend_one(self, target: int) -> None:
        """Let connections to one port through again."""
        asyncio.run_coroutine_threadsafe(self._mend(target), self._loop).result()

    def end(self) -> None:
        """Cut them for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _mend(self, only: int | None = None) -> None:
        for target, port in self.ports.items():
            if only in (None, target) and target not in self._servers:
                self._servers[target] = await asyncio.start_server(self._leading_to(target), "127.0.0.1", port)

    async def _cut(self, only: int | None = None) -> None:
        for target in self.ports:
            if only in (None, target):
                if target in self._servers:
                    self._servers.pop(target).close()
                for writer in self._under_way[target]:
                    writer.transport.abort()

    def _leading_to(self, target: int) -> Any:
        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends, under_way = {writer}, self._under_way[target]
            under_way.add(writer)
            with suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", target)
                ends.add(back)
                under_way.add(back)
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
            for end in ends:
                end.close()
                under_way.discard(end)

        return lead


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
    writer.close()


@dataclass(frozen=True, slots=True)
class PeerPorts:
    """Where the delivery file sends what: ports of this host."""

    webhook: int
    broker: int
    opcua: int


@dataclass(frozen=True, slots=True)
class Peers:
    """The receiver, the broker and who listens to it, running.

    Attributes:
        webhook: the receiver's port.
        broker: mosquitto's port.
        received: the receiver's file.
        heard: the subscriber's file.
    """

    webhook: int
    broker: int
    received: Path
    heard: Path


@contextmanager
def running_peers(folder: Path) -> Iterator[Peers]:
    """Run them until the block ends."""
    folder.mkdir(parents=True)
    peers = Peers(free_port(), free_port(), folder / "received.jsonl", folder / "heard.jsonl")
    with ExitStack() as stack:
        stack.enter_context(_mosquitto(folder, peers.broker))
        stack.enter_context(listening_peer("webhook", peers.webhook, peers.received))
        stack.enter_context(listening_peer("broker", peers.broker, peers.heard))
        yield peers


def delivery_line(folder: Path, ports: PeerPorts | None, *, options: Sequence[str] = ()) -> Line:
    """A line with the small release and every sink, or none; nothing runs yet."""
    folder.mkdir(parents=True)
    write_small_release(folder / "releases" / "bright-squares")
    words = ["--releases", str(folder / "releases"), "--unsigned-releases", *options]
    if ports is not None:
        words += ["--delivery", str(delivery_file(folder / "delivery", ports))]
    return Line.prepare(folder / "line", options=words)


def delivery_file(folder: Path, ports: PeerPorts) -> Path:
    """A file with a sink of every kind, and what it names."""
    folder.mkdir(parents=True)
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    (folder / "mes.secret").write_text(f"whsec_{secret}\n", "utf-8")
    now = datetime.now(UTC)
    make_certificate(folder, hosts=["127.0.0.1"], application_uri="urn:bench:lineside", days=2, now=now)
    UserBook(folder / "users.json").put("bench", secrets.token_urlsafe(24), UserRoleName.VIEWER)
    (folder / "trusted").mkdir()
    file = folder / "delivery.yaml"
    file.write_text(
        "schema: lineside.delivery/1\n"
        "sinks:\n"
        "  - {name: webhook, kind: webhook, secret_files: [mes.secret],"
        f" url: 'http://127.0.0.1:{ports.webhook}/lineside'}}\n"
        f"  - {{name: mqtt, kind: mqtt, host: 127.0.0.1, port: {ports.broker}}}\n"
        f"  - {{name: sparkplug, kind: sparkplug, host: 127.0.0.1, port: {ports.broker}}}\n"
        f"  - {{name: opcua, kind: opcua, endpoint: 'opc.tcp://127.0.0.1:{ports.opcua}/lineside',"
        " certificate_file: server.der, private_key_file: server.key.pem, trusted_dir: trusted,"
        " users_file: users.json}\n",
        "utf-8",
    )
    return file


@dataclass(slots=True)
class DeliveryWatch:
    """Looks at delivery while it works, on a thread of its own.

    Attributes:
        line: whose server.
        every_s: between two looks.
        lags_s: by sink: how old the first event was that waited, at each look.
        peak_bytes: the most that the delivery process held.
        most_waiting: events behind the slowest sink.
    """

    line: Line
    every_s: float = 0.25
    lags_s: dict[str, list[float]] = field(default_factory=dict)
    peak_bytes: int = 0
    most_waiting: int = 0
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "DeliveryWatch":
        """Begin."""
        self._thread = threading.Thread(target=self._watch, name="delivery-watch")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(self.every_s):
            self.peak_bytes = max(self.peak_bytes, delivery_memory_bytes(self.line.server))
            with suppress(httpx.HTTPError):  # killed, or not there yet
                for sink in overview(self.line)["items"]:
                    self.lags_s.setdefault(sink["name"], []).append(sink["lag"]["seconds"])
                    self.most_waiting = max(self.most_waiting, sink["lag"]["events"])


def overview(line: Line) -> Any:
    """`GET /v1/delivery`."""
    return ask(line, "/v1/delivery")


def ask(line: Line, path: str, **parameters: str) -> Any:
    """What the server answers to a GET."""
    answer = httpx.get(
        f"http://127.0.0.1:{line.server.port}{path}",
        params=parameters,
        headers={"Authorization": f"Bearer {line.key}"},
        timeout=30.0,
        trust_env=False,
    )
    return answer.raise_for_status().json()


def wait_until_delivered(line: Line, *, within_s: float, sinks: Collection[str] = SINKS) -> float | None:
    """Wait until every sink has reported that it is at the end of the log; seconds, None if it was not in time."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        with suppress(httpx.HTTPError):
            found = {sink["name"]: sink for sink in overview(line)["items"]}
            if all(name in found and _is_at_the_end(found[name]) for name in sinks):
                return time.monotonic() - began_s
        time.sleep(0.1)
    return None


def _is_at_the_end(sink: Any) -> bool:
    return bool(sink["lag"]["events"] == 0 and sink["state"] == "delivering")


def delivery_memory_bytes(server: ServerProcess) -> int:
    """Resident memory of the server's delivery process; 0 while there is none."""
    with suppress(psutil.NoSuchProcess, ServerDied):  # killed just now
        for child in psutil.Process(server.pid).children():
            if "lineside.serving.delivery" in child.cmdline():
                return int(child.memory_info().rss)
    return 0


@contextmanager
def taken_port(port: int) -> Iterator[None]:
    """Hold a port, as soon as it is free, so that nobody else can listen there."""
    ends_at_s = time.monotonic() + _LISTENS_WITHIN_S
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                if time.monotonic() > ends_at_s:
                    raise
                time.sleep(_TRY_EVERY_S)
            else:
                break
        holder.listen()
        yield


@contextmanager
def _mosquitto(folder: Path, port: int) -> Iterator[None]:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise RuntimeError("mosquitto is not installed: it is the broker of this benchmark (Debian: mosquitto)")
    configuration = folder / "mosquitto.conf"
    lines = (
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence false",
        "user root",
        "max_queued_messages 0",
        "log_type none",
    )
    configuration.write_text("\n".join(lines) + "\n", "utf-8")
    with subprocess.Popen(
        [program, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            ends_at_s = time.monotonic() + _LISTENS_WITHIN_S
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > ends_at_s:
                    raise RuntimeError(f"mosquitto does not listen on port {port}")
                time.sleep(_TRY_EVERY_S)
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
