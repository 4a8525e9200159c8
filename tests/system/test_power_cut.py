"""A power cut at any moment loses nothing that was acknowledged; the replay itself can find losses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proofs import missing

HARNESS = Path(__file__).parents[2] / "benchmarks" / "power_cut.py"

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def replays() -> dict[str, dict[str, int]]:
    """What 1,000 cuts did with synchronous=FULL, and 200 with NORMAL, the control."""
    if shutil.which("strace") is None:
        message = "strace is not on PATH: the power-cut replay did not run (Debian, Ubuntu: apt install strace)"
        missing(message)
    ran = subprocess.run(
        [sys.executable, HARNESS, "--json", "--cuts", "1000", "--control-cuts", "200"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {replay["synchronous"]: replay for replay in json.loads(ran.stdout)}


def test_a_thousand_cuts_lose_no_acknowledged_verdict(replays: dict[str, dict[str, int]]) -> None:
    full = replays["FULL"]
    assert (full["cuts"], full["acknowledged"], full["chains_checked"]) == (1000, 300, 100)
    assert (full["lossy_cuts"], full["most_lost"], full["corrupt_cuts"], full["torn_cuts"]) == (0, 0, 0, 0)
    assert full["broken_chains"] == 0


def test_the_replay_finds_the_loss_where_the_log_is_not_synced(replays: dict[str, dict[str, int]]) -> None:
    control = replays["NORMAL"]
    assert control["syncs"] < replays["FULL"]["syncs"]
    assert control["lossy_cuts"] > 0
    assert control["corrupt_cuts"] == 0
