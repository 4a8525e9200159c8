"""`lineside` in processes that can be killed, without the seconds that each would take to import everything.

A process of its own imports once and has a child for each command. It uses no threads, so that forking it is safe.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

_PARENT = """
import json, os, signal, sys
import label_studio_sdk
import lineside.workflows.labelling
from lineside.cli import main

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        told = os.open(asked["told"], os.O_WRONLY | os.O_CREAT)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(told, 1)
        os.dup2(told, 2)
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["lineside", *asked["words"]]
        code = 1
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        with open(asked["told"] + ".code", "w") as file:
            file.write(str(code))
        os._exit(code)
    print(child, flush=True)
"""
_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class Running:
    """A command in a process of its own.

    Attributes:
        pid: of the process.
        told_in: the file that stdout and stderr go to.
    """

    pid: int
    told_in: Path

    @property
    def told(self) -> str:
        """What it wrote so far."""
        return self.told_in.read_text() if self.told_in.exists() else ""

    @property
    def is_alive(self) -> bool:
        """Whether it is still running."""
        return _is_alive(self.pid)

    def kill(self) -> None:
        """End it at once, with nothing done."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> int | None:
        """Wait for its end; its exit status, None if it was killed."""
        for _ in range(int(_PATIENCE_S / _LOOK_EVERY_S)):
            if not _is_alive(self.pid):
                break
            time.sleep(_LOOK_EVERY_S)
        else:
            raise TimeoutError(f"still running after {_PATIENCE_S:.0f} s: {self.told}")
        code = Path(f"{self.told_in}.code")
        return int(code.read_text()) if code.exists() else None


class Commands:
    """Starts commands."""

    def __init__(self, parent: "subprocess.Popen[str]", folder: Path) -> None:
        self._parent, self._folder = parent, folder

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> Running:
        """Start a command."""
        told = self._folder / f"{uuid4().hex}.txt"
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        asked = {"words": list(words), "environment": dict(environment), "told": str(told)}
        self._parent.stdin.write(json.dumps(asked) + "\n")
        self._parent.stdin.flush()
        return Running(int(self._parent.stdout.readline()), told)


@contextmanager
def forked_commands(folder: Path) -> Iterator[Commands]:
    """Have the parent process within the block."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        yield Commands(parent, folder)
        assert parent.stdin is not None
        parent.stdin.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
