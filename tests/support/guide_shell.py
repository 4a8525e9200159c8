"""Guides typed as they stand: their blocks, and a shell that remembers what a block set."""

import os
import re
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
