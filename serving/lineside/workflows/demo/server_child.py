"""The server as a process of its own, which never outlives the one that started it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.errors import ServerFailed

T = TypeVar("T")

DEFAULT_PORT = 8470
_READY_S = 120.0  # opening ledger and page takes seconds; the bound is for a machine that is badly overloaded
_STOP_S = 30.0


class ServerChild:
    """A running server.

    Attributes:
        url: where it answers.
    """

    def __init__(self, url: str, process: asyncio.subprocess.Process, log_path: Path) -> None:
        self.url = url
        self._process = process
        self._log_path = log_path

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something that needs the server, and stop doing it if the server ends.

        Raises:
            ServerFailed: it ended by itself.
        """
        working = asyncio.create_task(work)
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({working, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                said = await asyncio.to_thread(_last_words, self._log_path)
                raise ServerFailed(f"the server ended by itself: {said}")
            return await working
        finally:
            for task in (working, ended):
                task.cancel()
            await asyncio.gather(working, ended, return_exceptions=True)


@asynccontextmanager
async def server_child(plan: DemoPlan) -> AsyncIterator[ServerChild]:
    """Run `lineside serve` for the length of the block, once it answers.

    Its stdin is a pipe that closes with this process, whatever ends it, and the child ends with its stdin. Its log is
    `server.log` in the data folder.

    Raises:
        ServerFailed: it does not start.
    """
    log_path = plan.data_dir / "server.log"
    process = await _start(plan, log_path)
    try:
        yield ServerChild(await _url(process, log_path), process, log_path)
    finally:
        await _stop(process)


async def _start(plan: DemoPlan, log_path: Path) -> asyncio.subprocess.Process:
    command = [
        *(sys.executable, "-m", "lineside.cli", "serve"),
        *("--data", str(plan.data_dir), "--host", "127.0.0.1", "--port", str(_port(plan))),
        *("--engine", plan.engine, "--language", plan.language, "--log-format", "json"),
        *("--simulated", "--json", "--ends-with-stdin", "--page" if plan.page else "--no-page"),
    ]
    if plan.releases_dir is not None:
        command += ["--releases", str(plan.releases_dir)]
        if plan.trust_file is None:
            command.append("--unsigned-releases")  # its parts are simulated
    if plan.trust_file is not None:
        command += ["--trust", str(plan.trust_file)]
    # A session of its own: Ctrl-C reaches the demonstration alone, which then ends the server in good order.
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    with log_path.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=os.name == "posix",
            creationflags=flags,
        )


def _port(plan: DemoPlan) -> int:
    """The port asked for; else the usual one, or any if somebody listens there already."""
    if plan.port is not None:
        return plan.port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT


async def _url(process: asyncio.subprocess.Process, log_path: Path) -> str:
    """What the child says on its first line of stdout, once it is ready."""
    if process.stdout is None:
        raise ServerFailed("the server was started without a pipe")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _READY_S)
    except TimeoutError as error:
        raise ServerFailed(f"the server did not get ready within {_READY_S:.0f} s; see {log_path}") from error
    if not line:
        raise ServerFailed(f"the server ended at its start: {await asyncio.to_thread(_last_words, log_path)}")
    return str(json.loads(line)["url"])


def _last_words(log_path: Path) -> str:
    """The last line of its log: what `lineside serve` says when it cannot go on."""
    lines = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{lines[-1].removeprefix('lineside: ') if lines else 'without a word'} (see {log_path})"


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the child: ask, and if it does not, kill."""
    if process.returncode is None:
        if os.name == "posix":
            process.send_signal(signal.SIGTERM)
        elif process.stdin is not None:
            process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
