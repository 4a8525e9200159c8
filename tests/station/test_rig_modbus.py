"""Modbus/TCP: a whole line over the wire, pymodbus' own simulator as PLC, and cables that are cut."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.server import ModbusSimulatorServer

from cut_line import cut_line
from lineside.client.clock import ManualClock
from lineside.station.rig import RIG_KINDS, Confirmation, Inputs, Lane, RigLost, RigUnreadable
from lineside.station.rig.confirmations import ConfirmationRing
from lineside.station.rig.line import Why
from lineside.station.rig.modbus import ModbusRig
from lineside.station.rig.plc_registers import ModbusPlc
from lineside.station.rig.register_map import INPUT_WORDS, OUTPUT_WORDS, inputs_to_words, outputs_from_words
from lineside.station.rig.settings import ModbusSettings
from lineside.station.rig.simulated_line import SimulatedLine
from plain_station import PlainStation
from rig_scene import odd_passes, quick_line, rig_context, run_rig, start_clock


def run(scene: Coroutine[Any, Any, None]) -> None:
    """Run, but not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(60.0):
            await scene

    asyncio.run(bounded())


def settings_for(port: int, **changed: Any) -> ModbusSettings:
    return ModbusSettings.model_validate({"kind": "modbus", "host": "127.0.0.1", "port": port, **changed})


def rig_at(port: int, clock: ManualClock, **changed: Any) -> ModbusRig:
    return ModbusRig(settings_for(port, **changed), rig_context(clock))


@asynccontextmanager
async def plc(clock: ManualClock, line: SimulatedLine, **changed: Any) -> AsyncIterator[ModbusPlc]:
    async with ModbusPlc(line, clock=clock, scans_itself=False, **changed) as serving:
        yield serving


@pytest.mark.parametrize("word_order", ["high_first", "low_first"])
def test_a_line_over_the_wire_is_the_line(word_order: str) -> None:
    async def scene() -> None:
        clock, station = start_clock(), PlainStation(odd_passes)
        line = SimulatedLine(quick_line())
        async with plc(clock, line, word_order=word_order) as serving:
            kind = RIG_KINDS["modbus"]
            settings = kind.settings.model_validate(
                {"kind": "modbus", "host": "127.0.0.1", "port": serving.port, "word_order": word_order}
            )
            async with kind.build(settings, rig_context(clock)) as rig:
                assert await run_rig(line, rig, station, clock) == 0
                encoder = (await rig.read()).encoder
        assert [part.lane is Lane.PASS for part in line.truth.parts] == [True, False] * 6
        assert station.part_ids[7] == "P000007"
        assert station.confirmed == [(part.acquisition_id, part.lane) for part in line.truth.parts]
        assert encoder == line.inputs().encoder > 0xFFFF // 8

    run(scene())


INPUTS = Inputs(
    online=True,
    trigger=True,
    trigger_id=40_001,
    encoder=-70_000,
    part_id="부품-17",
    results_ack=False,
    results_ack_id=39_999,
    confirmed=(),
    bypass=False,
    reset=True,
    heartbeat=65_535,
    stopped=False,
)


