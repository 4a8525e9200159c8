"""Guides typed as they stand: their blocks, and a shell that remembers what a block set."""

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proofs import missing

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATIENCE_S = 300.0


class Shell:
    """A shell that blocks are typed into, one after another, as a person does: what one sets the next one knows."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-uo", "pipefail"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._typed = 0

    def type(self, block: str) -> str:
        """What it printed; a command that failed is a failure of the test."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._typed += 1
        end = f"<<end of block {self._typed}>>"
        failed = "<<failed: "
        trap = f"trap 'echo \"{failed}$BASH_COMMAND>>\"' ERR"
        self._process.stdin.write(f"{trap}\n{block}\ntrap - ERR\necho; echo '{end}'\n".encode())
        self._process.stdin.flush()
        printed = ""
        give_up_at = time.monotonic() + PATIENCE_S
        while f"{end}\n" not in printed:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, give_up_at - time.monotonic()))
            assert ready, f"no end within {PATIENCE_S:.0f} s:\n{block}\n{printed}"
            got = os.read(self._process.stdout.fileno(), 65536)
            assert got, f"the shell ended:\n{block}\n{printed}"
            printed += got.decode()
        assert failed not in printed, f"{block}\n{printed}"
        return printed.removesuffix(f"\n{end}\n")

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def until(question: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < give_up_at, "no answer"
        time.sleep(0.5)
    return answer


def tools_for(folder: Path) -> str:
    """A search path on which `lineside` is the program under test; what the guides type beside it must be there."""
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            missing(f"the guide needs {tool}")
    tools = folder / "bin"
    tools.mkdir()
    (tools / "lineside").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lineside.cli "$@"\n')
    (tools / "lineside").chmod(0o755)
    return f"{tools}{os.pathsep}{os.environ['PATH']}"


@contextmanager
def another_terminal(
    command: list[str], folder: Path, told: Callable[[str], Any], *, environment: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """A program in a terminal of its own, ended by Ctrl-C.

    Args:
        command: to run.
        folder: where.
        told: what is wanted of what it said on stderr so far; something false while it is not there yet.
        environment: of the program; this one's if None.
    """
    log_path = folder / f"terminal-{len(list(folder.glob('terminal-*.log')))}.log"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=None if environment is None else dict(environment),
        ) as process,
    ):

        def answer() -> Any:
            said = log_path.read_text()
            assert process.poll() is None, said
            return told(said)

        try:
            yield until(answer)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0, log_path.read_text()
