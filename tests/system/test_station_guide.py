"""docs/guides/station.md, typed as it stands: from an empty folder to a station that adds up."""

import os
import re
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from guide_shell import BLOCK, Shell, another_terminal, tools_for, until
from lineside.station.agent import parse_station
from lineside.workflows.ports import free_port

pytestmark = pytest.mark.system

GUIDE = Path(__file__).parents[2] / "docs/guides/station.md"
SERVER_PORT, PLC_PORT = "8470", "5020"
MASTERS = re.compile(r"^```yaml\n(masters:.*?)^```", re.MULTILINE | re.DOTALL)

KNOWN = re.compile(r"^```text\n(lineside known-parts .*?)^```", re.MULTILINE | re.DOTALL)


def with_free_ports(text: str) -> str:
    """The guide for this machine, where somebody may have its ports."""
    for port in (SERVER_PORT, PLC_PORT):
        assert port in text
        text = text.replace(port, str(free_port()))
    return text


def table(printed: str) -> dict[str, str]:
    """The rows of a table in a pipe, by their first cell."""
    return dict(row.split("\t", 1) for row in printed.splitlines() if "\t" in row)


def test_the_guide_takes_a_part_from_the_camera_to_the_gate(tmp_path: Path) -> None:
    text = with_free_ports(GUIDE.read_text(encoding="utf-8"))
    demo, camera, keys, file, serve, server, plc, run, belt, away, bypass, stop, shift, reconcile = BLOCK.findall(text)
    assert demo == "lineside station demo\n"  # test_station_demo.py runs it
    tools = tools_for(tmp_path)
    python = tmp_path / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")}
    environment |= {"PATH": tools, "NO_PROXY": "*", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shell = Shell(tmp_path, environment)

    def terminal(line: str, ready: str) -> Any:
        return another_terminal(
            shlex.split(line), tmp_path, lambda said: re.search(ready, said), environment=environment
        )

    serve = f"{serve.strip()} --engine onnxruntime-fp32"  # measuring which is fastest takes its time

    def status() -> dict[str, str]:
        return table(shell.type("lineside station status station.yaml"))

    try:
        assert "virtual\t" in shell.type(camera)
        shell.type(keys)
        checked = shell.type(file)
        assert "file\tok" in checked
        assert "20 of 20" in checked
        with ExitStack() as terminals:
            with terminal(serve, r"http://127\.0\.0\.1:\d+"):
                shell.type(server)
                reached = shell.type(plc)
                for what in ("server", "recipe", "own engine", "camera default", "PLC (modbus)"):
                    assert f"\n{what}\tok\t" in reached, reached
                station = terminals.enter_context(ExitStack())
                station.enter_context(terminal(run, "station aoi-1 runs"))
                said = shell.type(belt)
                assert re.search(r'"results": [1-9]', said), said
            until(lambda: re.search(r"\d", status().get("inspection waiting", "")))
            assert "the oldest record waits" in shell.type(away)
            with terminal(serve, r"http://127\.0\.0\.1:\d+"):
                until(lambda: "inspection waiting" not in status())
                assert "L-1" in shell.type(bypass)
                assert "guard open" in shell.type(stop)
                shell.type(KNOWN.findall(text)[0])
                shell.type(shift)
                until(lambda: "end of shift" in shell.type('order \'{"do": "look"}\''))
                station.close()  # Ctrl-C
                with terminal(run, "station aoi-1 runs"):
                    until(lambda: not status())
                added = shell.type(reconcile)
                rows = table(added)
                assert int(rows["triggers"]) > 0
                assert "everything adds up" in added
                assert '"why": "bypass"' in added
                assert '"why": "permit"' in added
    finally:
        shell.close()


def test_the_master_samples_of_the_guide_are_a_stations() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    (masters,) = MASTERS.findall(text)
    (written,) = re.findall(r"cat > station\.yaml <<'END'\n(.*?)^END$", text, re.MULTILINE | re.DOTALL)
    document = yaml.safe_load(written)
    document["rules"] |= yaml.safe_load(masters)
    rules = parse_station(yaml.safe_dump(document), source="the guide", folder=Path()).rules
    assert rules.masters is not None
    assert set(rules.masters.parts) == {"MASTER-1", "MASTER-2"}
