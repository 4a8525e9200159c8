"""A real broker for tests: mosquitto, as Debian ships it, on a port of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lineside.workflows.ports import free_port
from proofs import missing

_PATIENCE_S = 10.0


@dataclass
class Mosquitto:
    """A broker that a test may stop and start again on the same port.

    Attributes:
        folder: of its configuration and its log.
        port: on 127.0.0.1.
        lines: of its configuration, besides the listener.
    """

    folder: Path
    port: int
    lines: tuple[str, ...] = ("allow_anonymous true",)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it listens."""
        configuration = self.folder / "mosquitto.conf"
        fixed = (f"listener {self.port} 127.0.0.1", "persistence false", f"log_dest file {self.log}", "log_type all")
        configuration.write_text("\n".join((*fixed, *self.lines)) + "\n")
        self.log.touch()
        if os.getuid() == 0:  # it would drop to a user who may not read the test's files
            configuration.write_text(configuration.read_text() + "user root\n")
        self._process = subprocess.Popen(
            [_program(), "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _PATIENCE_S
        while not _listens(self.port):
            assert self._process.poll() is None, f"mosquitto ended: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"mosquitto does not listen: {self.log.read_text()[-2000:]}"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it as a power cut would: no client hears a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def log(self) -> Path:
        """What it wrote about its clients."""
        return self.folder / "mosquitto.log"


@contextmanager
def running_mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    """A broker until the block ends.

    Args:
        folder: for its files; empty.
        lines: of its configuration, besides the listener; none lets everybody in.
    """
    broker = Mosquitto(folder, free_port(), lines or ("allow_anonymous true",))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _program() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("mosquitto is not installed: it is the broker that our MQTT is held against")
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
