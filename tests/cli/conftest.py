"""Running the command in this process, as its entry point does."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from lineside.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended.

    Attributes:
        code: its exit status.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
    """

    code: int
    out: str
    err: str


RunCommand = Callable[..., Ran]


@pytest.fixture
def lineside(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """`lineside("keys", "list")` runs the command line and tells how it ended."""

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["lineside", *(str(word) for word in words)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run
