"""The reference page of the command line, made from the commands themselves.

Write it anew with `python -m lineside.cli.reference docs/cli.md`; a test compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from lineside.cli.main import app

_WIDTH = 100
_INTRODUCTION = """\
# The command line

Made from the commands themselves: `python -m lineside.cli.reference docs/cli.md`.

Every command writes data to stdout and talk to stderr. It ends with 0; with 1 after an error, in one line on stderr;
with 2 after a wrong call; with 130 after Ctrl-C, which is how `serve` and `demo` end well: with 0. `--json` prints
what a program reads.
"""


def reference_page() -> str:
    """The page in Markdown: the help of every command, in the order in which `lineside --help` names them."""
    sections = [_INTRODUCTION]
    for path in command_paths():
        level = "##" if len(path) < 2 else "###"
        name = " ".join(("lineside", *path))
        sections.append(f"{level} {name}\n\n```text\n{_help_of(path)}```\n")
    return "\n".join(sections)


def command_paths() -> Iterator[tuple[str, ...]]:
    """Every command as the words after `lineside`, groups before what is in them; the first is `lineside` itself."""
    yield from _paths_from((), get_command(app))


def _paths_from(path: tuple[str, ...], command: object) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():  # only a group has them
        yield from _paths_from((*path, name), inner)


def _help_of(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(app, [*path, "--help"], prog_name="lineside", terminal_width=_WIDTH)
    return result.output


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference_page(), encoding="utf-8")
