"""Rigs without a wire: the cable of the simulated line, the link that all others share, and the table of kinds."""

import asyncio
import random
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lineside.client.backoff import Backoff
from lineside.client.clock import ManualClock
from lineside.client.secret_sources import read_secret
from lineside.station.agent.scan import Scan
from lineside.station.machine import Effect, Happening, Report, StationMachine, Step
from lineside.station.rig import (
    RIG_KINDS,
    Confirmation,
    Inputs,
    Lane,
    Outputs,
    RigExtraMissing,
    RigLost,
    RigMisconfigured,
)
from lineside.station.rig.line import Why
from lineside.station.rig.link import Link
from lineside.station.rig.simulated import Cut, SimulatedRig
from lineside.station.rig.simulated_line import SimulatedLine
from machine_scene import RULES, MachineScene
from plain_station import PlainStation
from rig_scene import SCAN_S, odd_passes, quick_line, rig_context, run_rig, start_clock
from virtual_time import run_in_virtual_time


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_the_simulated_rig_is_built_from_a_stations_file() -> None:
    async def scene() -> None:
        clock = start_clock()
        kind = RIG_KINDS["simulated"]
        settings = kind.settings.model_validate(
            {
                "kind": "simulated",
                "parts": 4,
                "speed_mm_s": 1000,
                "spacing_mm": 60,
                "gate_at_mm": 150,
                "part_ids": False,
            }
        )
        station = PlainStation(odd_passes)
        async with kind.build(settings, rig_context(clock)) as rig:
            assert isinstance(rig, SimulatedRig)
            await run_rig(rig.line, rig, station, clock)
            assert rig.line.truth.reasons[Why.PERMIT] == 2
            assert set(station.part_ids.values()) == {None}

    run(scene())


@pytest.mark.parametrize("where", list(Cut))
def test_a_cut_cable_to_the_simulated_line_lets_nothing_pass_that_has_no_permit(where: Cut) -> None:
    async def scene() -> None:
        clock, station = start_clock(), PlainStation(lambda acquisition_id: acquisition_id % 3 != 0)
        line = SimulatedLine(quick_line(parts=30, heartbeat_timeout_s=0.05))
        rig = SimulatedRig(line, clock=clock)
        lost = await run_rig(line, rig, station, clock, at={120: lambda: rig.cut(where), 160: rig.mend})
        assert lost == 40
        assert line.truth.counts.heartbeats_lost == 1
        passed = {part.acquisition_id for part in line.truth.parts if part.lane is Lane.PASS}
        assert passed
        assert passed <= station.permits_given
        assert line.truth.passed_without_permit == ()

    run(scene())


