"""The delivery process beside a real server, with a real receiver: killed, taken away, brought back."""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from lineside.serving import Settings
from lineside.serving.clock import SystemClock
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.ledger import Event, Ledger
from lineside.serving.ledger.events import read_after
from lineside.serving.security import Role
from lineside_process import LINESIDE, key_service, make_key

pytestmark = pytest.mark.system

_WITHIN_S = 120.0


class Receiver(ThreadingHTTPServer):
    """Takes webhooks and remembers them; while `is_down` it answers 503."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = Lock()
        self.got: list[tuple[str, int]] = []
        self.is_down = False

    def numbers(self) -> list[int]:
        """The events as they arrived, duplicates too."""
        with self.lock:
            return [number for _, number in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            is_down = self.server.is_down
            if not is_down:
                self.server.got.append((message["id"], int(message["sequence"])))
        self.send_response(503 if is_down else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Server:
    """A running `lineside serve`."""

    process: "subprocess.Popen[bytes]"
    http: httpx.Client
    log: Path

    def delivery(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/v1/delivery").json()
        return found

    def sink(self, name: str = "mes") -> dict[str, Any]:
        nothing = {"state": None, "lag": {"events": None}}
        return next((each for each in self.delivery()["items"] if each["name"] == name), nothing)

    def note(self, count: int) -> None:
        """Let the log grow by as many delivered events."""
        for number in range(count):
            assert self.http.put(f"/v1/stations/aoi-{number % 3}", json={"name": f"AOI {time.time_ns()}"}).is_success

    def children(self) -> list[int]:
        """Processes that this one started and that run."""
        own = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        found = {int(pid) for thread in threads for pid in (thread / "children").read_text().split()}
        return sorted(found | {int(pid) for pid in own})


@contextmanager
def serving(data: Path, *words: str) -> Iterator[Server]:
    """Run the server; however it ended, its data folder is there for the next one."""
    data.mkdir(parents=True, exist_ok=True)
    command = [*LINESIDE, "serve", "--data", str(data), "--port", "0", "--json", "--no-page", "--ends-with-stdin"]
    log = data / "server.log"
    with (
        log.open("ab") as stream,
        subprocess.Popen([*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream) as process,
    ):
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            line = process.stdout.readline()
            assert line, log.read_text()
            key = make_key(data, Role.ADMIN)[1]
            with httpx.Client(
                base_url=json.loads(line)["url"],
                headers={"Authorization": f"Bearer {key}"},
                trust_env=False,
                timeout=30,
            ) as http:
                yield Server(process, http, log)
        finally:
            process.stdin.close()
            process.wait(60)


def until(is_so: Callable[[], bool], server: Server) -> None:
    ends_at_s = time.monotonic() + _WITHIN_S
    while not is_so():
        assert time.monotonic() < ends_at_s, server.log.read_text()
        time.sleep(0.05)


def write_file(folder: Path, receiver: Receiver) -> Path:
    """A delivery file with one sink, which keeps the whole plant's order."""
    (folder / "secret").write_text("whsec_" + base64.b64encode(b"k" * 32).decode())
    path = folder / "delivery.yaml"
    path.write_text(f"""\
schema: lineside.delivery/1
sinks:
  - name: mes
    kind: webhook
    from: beginning
    lanes: 1
    url: http://127.0.0.1:{receiver.server_port}/
    secret_files: [secret]
""")
    return path


def test_kill_9_of_the_process_and_of_the_server_and_a_file_without_the_sink_lose_nothing(
    tmp_path: Path, receiver: Receiver
) -> None:
    path = write_file(tmp_path, receiver)
    data = tmp_path / "data"
    with serving(data, "--delivery", str(path)) as server:
        server.note(15)
        until(lambda: len(receiver.numbers()) >= 10, server)
        (child,) = server.children()
        os.kill(child, signal.SIGKILL)
        server.note(15)
        until(lambda: len(receiver.numbers()) >= 30, server)
        assert server.children() != [child]
        receiver.is_down = True
        server.note(15)
        until(lambda: server.sink()["state"] == "waiting", server)
        (child,) = server.children()
        server.process.kill()
        server.process.wait()
        until(lambda: not Path(f"/proc/{child}").exists(), server)  # it noticed by its stdin
    receiver.is_down = False
    with serving(data) as server:  # without a delivery file nothing is started
        assert server.children() == []
        assert server.delivery()["process"] == "no_sinks"
        server.note(5)
        assert (server.sink()["state"], server.sink()["is_configured"]) == ("stopped", False)
        until(lambda: not valid_delivery_keys(data), server)  # the killed server could not revoke its own
    with serving(data, "--delivery", str(path)) as server:
        server.note(5)
        until(lambda: server.sink()["state"] == "delivering" and server.sink()["lag"]["events"] == 0, server)
        head = server.delivery()["head"]
        (child,) = server.children()
        os.kill(child, signal.SIGTERM)  # as an init system tells every process of a service
        until(lambda: "code=0" in server.log.read_text(), server)  # it ended in order
    numbers = receiver.numbers()
    first_arrivals = list(dict.fromkeys(numbers))
    assert first_arrivals == sorted(first_arrivals), "in order, each for the first time"
    assert len(first_arrivals) >= 55
    assert first_arrivals == [number for number in range(1, head + 1) if number in set(first_arrivals)]
    with receiver.lock:
        assert len(set(receiver.got)) == len(first_arrivals), "a duplicate has the same identifier"
    with Ledger.open_readonly(Settings(data_dir=data).ledger_url, plant="plant-1", clock=SystemClock()) as ledger:
        wanted = [event for event in ledger.read_blocking(all_events) if EventFilter().wants(event, line=None)]
    assert first_arrivals == [event.sequence for event in wanted], "nothing is lost"
    said = server.log.read_text()
    assert said.count("sink_lost") == 1
    assert "lsk_" not in said
    assert valid_delivery_keys(data) == []


def valid_delivery_keys(data: Path) -> list[str]:
    """Keys of delivery processes that could still be used; there was one at least."""
    with key_service(data) as keys:
        made = [key for key in keys.list_keys() if key.role is Role.DELIVERY]
    assert made
    return [key.id for key in made if key.revoked_at is None]


def all_events(connection: Connection) -> tuple[Event, ...]:
    return read_after(connection, "plant-1", sequence=0, limit=10_000)
