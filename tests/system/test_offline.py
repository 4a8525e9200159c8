"""demo, serve and inspect where only loopback exists; any attempt to reach further fails the test.

OpenVINO and others bring telemetry packages; that they stay silent here is measured, not believed.
"""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

from blob_detector import Blob, BlobModel, TinyRelease, draw_blobs
from lineside_process import LINESIDE, connects_off_loopback, traced_connects, without_network
from proofs import missing

pytestmark = pytest.mark.system

_REACHES_OUT = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))"
_SERVES_ONCE = """
import subprocess, sys, urllib.request, json
server = subprocess.Popen([sys.executable, "-m", "lineside.cli", "serve", "--data", sys.argv[1], "--port", "0",
    "--json", "--ends-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
url = json.loads(server.stdout.readline())["url"]
print(urllib.request.urlopen(url + "/healthz").status, urllib.request.urlopen(url + "/login").status)
server.stdin.close()
sys.exit(server.wait())
"""


def run_offline(command: list[str], trace: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without a network, and fail if it tried to reach one."""
    if shutil.which("strace") is None:
        missing("strace is not installed: sh tests/install-system-tools.sh")
    ran = subprocess.run(
        without_network(traced_connects(command, trace)), capture_output=True, text=True, check=False, timeout=400
    )
    assert ran.returncode == 0, ran.stderr
    assert connects_off_loopback(trace) == []
    return ran


def test_the_trace_sees_an_attempt_to_reach_out(tmp_path: Path) -> None:
    """Without this the tests below could not fail."""
    if shutil.which("strace") is None:
        missing("strace is not installed: sh tests/install-system-tools.sh")
    trace = tmp_path / "trace"
    command = without_network(traced_connects(["python3", "-c", _REACHES_OUT], trace))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert len(connects_off_loopback(trace)) == 1


def test_the_demonstration_runs_offline(tmp_path: Path) -> None:
    command = [*LINESIDE, "demo", "--parts", "8", "--port", "0", "--json", "--data", str(tmp_path / "data")]
    ran = run_offline(command, tmp_path / "trace")
    summary = json.loads(ran.stdout)
    assert sum(summary["verdicts"].values()) == 8


def test_the_server_with_its_page_runs_offline(tmp_path: Path) -> None:
    ran = run_offline([LINESIDE[0], "-c", _SERVES_ONCE, str(tmp_path / "data")], tmp_path / "trace")
    assert ran.stdout.split() == ["200", "200"]


def test_inspecting_files_runs_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # every engine is measured anew
    release = TinyRelease(model=BlobModel(size_wh_px=(160, 160))).write(tmp_path / "release")
    image = draw_blobs((Blob(1, 64, 48),), (160, 160))
    image[0:40:8, :] = 255
    cv2.imwrite(str(tmp_path / "part.png"), image)
    command = [*LINESIDE, "inspect", str(tmp_path / "part.png"), "--release", str(release), "--json"]
    ran = run_offline(command, tmp_path / "trace")
    assert json.loads(ran.stdout)["parts"][0]["verdict"] == "NG"
