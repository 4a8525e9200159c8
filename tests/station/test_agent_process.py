"""`lineside station` as a program, with a PLC as another one: killed, started again, told to end."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from lineside.station.spool.database import FILE_NAME
from lineside.station.spool.reconciliation import reconcile
from lineside_process import LINESIDE
from signing import TestKeys
from station_scene import StationScene, deployed_server

pytestmark = pytest.mark.system

_AT_MOST_S = 60
_ALL_CHECKS = {"file", "spool", "server", "recipe", "own engine", "camera default", "PLC (modbus)"}


@dataclass(frozen=True)
class Plc:
    """A simulated PLC that serves Modbus/TCP, as a process of its own."""

    process: "subprocess.Popen[str]"
    port: int

    def account(self) -> dict[str, Any]:
        """End it; gives what physically happened."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        found: dict[str, Any] = json.loads(self.process.stdout.read().splitlines()[-1])
        assert self.process.wait(30) == 0
        return found


@contextmanager
def a_plc(parts: int) -> Iterator[Plc]:
    command = [sys.executable, "-m", "lineside.station.rig.plc_modbus", "--parts", str(parts), "--speed-mm-s", "300"]
    command += ["--spacing-mm", "50", "--gate-at-mm", "250", "--confirm-at-mm", "30"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Plc(process, int(json.loads(process.stdout.readline())["port"]))
        finally:
            process.kill()


@contextmanager
def a_station(file: Path, log: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """`lineside station run`, once it scans."""
    command = [*LINESIDE, "station", "run", str(file), "--json", "--log-format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline(), Path(log.name).read_text()
            yield process
        finally:
            process.kill()


def look(plc: Plc) -> dict[str, Any]:
    """How the line is now."""
    assert plc.process.stdin is not None
    assert plc.process.stdout is not None
    plc.process.stdin.write('{"do": "look"}\n')
    plc.process.stdin.flush()
    found: dict[str, Any] = json.loads(plc.process.stdout.readline())
    return found


def wait_until(plc: Plc, is_so: Callable[[dict[str, Any]], bool], station: "subprocess.Popen[bytes]") -> None:
    pause = threading.Event()
    for _ in range(_AT_MOST_S * 20):
        if is_so(look(plc)):
            return
        assert station.poll() is None, "the station ended by itself"
        pause.wait(0.05)
    raise AssertionError(f"not within {_AT_MOST_S} s: {look(plc)}")


def test_a_station_that_is_killed_permits_nothing_of_before_and_a_signal_ends_it_well(tmp_path: Path) -> None:
    keys = TestKeys()
    log_file = tmp_path / "station.log"
    with deployed_server(tmp_path / "server", keys) as server, log_file.open("wb") as log, ExitStack() as plcs:
        scene = StationScene(tmp_path, server, keys)
        is_bad = scene.draw(45, bad_every=4)
        with a_plc(1) as plc:
            file = scene.write(rig=f"{{kind: modbus, host: 127.0.0.1, port: {plc.port}}}")
            assert checked(file) == _ALL_CHECKS
        plc = plcs.enter_context(a_plc(45))
        scene.write(rig=f"{{kind: modbus, host: 127.0.0.1, port: {plc.port}}}")
        with a_station(file, log) as station:
            wait_until(plc, lambda line: line["counts"]["permits"] >= 3, station)
            station.kill()
        permits_before = look(plc)["counts"]["permits"]
        with a_station(file, log) as station:
            wait_until(plc, lambda line: line["is_empty"], station)
            station.send_signal(signal.SIGTERM)
            assert station.wait(30) == 0, log_file.read_text()
        account = plc.account()
    assert account["counts"]["permits"] > permits_before
    assert account["lanes"]["pass"] >= 1
    assert {part["why"] for part in account["parts"] if part["lane"] == "pass"} == {"permit"}
    assert len([bad for bad in is_bad if not bad]) >= account["lanes"]["pass"]
    counts = reconcile(tmp_path / "spool")
    assert counts.triggers == counts.verdicts == counts.dispositions
    with closing(sqlite3.connect(tmp_path / "spool" / FILE_NAME)) as connection:
        verdicts = dict(connection.execute("SELECT part_id, verdict FROM parts"))
    assert {verdicts[part["part_id"]] for part in account["parts"] if part["lane"] == "pass"} == {"OK"}


def checked(file: Path) -> set[str]:
    """What `lineside station check` found in order."""
    command = [*LINESIDE, "station", "check", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = json.loads(done.stdout)
    assert done.returncode == 0, found
    return {each["what"] for each in found}


def test_a_station_without_its_server_s_key_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "station.yaml").write_text(
        "schema: lineside.station/1\nstation: aoi-1\nserver: {url: 'http://127.0.0.1:9', key_env: NO_SUCH_KEY}\n"
        "cameras: {default: {kind: folder, folder: pictures}}\nrig: {kind: simulated}\n"
        "rules: {distance_mm: 400, speed_mm_s: 200}\npart_id: {from: plc}\nspool: {folder: spool}\n"
    )
    command = [*LINESIDE, "station", "run", str(tmp_path / "station.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "lineside: the server's key: the variable NO_SUCH_KEY is not set where the station was started"
    )
