"""What the documentation says can be typed, can be; what it links to, exists."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lineside.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("inspect/**/*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL_OPERATORS = {"|", "||", "&&", ">", ";"}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def shell_lines(page: Path) -> Iterator[str]:
    """Every line of the page's shell blocks, continued lines joined."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                yield line


def lineside_commands() -> Iterator[tuple[str, list[str]]]:
    """The words after `lineside` of every command that a page shows."""
    for page in PAGES:
        for line in shell_lines(page):
            words = list(takewhile(lambda word: word not in SHELL_OPERATORS, shlex.split(line, comments=True)))
            if words and Path(words[0]).name == "lineside":
                yield page.name, words[1:]


def parse(words: list[str]) -> int:
    """Parse a command line as `lineside` would, without running it: an unknown word or option ends with 2."""
    return CliRunner().invoke(app, [*words, "--help"]).exit_code


@pytest.mark.parametrize(("page", "words"), [pytest.param(*case, id=" ".join(case[1])) for case in lineside_commands()])
def test_a_command_in_the_documentation_can_be_typed(page: str, words: list[str]) -> None:
    assert parse(words) == 0


@pytest.mark.parametrize("words", [["serve", "--no-such-option"], ["no-such-command"], ["keys", "made-up"]])
def test_a_command_that_does_not_exist_would_be_noticed(words: list[str]) -> None:
    assert parse(words) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_our_own_files_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_make_targets_that_the_documentation_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        word
        for page in PAGES
        for word in re.findall(r"`?make ([a-z-]+)", " ".join(shell_lines(page)) + page.read_text(encoding="utf-8"))
        if re.search(rf"(`make {word}|^make {word})", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"demo", "test", "lint", "bench"} <= named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
