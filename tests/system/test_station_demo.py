"""`lineside station demo` as a person runs it: processes of their own, an outage, an account that adds up."""

import json
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.spool import Gap, GapKind, Reconciliation
from lineside.workflows.station_demo import PartAccount, StationDemoSummary
from lineside_process import LINESIDE

DEMO = (*LINESIDE, "station", "demo")


def even(triggers: int, *gaps: Gap) -> Reconciliation:
    """A spool in which everything adds up, but for the gaps."""
    return Reconciliation(
        "aoi-1", triggers, triggers, triggers, triggers, triggers, {"server": triggers}, triggers, gaps
    )


def a_part(**changes: Any) -> PartAccount:
    """A good part that passed with a permit."""
    given: dict[str, Any] = {
        "part_id": "P1",
        "acquisition_id": 1,
        "lane": Lane.PASS,
        "why": "permit",
        "verdict": Verdict.OK,
        "judged_by": "server",
        "reasons": (),
        "booked_lane": Lane.PASS,
        "defects": (),
    }
    return PartAccount(**given | changes)


def summed(part: PartAccount, *gaps: Gap) -> StationDemoSummary:
    """The account of one part."""
    triggers = int(part.acquisition_id is not None)
    return StationDemoSummary((part,), triggers, even(triggers, *gaps), {}, (), None)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        pytest.param(a_part(), None, id="a good part that passed"),
        pytest.param(a_part(defects=("short",)), None, id="an escape is a fact"),
        pytest.param(
            a_part(verdict=Verdict.NG, lane=Lane.REJECT, booked_lane=Lane.REJECT), None, id="a false call too"
        ),
        pytest.param(
            a_part(acquisition_id=None, verdict=None, lane=Lane.REJECT, booked_lane=None), None, id="never triggered"
        ),
        pytest.param(a_part(verdict=Verdict.NG), "passed, and its verdict is NG", id="NG that passed"),
        pytest.param(a_part(verdict=Verdict.NOT_INSPECTED), "verdict is NOT_INSPECTED", id="unseen that passed"),
        pytest.param(
            a_part(verdict=None, acquisition_id=None, booked_lane=None, why="bypass"),
            "without a permit: bypass",
            id="passed by a bypass",
        ),
        pytest.param(a_part(lane=Lane.REJECT), "the station has it in pass", id="another lane than booked"),
        pytest.param(
            a_part(lane=Lane.REJECT, verdict=None, booked_lane=None),
            "no record of it",
            id="a trigger nobody wrote down",
        ),
    ],
)
def test_what_does_not_add_up_is_named(part: PartAccount, says: str | None) -> None:
    problems = summed(part).problems
    assert (not problems) if says is None else any(says in problem for problem in problems)


def test_each_gap_of_the_reconciliation_is_a_problem() -> None:
    gap = Gap(GapKind.VERDICT_WAITS, "id", 1, "P1")
    assert summed(a_part(), gap).problems == ("verdict_waits: part P1, acquisition 1",)
    report = Gap(GapKind.REPORT_PARKED, None, None, None, report_id="0198-r")
    assert summed(a_part(), report).problems == ("report_parked: report 0198-r",)


@pytest.mark.system
def test_a_station_whose_server_is_killed_accounts_for_every_part(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    ran = subprocess.run(
        [*DEMO, "--parts", "16", "--defects", "0.4", "--pace", "1.5", "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    found = json.loads(ran.stdout)
    parts = found["parts"]
    assert (len(parts), found["problems"], found["reconciliation"]["is_even"]) == (16, [], True)
    # the outage is in the middle of the parts: both have judged
    assert found["judged_by"]["server"] > 0
    assert found["judged_by"]["station"] > 0
    assert found["outage_s"] > 0
    triggered = [part for part in parts if part["acquisition_id"] is not None]
    assert found["reconciliation"]["triggers"] == len(triggered) == found["plc_triggers"]
    passed = [part for part in parts if part["lane"] == "pass"]
    assert passed
    assert {(part["verdict"], part["why"]) for part in passed} == {("OK", "permit")}
    # the starter knows these boards: of those with a defect it finds some, and their lane is another one
    assert any(part["lane"] == "reject" for part in parts if part["defects"])
    lanes = Counter(part["lane"] for part in parts)
    assert {lane: sum(counts.values()) for lane, counts in found["lanes"].items()} == {
        lane: lanes[lane] for lane in ("pass", "reject", "reinspect")
    }
    said = (data / "station/station.log").read_text()
    assert "server_away" in said
    assert "server_back" in said
    assert "Fatal" not in said
    secret = (data / "station/station.key").read_text()
    for log in (data / "station/station.log", data / "server/server.log", data / "plc.log"):
        assert secret not in log.read_text()


@pytest.mark.system
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*DEMO, "--data", str(tmp_path / "demo")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:  # until all three run
            if line.startswith("station: "):
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 3
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130, rest
    assert "nothing was added up" in rest
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


@pytest.mark.system
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    ran = subprocess.run([*DEMO, "--data", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, [path.name for path in tmp_path.iterdir()]) == (1, ["mine"])
    assert "is not empty" in ran.stderr
    assert not re.search("Traceback", ran.stderr)
