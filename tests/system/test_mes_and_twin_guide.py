"""docs/guides/mes-and-twin.md, typed as it stands: at a demonstration, then at a server with the reader's own peer."""

import json
import os
import re
import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guide_shell import BLOCK, Shell, another_terminal, tools_for, until
from lineside_process import LINESIDE
from proofs import missing

pytestmark = pytest.mark.system

GUIDE = Path(__file__).parents[2] / "docs/guides/mes-and-twin.md"
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SERVER, BROKER, OPCUA = "http://127.0.0.1:8470", "BROKER=1883", "opc.tcp://127.0.0.1:4840/lineside"
OWN = "127.0.0.1:8600"
SINKS = ("json-topics", "mes", "opcua", "sparkplug")


def judging(said: str) -> dict[str, str] | None:
    """Where everybody is, once some parts were judged."""
    if not re.search(r"^20 parts", said, re.MULTILINE):
        return None
    found = {
        SERVER: re.search(r"^page (http\S+)/page", said, re.MULTILINE),
        BROKER: re.search(r"^MQTT 127\.0\.0\.1:(\d+)", said, re.MULTILINE),
        OPCUA: re.search(r"(opc\.tcp://\S+)", said),
    }
    told = {given: match[1] for given, match in found.items() if match}
    assert told.keys() == found.keys(), said
    return told | {BROKER: f"BROKER={told[BROKER]}"}


def serving(said: str) -> str | None:
    """The server's URL, once it answers."""
    found = re.search(r"(http://127\.0\.0\.1:\d+)", said)
    return found[1] if found else None


def words(line: str) -> list[str]:
    """A command of the guide, as the program under test on a free port."""
    return [*LINESIDE, *shlex.split(line)[1:], "--port", "0"]


def test_the_guide_connects_the_mes_the_broker_the_plc_and_the_twin(tmp_path: Path) -> None:
    for tool in ("mosquitto_sub", "openssl"):
        if shutil.which(tool) is None:
            missing(f"the guide needs {tool}")
    text = GUIDE.read_text(encoding="utf-8")
    line, enter, order, hold, genealogy, proposal, topics, sparkplug, certificate, opcua, twin, what_if, same, *own = (
        BLOCK.findall(text)
    )
    read_line, receiver = PROGRAM.findall(text)
    environment = os.environ | {"PATH": tools_for(tmp_path), "NO_PROXY": "*", "XDG_STATE_HOME": str(tmp_path / "state")}
    python = tmp_path / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "read_line.py").write_text(read_line)
    shell = Shell(tmp_path, environment)
    try:
        demo = [*words(line), "--engine", "onnxruntime-fp32"]
        with another_terminal(demo, tmp_path, judging) as told:
            for given, ours in told.items():
                assert given in enter
                enter = enter.replace(given, ours)
            assert_all_delivering(shell.type(enter))
            ordered, progress = map(json.loads, shell.type(order).strip().splitlines())
            assert ordered["pending"]["context"]["order_id"] == "JO-77"
            assert progress["state"] == "accepted"
            assert "lot L-77 is released" in shell.type(hold)
            part, lot = map(json.loads, shell.type(genealogy).strip().splitlines())
            assert part["attempts"][-1]["verdict"] == "NG"
            assert lot["lot"] == part["lots"][0]
            assert "three shorts in a row" in shell.type(proposal).splitlines()[-1]
            assert re.match(r"lineside/plant-1/\S+/\w+ \{", shell.type(topics))
            assert len(re.findall(r"^spBv1\.0/plant-1/\S+ \d+ bytes", shell.type(sparkplug), re.MULTILINE)) == 2
            shell.type(certificate)
            stranger, known = shell.type(opcua).split("is trusted; ")
            assert "BadCertificateUntrusted" in stranger
            assert re.search(r"^LastVerdict (OK|NG)$", known, re.MULTILINE)
            assert re.search(r'"ProducedQuantity":\{"key":"PQ","currentValue":[1-9]', shell.type(twin))
            assert (tmp_path / "line.aasx").read_bytes()[:2] == b"PK"
            until(lambda: has_a_past(shell))
            assert "last period, ng_rate" in shell.type(what_if)
            assert_nothing_missing(shell.type(same))
        connect_own(shell, own, receiver, tmp_path)
    finally:
        shell.close()


def has_a_past(shell: Shell) -> bool:
    """Whether enough parts were judged before the period that the question is checked on, which is half a minute."""
    earlier = (datetime.now(UTC) - timedelta(seconds=45)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return len(json.loads(shell.type(f'ask "$SERVER/v1/inspections?limit=150&to={earlier}"\n'))["items"]) >= 120


def assert_all_delivering(status: str) -> None:
    """The demonstration tells everybody."""
    for name in SINKS:
        assert re.search(rf"^{name}\t.*\tdelivering\t", status, re.MULTILINE), status


def assert_nothing_missing(reconciled: str) -> None:
    """As many verdicts and events as frames, and all of them told."""
    figures = re.search(r"(\d+) attempts, (\d+) frames, (\d+) verdicts, (\d+) events", reconciled)
    assert figures
    assert len(set(figures.groups())) == 1
    for name in SINKS:
        found = re.search(rf"^{name}\t(\d+)\t\w+\t(\d+)\t0\t0\t0\t", reconciled, re.MULTILINE)
        assert found, reconciled
        assert found[1] == found[2]


def connect_own(shell: Shell, blocks: list[str], receiver: str, folder: Path) -> None:
    """A peer that is away first, then comes, and is told everything once."""
    name_it, serve, away, come, again = blocks
    port = shell.type("python -c 'import socket; s = socket.socket(); s.bind((\"\", 0)); print(s.getsockname()[1])'")
    address = f"127.0.0.1:{port.strip()}"
    assert "own\twebhook\t" in shell.type(name_it.replace(OWN, address))
    (folder / "receiver.py").write_text(receiver.replace("8600", port.strip()))
    with another_terminal(words(serve), folder, serving) as server:
        shell.type(f"SERVER={server}")
        until(lambda: "connection" in shell.type(away))
        shell.type("python receiver.py > told.txt & RECEIVER=$!")
        try:
            until(lambda: re.search(r"^own\t.*\tdelivering\t0\t", shell.type(come), re.MULTILINE))
            told = (folder / "told.txt").read_text().splitlines()
            assert "org.lineside.order.v1 JO-77 None" in told
            assert any(re.fullmatch(r"org\.lineside\.inspection\.v1 \S+ NG", one) for one in told)
            assert not any(one.endswith(" OK") for one in told)
            shell.type(again)
            assert (folder / "told.txt").read_text().splitlines()[: len(told)] == told
        finally:
            shell.type("kill $RECEIVER; wait $RECEIVER || true")