class Wire:
    """A connection that does what a test says."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.takes_s = 0.0
        self.is_dead = False

    async def connect(self) -> int:
        await asyncio.sleep(self.takes_s)
        if self.is_dead:
            raise OSError("no route")
        self.opened += 1
        return self.opened

    async def close(self, number: int) -> None:
        assert number == self.opened
        self.closed += 1

    def link(self, clock: Any) -> Link[int]:
        return Link(
            "the PLC",
            connect=self.connect,
            close=self.close,
            broken=(OSError,),
            timeout_s=0.1,
            connect_timeout_s=1.0,
            backoff=Backoff(first_s=1.0, longest_s=4.0),
            clock=clock,
            rng=random.Random(1),  # noqa: S311 - waits
        )


async def told(number: int) -> int:
    return number


async def breaks(_: int) -> int:
    raise OSError("reset by peer")


async def hangs(_: int) -> int:
    await asyncio.sleep(60)
    return 0


def test_what_broke_is_never_used_again_and_the_next_connection_waits_for_its_time() -> None:
    async def scene() -> None:
        clock, wire = start_clock(), Wire()
        link = wire.link(clock)
        assert await link.use(told, may_connect=True) == 1
        with pytest.raises(RigLost, match="the PLC: reset by peer"):
            await link.use(breaks, may_connect=True)
        assert wire.closed == 1
        with pytest.raises(RigLost, match="the next try comes later"):
            await link.use(told, may_connect=True)
        clock.advance(1.0)
        assert await link.use(told, may_connect=True) == 2
        await link.close()

    run_in_virtual_time(scene())


async def unwritable(_: int) -> int:
    raise OSError("exception 2: illegal data address")


class UnwritablePlc(Wire):
    """A PLC that can be read and takes no outputs, until it does."""

    takes_outputs = False

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._link = self.link(clock)
        self._inputs = MachineScene(is_ready=False).inputs
        self.confirms: tuple[Confirmation, ...] = ()

    async def read(self) -> Inputs:
        """Its heartbeat beats."""
        await self._link.use(told, may_connect=True)
        self._inputs = replace(self._inputs, heartbeat=self._inputs.heartbeat + 1, confirmed=self.confirms)
        self.confirms = ()
        return self._inputs

    async def write(self, _: Outputs) -> None:
        """Refused."""
        await self._link.use(told if self.takes_outputs else unwritable, may_connect=False)


def test_a_plc_that_can_be_read_and_takes_no_outputs_is_lost_once_and_back_once() -> None:
    async def scene() -> None:
        clock = start_clock()
        plc = UnwritablePlc(clock)
        effects: list[Effect] = []
        links: list[str | None] = []
        scan = Scan(
            plc,  # type: ignore[arg-type]  # no more of a rig is used
            StationMachine(RULES),
            happened=[],
            period_s=SCAN_S,
            clock=clock,
            carry_out=lambda effect, _: effects.append(effect),
            on_link=links.append,
        )

        async def scans(number: int) -> list[str]:
            effects.clear()
            for _ in range(number):
                clock.advance(SCAN_S)
                await scan.once()
            return [each.kind for each in effects if isinstance(each, Report)]

        assert await scans(2000) == ["rig_back", "rig_lost"]  # at the first scan nothing was written yet
        assert plc.opened < 20  # ten seconds; the waits grow to four
        assert links == ["the PLC: exception 2: illegal data address"]
        plc.takes_outputs = True
        assert await scans(1000) == ["rig_back"]
        assert links[1:] == [None]

    run_in_virtual_time(scene())


def test_what_was_confirmed_while_no_outputs_were_taken_is_shown_once() -> None:
    async def scene() -> None:
        clock = start_clock()
        plc, seen = UnwritablePlc(clock), list[tuple[Confirmation, ...]]()

        class Seeing(StationMachine):
            def step(self, now_s: float, inputs: Inputs | None, happenings: Sequence[Happening]) -> Step:
                if inputs is not None and inputs.confirmed:
                    seen.append(inputs.confirmed)
                return super().step(now_s, inputs, happenings)

        scan = Scan(
            plc,  # type: ignore[arg-type]  # no more of a rig is used
            Seeing(RULES),
            happened=[],
            period_s=SCAN_S,
            clock=clock,
            carry_out=lambda *_: None,
            on_link=lambda _: None,
        )
        await scan.once()
        plc.takes_outputs, plc.confirms = True, (Confirmation(7, Lane.PASS),)
        for _ in range(1000):
            clock.advance(SCAN_S)
            await scan.once()
        assert seen == [(Confirmation(7, Lane.PASS),)]

    run_in_virtual_time(scene())


def test_an_exchange_that_hangs_ends_and_ends_its_connection() -> None:
    async def scene() -> None:
        clock, wire = start_clock(), Wire()
        link = wire.link(clock)
        with pytest.raises(RigLost, match="no answer within 100 ms"):
            await link.use(hangs, may_connect=True)
        assert (wire.opened, wire.closed) == (1, 1)

    run_in_virtual_time(scene())


def test_a_connection_that_takes_longer_than_a_scan_goes_on_beside_the_scans() -> None:
    async def scene() -> None:
        wire = Wire()
        wire.takes_s = 0.35
        link = wire.link(start_clock())
        for _ in range(3):
            with pytest.raises(RigLost, match="still connecting"):
                await link.use(told, may_connect=True)
        assert await link.use(told, may_connect=True) == 1
        assert wire.opened == 1
        await link.close()

    run_in_virtual_time(scene())


def test_a_connection_that_never_comes_is_given_up() -> None:
    async def scene() -> None:
        wire = Wire()
        wire.takes_s = 30.0
        link = wire.link(start_clock())
        said = []
        for _ in range(11):
            with pytest.raises(RigLost) as lost:
                await link.use(told, may_connect=True)
            said.append(str(lost.value))
        assert "the PLC: no connection within 1000 ms" in said
        await link.close()

    run_in_virtual_time(scene())


def test_a_station_that_ends_while_it_connects_leaves_nothing_open() -> None:
    async def scene() -> None:
        wire = Wire()
        wire.takes_s = 0.35
        link = wire.link(start_clock())
        with pytest.raises(RigLost, match="still connecting"):
            await link.use(told, may_connect=True)
        await link.close()
        await asyncio.sleep(1.0)
        assert (wire.opened, wire.closed) == (0, 0)

    run_in_virtual_time(scene())


def test_an_exchange_that_is_cancelled_ends_its_connection() -> None:
    async def scene() -> None:
        wire = Wire()
        link = wire.link(start_clock())
        task = asyncio.create_task(link.use(hangs, may_connect=True))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert wire.closed == 1

    run_in_virtual_time(scene())


@pytest.mark.parametrize(("name", "module"), [("modbus", "pymodbus"), ("opcua", "asyncua"), ("s7", "snap7")])
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"lineside.station.rig.{name}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    settings = RIG_KINDS["simulated"].settings.model_validate({"kind": "simulated"})
    with pytest.raises(RigExtraMissing, match=rf"rigs of kind '{name}' need {module}.*: install lineside\[{name}\]"):
        RIG_KINDS[name].build(settings, rig_context(start_clock()))


@pytest.mark.parametrize("name", sorted(RIG_KINDS))
def test_a_kind_refuses_the_settings_of_another(name: str) -> None:
    other = "http" if name == "simulated" else "simulated"
    needed = {"url": "http://127.0.0.1:1"} if other == "http" else {}
    settings = RIG_KINDS[other].settings.model_validate({"kind": other, **needed})
    with pytest.raises(RigMisconfigured, match=f"settings of a '{other}' rig; expected {name}"):
        RIG_KINDS[name].build(settings, rig_context(start_clock()))


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        pytest.param("modbus", {"host": "plc", "speed": 1}, "unknown key 'speed'", id="a key that is none"),
        pytest.param("modbus", {"host": "plc:502"}, "host", id="a port in the host"),
        pytest.param("modbus", {"host": "pl c"}, "host", id="no host"),
        pytest.param("modbus", {"host": "p", "reconnect_first_ms": 9000.0}, "longer than reconnect", id="waits"),
        pytest.param("simulated", {"spacing_to_mm": 10.0}, "is below spacing_mm", id="no range"),
        pytest.param("http", {"url": "http://me:secret@plc"}, "url", id="a login in the address"),
        pytest.param("http", {"url": "http://p", "token_file": "a", "token_env": "b"}, "not both", id="two tokens"),
    ],
)
def test_settings_are_strict(kind: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RIG_KINDS[kind].settings.model_validate({"kind": kind, **given})


@pytest.mark.parametrize("host", ["plc-7.cell", "192.168.0.10", "fe80::1", "::1"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    RIG_KINDS["modbus"].settings.model_validate({"kind": "modbus", "host": host})


def test_a_secret_stands_in_one_place_and_no_message_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(file: str | None = None, env: str | None = None) -> str:
        return read_secret(
            file=file, env=env, folder=tmp_path, what="the password", error=RigMisconfigured, starter="the station"
        )

    (tmp_path / "good").write_text(" s3cret\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfes3cret")
    monkeypatch.setenv("RIG_PASSWORD", "s3cret")
    monkeypatch.setenv("RIG_NOTHING", " ")
    assert read(file="good") == read(env="RIG_PASSWORD") == "s3cret"
    for given, said in (
        ({}, "one of the two"),
        ({"env": "RIG_MISSING"}, "RIG_MISSING is not set where the station was started"),
        ({"env": "RIG_NOTHING"}, "RIG_NOTHING is empty"),
        ({"file": "missing"}, "cannot read"),
        ({"file": "bytes"}, "no UTF-8"),
    ):
        with pytest.raises(RigMisconfigured, match=said) as refused:
            read(**given)
        assert "s3cret" not in str(refused.value)
