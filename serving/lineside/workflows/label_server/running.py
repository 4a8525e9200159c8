"""A local Label Studio, from its start until it is stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from lineside.client.file_lock import FileLock
from lineside.workflows.errors import LabelServerFailed
from lineside.workflows.label_server.home import LabelServerHome
from lineside.workflows.label_server.server_variables import server_variables
from lineside.workflows.ports import LOOPBACK, bindable_port

LABEL_SERVER_PORT = 8480

_READY_S = 600.0  # the first start makes a hundred tables: 94 s were seen on a machine with much else to do
_LOOK_AGAIN_S = 0.25
_ANSWER_S = 10.0
_STOP_S = 15.0
_LAUNCH = Path(__file__).with_name("launch.py")
_LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class RunningLabelServer:
    """A Label Studio that answers.

    Attributes:
        url: where, on this machine only.
        home: what it keeps, and its login.
        version: as it says itself.
        process: its only process.
    """

    url: str
    home: LabelServerHome
    version: str
    process: "subprocess.Popen[bytes]"

    def wait(self) -> None:
        """Wait until the server ends.

        Raises:
            LabelServerFailed: always, for it never ends by itself for a good reason.
        """
        status = self.process.wait()
        raise LabelServerFailed(f"Label Studio ended by itself with status {status}: {_last_words(self.home.log_file)}")


@contextmanager
def label_server(
    home: LabelServerHome,
    python: Path,
    *,
    port: int = LABEL_SERVER_PORT,
    say: Callable[[str], None] = lambda _line: None,
) -> Iterator[RunningLabelServer]:
    """Run a Label Studio for the length of the block, once it answers and knows the home's token.

    It ends with this process, whatever ends that.

    Args:
        home: its data and login.
        python: interpreter of an environment that has Label Studio.
        port: on loopback; 0 for any that is free.
        say: told what takes long.

    Raises:
        LabelServerFailed: it does not start, the port is taken, another one runs in this home, or the home's database
            does not know the home's token.
    """
    lock = FileLock(home.lock_file)
    if not lock.acquire(note=f"process {os.getpid()}"):
        raise LabelServerFailed(
            f"a Label Studio runs from {home.folder} already ({lock.note()}); stop that one, or choose another --home"
        )
    try:
        port = _available(port)
        url = f"http://{LOOPBACK}:{port}"
        if not (home.data_dir / "label_studio.sqlite3").exists():
            say("first start: Label Studio makes its database, which takes a minute or two")
        process = _start(home, python, port)
        try:
            yield RunningLabelServer(url, home, _wait_until_ready(url, port, home, process), process)
        finally:
            _stop(process)
    finally:
        lock.release()


def _available(wanted: int) -> int:
    """The port, if nobody has it: Label Studio would take the next one without a word."""
    try:
        return bindable_port(wanted)
    except OSError as error:
        raise LabelServerFailed(
            f"cannot listen on {LOOPBACK} port {wanted}: {error.strerror}; choose another with --port"
        ) from error


def _start(home: LabelServerHome, python: Path, port: int) -> "subprocess.Popen[bytes]":
    # -I: neither this folder nor the person's own packages are importable; -u: the log has every line when it is said
    command = [
        *(str(python), "-I", "-u", str(_LAUNCH), "start"),
        *("--no-browser", "--internal-host", LOOPBACK, "--port", str(port)),
    ]
    descriptor = os.open(home.log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        # A session of its own: Ctrl-C reaches our command alone, which then ends the server in good order.
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            cwd=home.data_dir,
            env=server_variables(home, os.environ),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def _wait_until_ready(url: str, port: int, home: LabelServerHome, process: "subprocess.Popen[bytes]") -> str:
    """Wait for the first healthy answer; gives the server's version."""
    until = time.monotonic() + _READY_S
    with httpx.Client(base_url=url, trust_env=False, timeout=_ANSWER_S) as http:
        while not _is_healthy(http):
            if process.poll() is not None:
                raise LabelServerFailed(
                    f"Label Studio ended at its start with status {process.returncode}: {_last_words(home.log_file)}"
                )
            if f"Port {port} is in use" in _log(home.log_file):
                raise LabelServerFailed(f"port {port} was taken while Label Studio started; choose another with --port")
            if time.monotonic() > until:
                raise LabelServerFailed(
                    f"Label Studio did not answer within {_READY_S:.0f} s: {_last_words(home.log_file)}"
                )
            time.sleep(_LOOK_AGAIN_S)
        return _checked_version(http, port, home, process)


def _is_healthy(http: httpx.Client) -> bool:
    try:
        return http.get("/health").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _checked_version(http: httpx.Client, port: int, home: LabelServerHome, process: "subprocess.Popen[bytes]") -> str:
    """The version of the server on the port, which must be the one that we started: it knows our token."""
    headers = {"Authorization": f"Token {home.login.token}"}
    try:
        who = http.get("/api/current-user/whoami", headers=headers)
        is_ours = who.status_code == httpx.codes.OK and who.json().get("email") == home.login.email
        if is_ours and process.poll() is None:
            return str(http.get("/api/version", headers=headers).json()["release"])
    except (httpx.HTTPError, ValueError, KeyError, AttributeError) as error:
        raise LabelServerFailed(
            f"what answers on port {port} is no Label Studio ({error}); choose another --port"
        ) from error
    raise LabelServerFailed(
        f"what answers on port {port} does not know the token of {home.folder} (status {who.status_code}): another "
        "program took the port, then choose another --port; or the home's file `secret` was replaced, or its legacy "
        "tokens were switched off in Label Studio, then put that back or start with a new --home"
    )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server: ask, and if it does not, kill."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _log(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _last_words(path: Path) -> str:
    lines = [line.strip() for line in _log(path).splitlines() if line.strip()]
    return f"{' | '.join(lines[-_LAST_LINES:]) or 'without a word'} (see {path})"
