"""The whole line in one command, as a person runs it."""

import json
import signal
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy import select

from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger, verify_chain
from lineside.serving.ledger.tables import inspections, reviews
from lineside.serving.settings import Settings
from lineside_process import LINESIDE

pytestmark = pytest.mark.system

WORDS = ("--rate", "0.3", "--port", "0", "--engine", "onnxruntime-fp32", "--json")


def demo_command(data: Path, *words: str) -> list[str]:
    return [*LINESIDE, "demo", "--data", str(data), *WORDS, *words]


def check_summary(summary: dict[str, Any], data: Path) -> None:
    """The summary adds up, and is what stands in the ledger."""
    parts = summary["parts"]
    outcomes, verdicts, truth = summary["outcomes"], summary["verdicts"], summary["truth"]
    assert sum(outcomes.values()) == parts
    assert sum(verdicts.values()) + outcomes["unanswered"] == parts
    assert outcomes["hit"] + outcomes["false_call"] == verdicts["NG"]
    assert outcomes["escape"] + outcomes["correct_pass"] == verdicts["OK"]
    assert truth["defective"] + truth["good"] == parts
    assert outcomes["hit"] + outcomes["escape"] <= truth["defective"]
    rate = summary["detector_rate"]
    assert (rate["ng"], rate["inspected"]) == (verdicts["NG"], verdicts["NG"] + verdicts["OK"])
    if rate["inspected"]:
        assert rate["lower"] <= rate["estimate"] <= rate["upper"]
        assert summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]

    ours = summary["rate"]
    assert ours["inspected"] == rate["inspected"]
    assert ours["not_inspected"] == verdicts["NOT_INSPECTED"]
    assert (ours["confirmed"], ours["unconfirmed"]) == (outcomes["hit"], 0)
    assert ours["lower"] <= (ours["estimate"] or ours["lower"]) <= ours["upper"] <= 1.0
    if rate["inspected"]:
        true_rate = (outcomes["hit"] + outcomes["escape"]) / rate["inspected"]
        assert summary["true_rate"]["of_inspected"] == true_rate
        for said in (rate, ours):
            is_inside = said["lower"] - 1e-9 <= true_rate <= said["upper"] + 1e-9
            assert said["holds_truth"] is is_inside

    settings = Settings(data_dir=data)
    with Ledger.open_readonly(settings.ledger_url, plant=settings.plant, clock=SystemClock()) as ledger:
        rows = ledger.read_blocking(lambda connection: connection.execute(select(inspections)).all())
        recorded = ledger.read_blocking(lambda connection: connection.execute(select(reviews)).all())
        assert verify_chain(ledger).is_intact
    assert len({(row.station, row.part_id, row.attempt) for row in rows}) == len(rows) == parts - outcomes["unanswered"]
    assert Counter(row.verdict for row in rows) == Counter({k: v for k, v in verdicts.items() if v})
    assert all(row.is_simulated and row.parent_id and row.lot for row in rows)
    assert Counter(row.kind for row in recorded) == Counter(summary["reviews"])
    flagged_or_drawn = {row.id for row in rows if row.verdict == "NG" or row.audit}
    assert {row.inspection_id for row in recorded} == flagged_or_drawn
    drawn = {row.id for row in rows if row.verdict == "OK" and row.audit}
    assert ours["audited"] == len(drawn)


def children_of(process: "subprocess.Popen[str]", word: str = "") -> list[psutil.Process]:
    """Its programs, those that were started with a word alone."""
    return [
        child for child in psutil.Process(process.pid).children(recursive=True) if word in " ".join(child.cmdline())
    ]


def test_thirty_parts_end_by_themselves_every_verdict_is_in_the_ledger_once_and_everybody_was_told(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    ran = subprocess.run(
        demo_command(data, "--parts", "30", "--pace", "10", "--mqtt", "--opcua"),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["parts"] == 30
    check_summary(summary, data)
    # the starter knows these boards: at a true rate of 0.3 a detector that finds nothing would have no hit
    assert summary["outcomes"]["hit"] > 0, ran.stderr

    proofs = {sink["name"]: (sink["proof"], sink["waiting"], sink["parked"]) for sink in summary["delivered"]}
    assert proofs == {
        "mes": ("acknowledged", 0, 0),
        "json-topics": ("handed_over", 0, 0),
        "sparkplug": ("handed_over", 0, 0),
        "opcua": ("recoverable", 0, 0),
    }
    assert all(sink["delivered"] >= 30 and sink["trouble"] is None for sink in summary["delivered"])
    with sqlite3.connect(data / "mes" / "mailbox.sqlite") as mailbox:
        [told] = mailbox.execute("SELECT count(*) FROM messages WHERE type = 'inspection.v1'").fetchall()
    assert told == (30,)


def test_the_truth_is_in_the_rates_interval_and_out_of_the_detector_rates(tmp_path: Path) -> None:
    """The line as it is by default, with a fixed seed: what the detector sees is fixed by it, what the audit draws is
    not, and at a quarter of the passed parts it may not matter. A second run on the same ledger does not blur it."""
    data = tmp_path / "data"
    command = [*LINESIDE, "demo", "--data", str(data), "--parts", "150", "--pace", "40", "--seed", "1", "--no-page"]
    command += ["--no-mes", "--port", "0", "--engine", "onnxruntime-fp32", "--json"]
    for _ in range(2):
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert ran.returncode == 0, ran.stderr
        summary = json.loads(ran.stdout)
        rate, detector, truth = summary["rate"], summary["detector_rate"], summary["true_rate"]["of_inspected"]
        assert rate["inspected"] == 150
        assert rate["holds_truth"] is True
        assert rate["lower"] <= truth <= rate["upper"]
        assert detector["holds_truth"] is False
        assert not detector["lower"] <= truth <= detector["upper"]
        assert summary["outcomes"]["false_call"] > 0
        assert summary["outcomes"]["escape"] > 0


def test_ctrl_c_ends_the_line_in_good_order_and_leaves_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen(
        demo_command(data, "--no-page", "--language", "ko"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("10 "):  # the line runs
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    summary = json.loads(out)
    assert summary["parts"] >= 10
    check_summary(summary, data)


def test_the_server_ends_with_a_demonstration_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        demo_command(tmp_path / "data", "--no-page"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("10 "):
                break
        programs = children_of(process)
        assert len(programs) >= 2  # the server and the MES
        process.kill()
    _gone, left = psutil.wait_procs(programs, 60)
    assert not left


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        ran = subprocess.run(
            [*LINESIDE, "demo", "--data", str(tmp_path / "data"), "--parts", "1", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert ran.returncode == 1
    assert f"port {port}" in ran.stderr.splitlines()[-1]


def test_a_server_that_ends_by_itself_ends_the_demonstration_with_its_reason(tmp_path: Path) -> None:
    with subprocess.Popen(
        demo_command(tmp_path / "data", "--no-page"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("10 "):
                break
        [server] = children_of(process, " serve ")
        server.kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the server ended by itself" in err.splitlines()[-1]
