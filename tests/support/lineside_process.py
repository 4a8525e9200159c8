"""`lineside` as a process of its own, for tests of the whole program."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger
from lineside.serving.security import KeyService, Role, read_or_create_secret
from lineside.serving.settings import Settings
from proofs import missing

LINESIDE = (sys.executable, "-m", "lineside.cli")

_LOOPBACK_ONLY = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
    fcntl.ioctl(anything, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
os.execvp(sys.argv[1], sys.argv[1:])
"""
_CONNECT = re.compile(
    r"connect\(.*?sa_family=AF_INET6?,.*?"
    r'(?:inet_addr\("(?P<v4>[^"]+)"\)|inet_pton\(AF_INET6, "(?P<v6>[^"]+)")'
)


def without_network(command: Sequence[str]) -> list[str]:
    """The command, in a network namespace of its own with nothing but loopback; skips where that is not permitted."""
    flags = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    probe = subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        missing(f"no network namespace can be made here: {probe.stderr.decode().strip()}")
    return ["unshare", *flags, sys.executable, "-c", _LOOPBACK_ONLY, *command]


def traced_connects(command: Sequence[str], trace: Path) -> list[str]:
    """The command under strace, which writes its connect calls and those of its children to a file."""
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", str(trace), *command]


def connects_off_loopback(trace: Path) -> list[str]:
    """Lines of a trace that tell of a connection to anywhere but this host."""
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        match = _CONNECT.search(line)
        if match is None:
            continue
        address = match["v4"] or match["v6"]
        if not (address.startswith(("127.", "::ffff:127.")) or address == "::1"):
            found.append(line)
    return found


@contextmanager
def serving(data: Path, *words: str) -> Iterator[str]:
    """Run `lineside serve` on a free port; gives its URL. Its log is `server.log` in the data folder."""
    data.mkdir(parents=True, exist_ok=True)
    command = [*LINESIDE, "serve", "--data", str(data), "--port", "0", "--json", "--ends-with-stdin", *words]
    with (
        (data / "server.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            line = process.stdout.readline()
            assert line, (data / "server.log").read_text()
            yield str(json.loads(line)["url"])
        finally:
            process.stdin.close()
            assert process.wait(60) == 0, (data / "server.log").read_text()


@contextmanager
def key_service(data: Path) -> Iterator[KeyService]:
    """The keys of a data folder, beside the running server."""
    settings = Settings(data_dir=data)
    with Ledger.open_beside(settings.ledger_url, plant=settings.plant, clock=SystemClock()) as ledger:
        yield KeyService(ledger, clock=SystemClock(), pepper=read_or_create_secret(data / "key-pepper"))


def make_key(data: Path, role: Role, *, station: str | None = None) -> tuple[str, str]:
    """A new key: its identifier and its secret."""
    with key_service(data) as keys:
        made = keys.create(f"test {role.value}", role, station=station)
    return made.key.id, made.secret


def last_json(text: str) -> Any:
    """The JSON document that a command printed."""
    return json.loads(text)
