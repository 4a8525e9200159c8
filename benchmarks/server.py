"""Real servers as processes: `lineside serve` as a plant runs it, and the plain service beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

import httpx
import psutil  # type: ignore[import-untyped]  # ships no type information

RECIPE = """\
schema: lineside.recipe/1
id: bench-board
version: 1
product: bench-board
catalogue: {id: pcb, version: 1}
release: pcb-single
deadline_ms: %(deadline_ms)d
views: {default: {size_wh_px: [640, 640]}}
"""
"""As short as a recipe can be: every defect makes a part NG, every default holds."""

DEADLINE_MS = 1000
_READY_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.01


class ServerDied(RuntimeError):
    """A server process ended, or did not become ready; the message has the end of its log."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class ServerProcess:
    """One server process and its log; it may be killed and started again on the same port.

    Attributes:
        command: what to start.
        port: where it listens.
        log: file that gets its output.
        ready_path: what answers 200 once it can work.
        environment: variables beside those of this process.
    """

    command: Sequence[str]
    port: int
    log: Path
    ready_path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _output: IO[bytes] | None = None

    def start(self) -> float:
        """Start it and wait until it is ready.

        Returns:
            Seconds from the start of the process to the first 200.

        Raises:
            ServerDied: it ended, or was not ready in time.
        """
        self._output = self.log.open("ab")
        began_s = time.perf_counter()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )
        while not self._is_ready():
            if self._process.poll() is not None:
                raise ServerDied(f"{self.command} ended with {self._process.returncode}: {self._last_lines()}")
            if time.perf_counter() - began_s > _READY_WITHIN_S:
                raise ServerDied(f"{self.command} was not ready in {_READY_WITHIN_S:.0f} s: {self._last_lines()}")
            time.sleep(_LOOK_EVERY_S)
        return time.perf_counter() - began_s

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, nothing is closed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it properly."""
        self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Of the process; raises `ServerDied` while there is none."""
        if self._process is None:
            raise ServerDied(f"{self.command} does not run")
        return self._process.pid

    def memory_bytes(self) -> int:
        """Resident memory of the process and its children."""
        if self._process is None:
            return 0
        parent = psutil.Process(self._process.pid)
        return sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{self.ready_path}", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def _last_lines(self) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])


@dataclass(slots=True)
class Line:
    """A plant of one server with enrolled stations `bench-0`, `bench-1`, ...

    Attributes:
        folder: of its data and log.
        server: the process.
        key: an admin's key, which may post for every station.
    """

    folder: Path
    server: ServerProcess
    key: str

    @classmethod
    def prepare(cls, folder: Path, *, options: Sequence[str] = ()) -> "Line":
        """Make a data folder with a key; nothing runs yet."""
        folder.mkdir(parents=True, exist_ok=True)
        data_dir = folder / "data"
        made = subprocess.run(
            lineside("keys", "create", "bench", "--role", "admin", "--data", str(data_dir), "--json"),
            check=True,
            capture_output=True,
            text=True,
        )
        port = free_port()
        command = lineside("serve", "--data", str(data_dir), "--port", str(port), "--log-format", "json", *options)
        server = ServerProcess(command, port, folder / "server.log", "/readyz")
        return cls(folder, server, json.loads(made.stdout)["secret"])

    @property
    def data_dir(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    def enrol(self, stations: int, *, recipe: str | None = None) -> None:
        """Give the running server its recipe and stations."""
        text = recipe or RECIPE % {"deadline_ms": DEADLINE_MS}
        self._put("/v1/recipes/bench-board", content=text.encode(), headers={"Content-Type": "application/yaml"})
        for number in range(stations):
            settings = {"name": f"bench {number}", "recipe": {"id": "bench-board", "version": 1}}
            self._put(f"/v1/stations/bench-{number}", json=settings)
        ready = httpx.get(f"http://127.0.0.1:{self.server.port}/readyz", trust_env=False)
        if ready.status_code != 200:
            raise ServerDied(f"the server is not ready with its recipe: {ready.text}")

    def _put(self, path: str, *, headers: Mapping[str, str] | None = None, **content: Any) -> None:
        answer = httpx.put(
            f"http://127.0.0.1:{self.server.port}{path}",
            headers={"Authorization": f"Bearer {self.key}", **(headers or {})},
            timeout=_READY_WITHIN_S,
            trust_env=False,
            **content,
        )
        if not answer.is_success:
            raise ServerDied(f"PUT {path}: {answer.status_code} {answer.text}")


def lineside(*arguments: str) -> list[str]:
    """The project's own command, as this Python runs it."""
    return [sys.executable, "-m", "lineside.cli", *arguments]


def plain_service(folder: Path, model: Path) -> ServerProcess:
    """The peer: FastAPI around ultralytics, under uvicorn."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    return ServerProcess(
        [
            *(sys.executable, "-m", "uvicorn", "benchmarks.plain_service:app"),
            *("--port", str(port), "--log-level", "warning"),
        ],
        port,
        folder / "plain.log",
        "/healthz",
        {
            "PLAIN_SERVICE_MODEL": str(model),
            "YOLO_CONFIG_DIR": str(folder),
            "YOLO_OFFLINE": "true",
            "YOLO_AUTOINSTALL": "false",
        },
    )