@asynccontextmanager
async def simulator(folder: Path) -> AsyncIterator[tuple[ModbusSimulatorServer, int]]:
    """pymodbus' simulator with our input block at 1000 and our output block at 2000; the encoder in its own words."""
    words = inputs_to_words(INPUTS, ConfirmationRing.of([]), sequence=7, word_order="high_first")
    device = {
        "setup": {
            **{f"{kind} size": 3000 for kind in ("co", "di", "hr", "ir")},
            "shared blocks": True,
            "type exception": False,
            "defaults": {
                "value": {"bits": 0, "uint16": 0, "uint32": 0, "float32": 0.0, "float64": 0.0, "string": " "},
                "action": dict.fromkeys(("bits", "uint16", "uint32", "float32", "float64", "string")),
            },
        },
        "invalid": [],
        "write": [[2000, 2000 + OUTPUT_WORDS - 1]],
        "bits": [],
        "uint16": [
            *({"addr": 1000 + at, "value": word} for at, word in enumerate(words) if at not in (4, 5)),
            [2000, 2000 + OUTPUT_WORDS - 1],
            [100, 100 + INPUT_WORDS - 1],
            {"addr": 300, "value": 1},
            [301, 300 + INPUT_WORDS - 1],
        ],
        "uint32": [{"addr": [1004, 1005], "value": INPUTS.encoder & 0xFFFFFFFF}],
        "float32": [],
        "float64": [],
        "string": [],
        "repeat": [],
    }
    server = {"comm": "tcp", "host": "127.0.0.1", "port": 0, "ignore_missing_devices": False, "framer": "socket"}
    setup = folder / "setup.json"
    setup.write_text(json.dumps({"server_list": {"server": server}, "device_list": {"device": device}}))
    running = ModbusSimulatorServer("server", "device", http_host="127.0.0.1", http_port=0, json_file=str(setup))
    await running.run_forever(only_start=True)  # type: ignore[no-untyped-call] # pymodbus leaves it untyped
    try:
        while running.modbus_server.transport is None:  # noqa: ASYNC110 - it tells nobody when it listens
            await asyncio.sleep(0)
        yield running, running.modbus_server.transport.sockets[0].getsockname()[1]
    finally:
        await running.stop()  # type: ignore[no-untyped-call] # pymodbus leaves it untyped


def test_pymodbus_own_simulator_is_read_and_written(tmp_path: Path) -> None:
    """Another program's PLC, which encodes the encoder itself; its unwritable registers refuse."""

    async def scene() -> None:
        async with simulator(tmp_path) as (plc, port):
            async with rig_at(port, start_clock(), inputs_at=1000, outputs_at=2000) as rig:
                assert await rig.read() == INPUTS
                outputs = PlainStation(lambda _: True).scan(INPUTS)
                await rig.write(outputs)
                registers = [plc.datastore_context.registers[2000 + at].value for at in range(OUTPUT_WORDS)]
                assert outputs_from_words(registers) == outputs
            async with rig_at(port, start_clock(), inputs_at=1000, outputs_at=1000) as rig:
                await rig.read()
                with pytest.raises(RigLost, match="the PLC refused: ExceptionResponse"):
                    await rig.write(outputs)

    run(scene())


def test_registers_that_are_no_block_of_ours_are_not_believed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with simulator(tmp_path) as (_, port):
            async with rig_at(port, start_clock(), inputs_at=300) as rig:
                with pytest.raises(RigUnreadable, match="begin with sequence 1 and end with 0"):
                    await rig.read()
            async with rig_at(port, start_clock(), inputs_at=100) as rig:
                with pytest.raises(RigUnreadable, match="layout 0; expected 1"):
                    await rig.read()

    run(scene())


def test_a_plc_that_is_not_there_is_lost_and_not_asked_again_before_the_wait_is_over() -> None:
    async def scene() -> None:
        clock = start_clock()
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        async with rig_at(port, clock, reconnect_first_ms=50.0) as rig:
            with pytest.raises(RigLost, match="no connection"):
                await rig.read()
            with pytest.raises(RigLost, match="the next try comes later"):
                await rig.read()
            with pytest.raises(RigLost, match="not connected"):
                await rig.write(PlainStation(odd_passes).scan(INPUTS))
            line = SimulatedLine(quick_line())
            async with plc(clock, line, port=port):
                clock.advance(0.05)
                assert (await rig.read()).online

    run(scene())


@pytest.mark.parametrize("answer", [False, True], ids=["question", "answer"])
@pytest.mark.parametrize("after_bytes", [0, 5, 9, 11])
def test_a_cable_cut_in_the_middle_of_a_read_or_write_is_a_lost_rig(answer: bool, after_bytes: int) -> None:  # noqa: FBT001
    async def scene() -> None:
        clock, line = start_clock(), SimulatedLine(quick_line())
        station = PlainStation(lambda _: True)
        async with (
            plc(clock, line) as serving,
            cut_line(serving.port) as cable,
            rig_at(cable.port, clock, timeout_ms=2000.0) as rig,
        ):
            for exchange in range(2):
                inputs = await rig.read()
                cable.cut_within_next(answer=answer, after_bytes=after_bytes)
                with pytest.raises(RigLost):
                    await (rig.read() if exchange else rig.write(station.scan(inputs)))
                with pytest.raises(RigLost):
                    await rig.write(station.scan(inputs))
                cable.mend()
                clock.advance(2.0)
            assert (await rig.read()).online
            assert rig.link.connections == 3

    run(scene())


