"""docs/guides/first-product.md, typed as it stands."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside_process import serving
from proofs import missing

pytestmark = pytest.mark.system

GUIDE = Path(__file__).parents[2] / "docs/guides/first-product.md"
BLOCK = re.compile(r"^```(sh|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8")) if kind == language]


def test_the_guide_leads_to_a_verdict_on_ones_own_product(tmp_path: Path) -> None:
    for tool in ("bash", "curl", "openssl"):
        if shutil.which(tool) is None:
            missing(f"the guide needs {tool}")
    defective = Board(BoardDesign(LayoutFamily.BUS, seed=7)).sample(look=Look.CAMERA, defects=3, seed=2)
    cv2.imwrite(str(tmp_path / "golden.png"), defective.reference)
    cv2.imwrite(str(tmp_path / "board.png"), defective.frame)
    (recipe,) = blocks("yaml")
    (tmp_path / "board-a.yaml").write_text(recipe, encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "lineside").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lineside.cli "$@"\n')
    (tools / "lineside").chmod(0o755)
    with serving(tmp_path / "plant-data") as url:
        typed = [block for block in blocks("sh") if not block.startswith("lineside serve")]
        assert len(typed) == len(blocks("sh")) - 1
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(typed).replace("http://127.0.0.1:8470", url)],
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "problems/" not in done.stdout
    answer = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"attempt"')))
    assert answer["verdict"] == "NG"
    assert (answer["recipe"]["id"], answer["release"]["name"]) == ("board-a", "pcb-reference")
    for picture in (tmp_path / "overlay.png", tmp_path / "overlays/board.png"):
        assert cv2.imread(str(picture)) is not None
