"""docs/guides/retraining.md, typed as it stands at a running demonstration, with a small set and a short training."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from guide_shell import BLOCK, Shell, another_terminal, tools_for, until
from lineside_process import LINESIDE

pytestmark = [pytest.mark.system, pytest.mark.training]

GUIDE = Path(__file__).parents[2] / "docs/guides/retraining.md"
SMALLER = {"BOARDS=120": "BOARDS=24", "EPOCHS=4": "EPOCHS=1", "CROPS=4": "CROPS=1"}
ADDRESS = "http://127.0.0.1:8470"


def address(said: str) -> str | None:
    """The demonstration's URL, once it judges parts."""
    found = re.search(r"deploy to (http\S+) with", said)
    return found[1] if found and re.search(r"^10 parts", said, re.MULTILINE) else None


def test_the_guide_leads_from_labels_to_a_release_on_the_line_and_back(tmp_path: Path) -> None:
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    for given, smaller in SMALLER.items():
        assert given in blocks[0]
        blocks[0] = blocks[0].replace(given, smaller)
    [demo] = [number for number, block in enumerate(blocks) if block.startswith("lineside demo")]
    environment = os.environ | {
        "PATH": tools_for(tmp_path),
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
        with another_terminal(command, tmp_path, address) as url:
            follow(shell, [block.replace(ADDRESS, url) for block in blocks[demo + 1 :]], digest=digest)
        page = (tmp_path / "runs/again/summary.html").read_text("utf-8")
        assert "pcb-reference 1.2.0" in page
    finally:
        shell.close()


def follow(shell: Shell, blocks: list[str], *, digest: str) -> None:
    """What happens at the running line, and what the newcomer sees of it."""
    enter, shadow, show, withdraw, live, back, retire, plan, again = blocks

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
    planned = shell.type(plan)
    assert "live\tpcb-reference 1.0.0" in planned
    assert "candidate\t1.2.0" in planned
    retrained = shell.type(again)
    assert "too few (blocks)" in retrained
    assert "the gate did not let it pass" in retrained
