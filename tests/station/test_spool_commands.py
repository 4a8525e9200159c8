"""`lineside station status` and `reconcile`: what waits, what was refused and what does not add up, for people."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lineside.cli.main import app
from lineside.inspection.verdict import Verdict
from lineside.station.spool import Spool, SpoolLimits, SpoolMissing
from spooled_parts import Parts

STATION = """\
schema: lineside.station/1
station: aoi-1
server: {url: "http://127.0.0.1:9", key_env: NO_SUCH_KEY}
cameras: {default: {kind: folder, folder: pictures, pixel_format: mono8}}
rig: {kind: simulated, speed_mm_s: 300, spacing_mm: 50, gate_at_mm: 250, confirm_at_mm: 30, parts: 1, part_ids: true}
rules: {distance_mm: 250, speed_mm_s: 300, actuator_ms: 20}
part_id: {from: plc}
spool: {folder: spool}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "station.yaml"
    path.write_text(STATION)
    return path


@pytest.fixture
def parts() -> Parts:
    return Parts()


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["station", *(str(word) for word in words)])


def told(*words: object) -> Any:
    return json.loads(run(*words, "--json").stdout)


def test_what_waits_is_shown_beside_a_station_that_runs(file: Path, parts: Parts) -> None:
    with Spool(file.parent / "spool", station="aoi-1", clock=parts.clock) as spool:
        parts.write(spool, Verdict.NG, b"picture")
        spool.record_report(parts.report())
        found = told("status", file)
        assert found["waiting"] == {"disposition": 1, "inspection": 1, "report": 1}
        assert (found["picture_bytes"], found["parked"]) == ({"NG": 7}, [])
        assert "inspection waiting\t1" in run("status", file).stdout


def test_what_was_put_aside_is_shown_and_tried_again(file: Path, parts: Parts) -> None:
    with Spool(file.parent / "spool", station="aoi-1", clock=parts.clock) as spool:
        trigger = parts.write(spool, Verdict.NG, b"picture")
        first = spool.outbox.first()
        assert first is not None
        spool.outbox.park(first, trouble="the recipe asks for no such view")
    found = told("status", file)
    assert [(each["kind"], each["id"]) for each in found["parked"]] == [
        ("inspection", trigger.id),
        ("disposition", trigger.id),
    ]
    assert "no such view" in run("status", file).stdout
    assert told("status", file, "--retry")["parked"] == []


def test_a_part_that_does_not_add_up_is_named_and_ends_with_1(file: Path, parts: Parts) -> None:
    with Spool(file.parent / "spool", station="aoi-1", clock=parts.clock) as spool:
        whole = parts.write(spool, Verdict.OK, b"picture")
        lost = parts.trigger("P-lost")
        spool.record_trigger(lost)
    result = run("reconcile", file, "--offline", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["is_even"]) == (1, False)
    assert (found["triggers"], found["verdicts"], found["dispositions"]) == (2, 1, 1)
    assert [(gap["kind"], gap["attempt_id"]) for gap in found["gaps"]] == [
        ("verdict_waits", whole.id),
        ("disposition_waits", whole.id),
        ("no_verdict", lost.id),
        ("no_disposition", lost.id),
    ]


def test_reports_that_the_server_does_not_have_are_named(file: Path, parts: Parts) -> None:
    parked, waiting = parts.report(), parts.report()
    with Spool(file.parent / "spool", station="aoi-1", clock=parts.clock) as spool:
        spool.record_report(parked)
        first = spool.outbox.first()
        assert first is not None
        spool.outbox.park(first, trouble="422")
        spool.record_report(waiting)
    result = run("reconcile", file, "--offline")
    assert result.exit_code == 1
    assert f"report_parked\treport {parked.id}" in result.stdout
    assert f"report_waits\treport {waiting.id}" in result.stdout
    assert "not looked for: parts that the server has" in result.stderr


def test_a_spool_that_adds_up_ends_with_0_and_old_parts_stay_counted(file: Path, parts: Parts) -> None:
    limits = SpoolLimits(keep_parts=2)
    with Spool(file.parent / "spool", station="aoi-1", limits=limits, clock=parts.clock) as spool:
        for _ in range(5):
            parts.write(spool, Verdict.OK, b"picture")
        while (record := spool.outbox.first()) is not None:
            spool.outbox.settle(record)
        assert len(spool.in_doubt()[None]) == 2
    result = run("reconcile", file, "--offline")
    assert result.exit_code == 0
    assert "triggers\t5" in result.stdout
    assert "dispositions at the server\t5" in result.stdout


def test_a_station_that_never_ran_has_no_spool(file: Path) -> None:
    result = run("status", file)
    assert isinstance(result.exception, SpoolMissing)
