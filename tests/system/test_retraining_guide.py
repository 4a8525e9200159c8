"""docs/guides/retraining.md, typed as it stands at a running demonstration, with a small set and a short training."""

import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lineside_process import LINESIDE
from proofs import missing

pytestmark = [pytest.mark.system, pytest.mark.training]

GUIDE = Path(__file__).parents[2] / "docs/guides/retraining.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SMALLER = {"BOARDS=120": "BOARDS=24", "EPOCHS=4": "EPOCHS=1", "CROPS=4": "CROPS=1"}
ADDRESS = "http://127.0.0.1:8470"
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


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[str]:
    """The demonstration in a terminal of its own, on a free port; gives its URL once it judges parts."""
    with (
        (folder / "demo.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=log) as process,
    ):

        def address() -> str | None:
            said = (folder / "demo.log").read_text()
            assert process.poll() is None, said
            found = re.search(r"deploy to (http\S+) with", said)
            return found[1] if found and re.search(r"^10 parts", said, re.MULTILINE) else None

        try:
            yield until(address)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0, (folder / "demo.log").read_text()


def until(question: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < give_up_at, "no answer"
        time.sleep(0.5)
    return answer


def test_the_guide_leads_from_labels_to_a_release_on_the_line_and_back(tmp_path: Path) -> None:
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            missing(f"the guide needs {tool}")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "lineside").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lineside.cli "$@"\n')
    (tools / "lineside").chmod(0o755)
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    for given, smaller in SMALLER.items():
        assert given in blocks[0]
        blocks[0] = blocks[0].replace(given, smaller)
    [demo] = [number for number, block in enumerate(blocks) if block.startswith("lineside demo")]
    environment = os.environ | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "*",
        "OMP_NUM_THREADS": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    shell = Shell(tmp_path, environment)
    try:
        printed = [shell.type(block) for block in blocks[:demo]]
        assert "too few (blocks)" in printed[-1]  # the newcomer's set can show nothing, and is told so
        assert "the gate did not let it pass" in printed[-1]
        for report in ("checked/report.html", "judged-val/report.html", "judged-golden/report.html"):
            assert (tmp_path / report).is_file()
        digest = str(json.loads(shell.type("lineside release show pcb-reference 1.1.0 --json"))["digest"])
        command = [*LINESIDE, *shlex.split(blocks[demo])[1:], "--port", "0", "--engine", "onnxruntime-fp32"]
        with running(command, tmp_path) as url:
            follow(shell, [block.replace(ADDRESS, url) for block in blocks[demo + 1 :]], digest=digest)
    finally:
        shell.close()


def follow(shell: Shell, blocks: list[str], *, digest: str) -> None:
    """What happens at the running line, and what the newcomer sees of it."""
    enter, shadow, show, withdraw, live, back, retire = blocks

    def judged_by() -> str:
        [part] = json.loads(shell.type('look "/v1/inspections?limit=1"').strip().splitlines()[-1])["items"]
        record = shell.type(f'look "/v1/inspections/{part["id"]}"').strip().splitlines()[-1]
        return str((json.loads(record)["release"] or {}).get("digest"))

    def compared() -> bool:
        found = re.search(r"^compared\t(\d+) parts", shell.type(show), re.MULTILINE)
        assert found
        return int(found[1]) > 0

    shell.type(enter)
    starter = until(judged_by)
    assert starter != digest
    shell.type(shadow)
    until(compared)
    assert judged_by() == starter
    assert "is withdrawn" in shell.type(withdraw)
    in_force = shell.type(live)
    assert digest in in_force
    until(lambda: judged_by() == digest)
    shell.type(back)
    until(lambda: judged_by() == starter)
    standing = {line.split("\t")[1]: line.split("\t")[6] for line in shell.type(retire).splitlines() if "\t" in line}
    assert standing == {"1": "withdrawn", "2": "superseded", "3": "in_force"}
