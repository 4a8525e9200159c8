"""docs/guides/line-scan.md, typed as it stands in an empty folder; its files of settings are ones that are taken."""

import csv
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guide_shell import BLOCK
from lineside.cli.main import app
from lineside.station.web import parse_web_file

GUIDE = (Path(__file__).parents[2] / "docs/guides/line-scan.md").read_text("utf-8")
SMALLER = {
    "--prints 6": "--prints 2",
    "1024": "640",
    "line_rate_hz: 2000, lines: 9984": "line_rate_hz: 4000, lines: 3328",
    "web run by-marks.yaml": "web run by-marks.yaml --no-picture",
    "release: starter:pcb-single": "release: starter:pcb-single\nengine: {name: onnxruntime-fp32, threads: 2}",
}


def _typed(block: str) -> str:
    """What a block prints; `lineside` runs in this process, which spares the time of starting it."""
    if not block.startswith("lineside "):
        shell, _, rest = block.partition("\nlineside ")
        subprocess.run(["bash", "-euo", "pipefail", "-c", shell], check=True, env=os.environ)
        return _typed(f"lineside {rest}") if rest else ""
    said = ""
    for line in block.strip().splitlines():
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        said += done.output
    return said


def test_the_guide_leads_from_a_web_to_its_map_cut_list_and_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = GUIDE
    for given, smaller in SMALLER.items():
        assert given in text
        text = text.replace(given, smaller)
    draw, file, run, maps, marks = BLOCK.findall(text)
    _typed(draw)
    _typed(file)
    assert "unsigned: no deployment; thresholds uncertified" in _typed(run)
    for name in re.findall(r"`([a-z-]+\.(?:json|jsonl|png|csv))`", GUIDE.split("## 4.")[0].split("## 3.")[1]):
        assert (tmp_path / "out" / name).is_file(), name
    permits = [json.loads(line)["permit"] for line in (tmp_path / "out/marks.jsonl").read_text().splitlines()]
    verdicts = [json.loads(line)["verdict"] for line in (tmp_path / "out/regions.jsonl").read_text().splitlines()]
    assert permits == [verdict == "OK" for verdict in verdicts]
    assert "from_mm,to_mm" in _typed(maps)
    assert (tmp_path / "roll.png").read_bytes().startswith(b"\x89PNG")
    cuts = list(csv.DictReader((tmp_path / "out/cut-list.csv").read_text().splitlines()))
    assert {cut["verdict"] for cut in cuts} <= {"NG", "NOT_INSPECTED"}
    assert "ROLL-2-000002" in _typed(marks)


def test_the_guides_camera_plc_and_server_are_taken() -> None:
    camera, server = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    [file] = re.findall(r"<<'END'\n(.*?)^END", GUIDE, re.MULTILINE | re.DOTALL)
    kept = "".join(line for line in file.splitlines(keepends=True) if line.split(":")[0] not in ("source", "marker"))
    assert parse_web_file(kept + camera, source="web.yaml").camera is not None
    without_release = "".join(line for line in kept.splitlines(keepends=True) if not line.startswith("release"))
    assert parse_web_file(without_release + camera + server, source="web.yaml").file.release is None