def test_a_cable_that_swallows_everything_is_lost_within_the_bound() -> None:
    async def scene() -> None:
        clock, line = start_clock(), SimulatedLine(quick_line())
        async with (
            plc(clock, line) as serving,
            cut_line(serving.port) as cable,
            rig_at(cable.port, clock, timeout_ms=20.0) as rig,
        ):
            await rig.read()
            cable.go_dead()
            with pytest.raises(RigLost, match=r"no answer within 20 ms|No response"):
                await rig.read()

    run(scene())


@pytest.mark.parametrize("seed", range(3))
def test_cables_cut_at_random_let_no_part_through_without_its_permit(seed: int) -> None:
    async def scene() -> None:
        rng = random.Random(seed)  # noqa: S311 - where cables are cut
        clock, station = start_clock(), PlainStation(lambda acquisition_id: acquisition_id % 3 != 0)
        line = SimulatedLine(quick_line(parts=25, seed=seed, heartbeat_timeout_s=0.04))
        async with plc(clock, line) as serving, cut_line(serving.port) as cable:

            def cut() -> None:
                cable.cut_within_next(answer=rng.random() < 0.5, after_bytes=rng.randrange(20))

            def within(first: int, last: int, happens: Callable[[], None]) -> dict[int, Callable[[], None]]:
                return {rng.randrange(first, last): happens}

            planned = within(40, 150, cut) | within(151, 180, cable.mend) | within(250, 350, cut)
            planned |= within(351, 400, cable.mend)
            async with rig_at(cable.port, clock, timeout_ms=2000.0, reconnect_longest_ms=60.0) as rig:
                lost = 0
                for scan in range(1, 2000):
                    planned.get(scan, lambda: None)()
                    clock.advance(0.005)
                    serving.scan()  # the PLC scans on, also while nobody reads
                    try:
                        await rig.write(station.scan(await rig.read()))
                    except RigLost:
                        lost += 1
                    if line.is_empty:
                        break
        assert line.is_empty
        assert lost > 10
        assert line.truth.counts.heartbeats_lost >= 1
        assert line.truth.passed_without_permit == ()
        passed = [part.acquisition_id for part in line.truth.parts if part.lane is Lane.PASS]
        assert passed
        assert all(acquisition_id in station.permits_given for acquisition_id in passed)
        assert all(acquisition_id % 3 for acquisition_id in passed if acquisition_id)
        assert line.truth.parts[-1].why in (Why.PERMIT, Why.NO_PERMIT)

    run(scene())


def test_confirmations_that_came_while_the_cable_was_cut_are_told_when_it_is_mended() -> None:
    async def scene() -> None:
        clock, line = start_clock(), SimulatedLine(quick_line())
        async with (
            plc(clock, line) as serving,
            cut_line(serving.port) as cable,
            rig_at(cable.port, clock, timeout_ms=2000.0) as rig,
        ):
            await rig.read()
            cable.cut()
            with pytest.raises(RigLost):
                await rig.read()
            line.confirmations += [Confirmation(1, Lane.PASS), Confirmation(2, Lane.REJECT)]
            cable.mend()
            clock.advance(2.0)
            assert (await rig.read()).confirmed == (Confirmation(1, Lane.PASS), Confirmation(2, Lane.REJECT))
            assert (await rig.read()).confirmed == ()

    run(scene())


def test_a_block_has_room_for_a_plc() -> None:
    """Both blocks fit into one request of Modbus: at most 125 registers are read, 123 written."""
    assert INPUT_WORDS <= 125
    assert OUTPUT_WORDS <= 123
