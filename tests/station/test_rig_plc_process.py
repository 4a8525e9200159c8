"""The PLC as a process of its own, as the demonstration starts it."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineside.client.clock import SystemClock
from lineside.station.rig import RigContext, RigLost
from lineside.station.rig.line.orders import carry_out
from lineside.station.rig.modbus import ModbusRig
from lineside.station.rig.settings import ModbusSettings
from lineside.station.rig.simulated_line import SimulatedLine
from plain_station import PlainStation
from rig_scene import odd_passes, quick_line

pytestmark = pytest.mark.system

_PATIENCE_S = 60.0


def test_a_plc_in_a_process_of_its_own_runs_its_line_and_accounts_for_it() -> None:
    command = [sys.executable, "-m", "lineside.station.rig.plc_modbus"]
    command += ["--parts", "6", "--speed-mm-s", "500", "--gate-at-mm", "400", "--spacing-mm", "80"]
    command += ["--heartbeat-timeout-ms", "20000", "--ack-timeout-ms", "20000"]  # a busy machine is no lost station
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]

        async def run() -> None:
            settings = ModbusSettings.model_validate(
                {"kind": "modbus", "host": "127.0.0.1", "port": port, "timeout_ms": 5000.0}
            )
            station = PlainStation(odd_passes)
            until_s = time.monotonic() + _PATIENCE_S
            async with ModbusRig(settings, RigContext(SystemClock(), Path())) as rig:
                while time.monotonic() < until_s and not look()["is_empty"]:
                    for _ in range(20):
                        await rig.write(station.scan(await rig.read()))

        def look() -> dict[str, bool]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write('{"do": "look"}\n')
            process.stdin.flush()
            answer: dict[str, bool] = json.loads(process.stdout.readline())
            return answer

        asyncio.run(run())
        process.stdin.close()
        account = json.loads(process.stdout.readline())
        assert process.wait(timeout=_PATIENCE_S) == 0
    assert len(account["parts"]) == 6
    passed = [part for part in account["parts"] if part["lane"] == "pass"]
    assert passed
    assert all(part["why"] == "permit" and part["acquisition_id"] % 2 == 1 for part in passed)
    assert sum(account["lanes"].values()) == 6


def test_a_plc_that_is_killed_leaves_behind_what_left_its_gate(tmp_path: Path) -> None:
    record = tmp_path / "left.jsonl"
    command = [sys.executable, "-m", "lineside.station.rig.plc_modbus", "--record", str(record)]
    command += ["--speed-mm-s", "2000", "--gate-at-mm", "100", "--spacing-mm", "50"]
    until_s = time.monotonic() + _PATIENCE_S
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while time.monotonic() < until_s and not (record.exists() and record.read_text().count("\n") >= 3):
            time.sleep(0.01)
        process.kill()
    parts = [json.loads(line) for line in record.read_text().splitlines()]
    assert [part["number"] for part in parts[:3]] == [1, 2, 3]
    assert {(part["lane"], part["why"]) for part in parts} == {("reject", "not_triggered")}


def test_a_plc_that_died_is_a_lost_rig() -> None:
    command = [sys.executable, "-m", "lineside.station.rig.plc_modbus"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]

        async def run() -> None:
            settings = ModbusSettings.model_validate({"kind": "modbus", "host": "127.0.0.1", "port": port})
            async with ModbusRig(settings, RigContext(SystemClock(), Path())) as rig:
                await rig.read()
                process.kill()
                process.wait()
                with pytest.raises(RigLost):
                    await rig.read()

        asyncio.run(run())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("no json", "Invalid JSON", id="no JSON"),
        pytest.param('{"do": "dance"}', "no order 'dance'; expected one of look", id="no such order"),
        pytest.param('{"do": "stop", "force": 1}', "force: Extra inputs", id="a key that is none"),
        pytest.param('{"do": "encoder_fault", "fault": "melted"}', "fault: Input should be", id="no such fault"),
    ],
)
def test_what_is_no_order_is_said_and_changes_nothing(written: str, said: str) -> None:
    assert said in carry_out(SimulatedLine(quick_line()), written)["error"]


def test_orders_do_what_people_and_faults_do_at_the_line() -> None:
    line = SimulatedLine(quick_line())
    for written in (
        '{"do": "bypass"}',
        '{"do": "double_triggers", "number": 2}',
        '{"do": "blind_triggers"}',
        '{"do": "lose_trigger_acknowledgements"}',
        '{"do": "lose_results_acknowledgements"}',
        '{"do": "break_confirm_sensor", "lane": "pass"}',
        '{"do": "mend_confirm_sensor", "lane": "pass"}',
        '{"do": "encoder_fault", "fault": "jump", "jump_mm": 40}',
        '{"do": "take_off_a_part"}',
        '{"do": "stop", "reason": "the drive"}',
    ):
        assert "error" not in carry_out(line, written)
    line.advance(1.0)
    assert carry_out(line, '{"do": "look"}')["stopped_because"] == "the drive"
    assert line.inputs().bypass
    carry_out(line, '{"do": "reset", "for_s": 5}')
    carry_out(line, '{"do": "jam_gate", "lane": "reject"}')
    line.advance(10.0)
    answer = carry_out(line, '{"do": "look"}')
    assert answer["is_empty"]
    assert answer["counts"]["encoder_faults"] == 1
    assert answer["counts"]["stops"] == 1
