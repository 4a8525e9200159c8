"""docs/guides/defect-rates.md, typed as it stands at a running demonstration, with fewer boards."""

import os
import re
import shlex
from pathlib import Path

import pytest

from guide_shell import BLOCK, Shell, another_terminal, tools_for
from lineside_process import LINESIDE

pytestmark = pytest.mark.system

GUIDE = Path(__file__).parents[2] / "docs/guides/defect-rates.md"
ADDRESS, KEY = "http://127.0.0.1:8470", "lsk_..."
QUICK = ("--port", "0", "--engine", "onnxruntime-fp32")


def told(said: str) -> tuple[str, str] | None:
    """The demonstration's address and key, as it prints them, once it has filled lots."""
    found = re.search(r"^page (http\S+)/page   log in with (\S+)$", said, re.MULTILINE)
    return (found[1], found[2]) if found and re.search(r"^110 parts", said, re.MULTILINE) else None


def test_the_guides_commands_show_the_rate_and_its_charts(tmp_path: Path) -> None:
    path = tools_for(tmp_path)
    (tmp_path / "docs").symlink_to(GUIDE.parents[1])
    once, line, key_block, look, notes, baseline, forecast, study, comparison = BLOCK.findall(
        GUIDE.read_text(encoding="utf-8")
    )
    assert "--parts 960" in once
    assert KEY in key_block
    shell = Shell(tmp_path, os.environ | {"PATH": path, "NO_PROXY": "*"})
    try:
        quick = once.strip().replace("--parts 960", "--parts 150") + f" --pace 40 --no-page {shlex.join(QUICK)}"
        said = shell.type(quick)
        detector, rate = (
            next(each for each in said.splitlines() if re.match(rf"\s*{name}\b", each))
            for name in ("detector rate", "defect rate")
        )
        assert detector.split()[-1] == "outside"
        assert rate.split()[-1] == "inside"
        with another_terminal([*LINESIDE, *shlex.split(line)[1:], *QUICK], tmp_path, told) as (url, key):
            shell.type(key_block.replace(KEY, key))
            shown = shell.type(look.replace(ADDRESS, url))
            assert "-L01" in shown
            assert (tmp_path / "detector.svg").read_text().rstrip().endswith("</svg>")
            assert "lens cleaned" in shell.type(notes.replace(ADDRESS, url))
            assert re.search(
                r'"id":"first-lots","version":1,.*II', shell.type(baseline.replace(ADDRESS, url)), re.DOTALL
            )
            # with so few boards there are too few fifties for a trend: the guide has more
            assert re.search(
                '"outlook"|a trend needs 8', shell.type(forecast.replace(ADDRESS, url).strip() + " || true")
            )
            assert "it takes two" in shell.type(comparison.replace(ADDRESS, url))
        assert "a90/95" in shell.type(study)
        assert (tmp_path / "curve.svg").read_text().rstrip().endswith("</svg>")
    finally:
        shell.close()
