"""A program of the demonstration as a process of its own, which never outlives the one that started it."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from lineside.workflows.errors import ServerFailed

T = TypeVar("T")

_READY_S = 120.0  # opening ledger and page takes seconds; the bound is for a machine that is badly overloaded
_STOP_S = 30.0
_LONGEST_LINE = 16 * 1024 * 1024


class ChildProcess:
    """A running program.

    Attributes:
        announced: what it said on its first line of stdout.
    """

    def __init__(
        self, name: str, announced: Mapping[str, Any], process: asyncio.subprocess.Process, log_path: Path
    ) -> None:
        self.announced = announced
        self._name = name
        self._process = process
        self._log_path = log_path

    async def ask(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write a line of JSON to its stdin, and read the line that it answers with on stdout.

        Raises:
            ServerFailed: it answered nothing.
        """
        if self._process.stdin is None:
            raise ServerFailed(f"{self._name} was started without a pipe")
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError as error:
            said = await asyncio.to_thread(_last_words, self._log_path)
            raise ServerFailed(f"{self._name} ended: {said}") from error
        return await _line_of_json(self._name, self._process, self._log_path, within_s=_STOP_S)

    async def close(self) -> Mapping[str, Any]:
        """Close its stdin, at which it ends, and read the line that it says last.

        Raises:
            ServerFailed: it said nothing.
        """
        if self._process.stdin is not None:
            self._process.stdin.close()
        return await _line_of_json(self._name, self._process, self._log_path, within_s=_STOP_S)

    async def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something that needs the program, and stop doing it if the program ends.

        Raises:
            ServerFailed: it ended by itself.
        """
        working = asyncio.create_task(work)
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({working, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                said = await asyncio.to_thread(_last_words, self._log_path)
                raise ServerFailed(f"{self._name} ended by itself: {said}")
            return await working
        finally:
            for task in (working, ended):
                task.cancel()
            await asyncio.gather(working, ended, return_exceptions=True)


@asynccontextmanager
async def child_process(
    name: str, command: Sequence[str], *, log_path: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[ChildProcess]:
    """Run a program for the length of the block, once it says in a line of JSON that it is ready.

    Its stdin is a pipe that closes with this process, whatever ends it, and the program ends with its stdin.

    Args:
        name: what errors call it: "the server".
        command: program and arguments, which make it end with its stdin.
        log_path: gets its stderr.
        environment: variables besides this process's own; secrets go this way, never by `command`.

    Raises:
        ServerFailed: it does not start.
    """
    process = await _start(command, log_path, environment)
    try:
        announced = await _line_of_json(name, process, log_path, within_s=_READY_S)
        yield ChildProcess(name, announced, process, log_path)
    finally:
        await _stop(process)


async def _start(
    command: Sequence[str], log_path: Path, environment: Mapping[str, str] | None
) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl-C reaches the demonstration alone, which then ends the program in good order.
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    with log_path.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=_LONGEST_LINE,
            env={**os.environ, **(environment or {})},
            start_new_session=os.name == "posix",
            creationflags=flags,
        )


async def _line_of_json(
    name: str, process: asyncio.subprocess.Process, log_path: Path, *, within_s: float
) -> Mapping[str, Any]:
    """What it says on its next line of stdout; the first one it says once it is ready."""
    if process.stdout is None:
        raise ServerFailed(f"{name} was started without a pipe")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), within_s)
    except TimeoutError as error:
        raise ServerFailed(f"{name} said nothing within {within_s:.0f} s; see {log_path}") from error
    if not line:
        raise ServerFailed(f"{name} ended: {await asyncio.to_thread(_last_words, log_path)}")
    try:
        said: Mapping[str, Any] = json.loads(line)
    except ValueError as error:
        raise ServerFailed(f"{name} said {line[:80]!r}; expected a line of JSON; see {log_path}") from error
    return said


def _last_words(log_path: Path) -> str:
    """The last line of its log: what a command says when it cannot go on."""
    lines = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{lines[-1].removeprefix('lineside: ') if lines else 'without a word'} (see {log_path})"


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the program: ask, and if it does not, kill."""
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
