"""Siemens S7: a line behind python-snap7's server, which answers from threads of its own."""

import asyncio
import struct
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from snap7 import Server
from snap7.type import SrvArea

from cut_line import cut_line
from lineside.client.clock import ManualClock
from lineside.station.rig import RIG_KINDS, Lane, RigLost, RigUnreadable
from lineside.station.rig.confirmations import ConfirmationRing
from lineside.station.rig.register_map import INPUT_WORDS, OUTPUT_WORDS, inputs_to_words, outputs_from_words
from lineside.station.rig.s7 import S7Rig
from lineside.station.rig.settings import S7Settings
from lineside.station.rig.simulated_line import SimulatedLine
from plain_station import PlainStation
from rig_scene import SCAN_S, odd_passes, quick_line, rig_context, start_clock

DB, INPUTS_AT, OUTPUTS_AT = 17, 4, 200


@dataclass
class S7Plc:
    """The server's data block with a line behind it."""

    port: int
    memory: bytearray
    server: Server
    line: SimulatedLine
    clock: ManualClock
    sequence: int = 0

    def scan(self) -> None:
        """See what the station wrote, move the line on, and show what it says."""
        self.server.lock_area(SrvArea.DB, DB)
        words = struct.unpack_from(f">{OUTPUT_WORDS}H", self.memory, OUTPUTS_AT)
        self.server.unlock_area(SrvArea.DB, DB)
        with suppress(RigUnreadable):
            self.line.take(outputs_from_words(words))
        self.line.advance(self.clock.monotonic())
        self.sequence = (self.sequence + 1) & 0xFFFF
        ring = ConfirmationRing.of(self.line.confirmations)
        shown = inputs_to_words(self.line.inputs(), ring, sequence=self.sequence, word_order="high_first")
        self.server.lock_area(SrvArea.DB, DB)
        struct.pack_into(f">{INPUT_WORDS}H", self.memory, INPUTS_AT, *shown)
        self.server.unlock_area(SrvArea.DB, DB)

    def settings(self, **changed: Any) -> S7Settings:
        return S7Settings.model_validate(
            {
                "kind": "s7",
                "host": "127.0.0.1",
                "port": self.port,
                "db": DB,
                "inputs_at": INPUTS_AT,
                "outputs_at": OUTPUTS_AT,
                "timeout_ms": 5000.0,
                **changed,
            }
        )


@contextmanager
def s7_plc() -> Iterator[S7Plc]:
    server = Server(log=False)
    memory = bytearray(400)
    server.register_area(SrvArea.DB, DB, memory)
    server.host = "127.0.0.1"
    server.start(tcp_port=0)
    assert server.server_socket is not None
    port = server.server_socket.getsockname()[1]
    try:
        yield S7Plc(port, memory, server, SimulatedLine(quick_line(parts=4)), start_clock())
    finally:
        server.stop()


def run(scene: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60.0):
            await scene

    asyncio.run(bounded())


def test_a_line_behind_a_data_block_is_the_line() -> None:
    async def scene() -> None:
        with s7_plc() as plc:
            station = PlainStation(odd_passes)
            async with RIG_KINDS["s7"].build(plc.settings(), rig_context(plc.clock)) as rig:
                while not plc.line.is_empty:
                    plc.clock.advance(SCAN_S)
                    plc.scan()
                    await rig.write(station.scan(await rig.read()))
                encoder = (await rig.read()).encoder
            assert [part.lane is Lane.PASS for part in plc.line.truth.parts] == [True, False, True, False]
            assert station.part_ids[3] == "P000003"
            assert encoder == plc.line.inputs().encoder

    run(scene())


def test_what_is_no_block_of_ours_or_no_data_block_is_a_lost_rig() -> None:
    async def scene() -> None:
        with s7_plc() as plc:
            async with S7Rig(plc.settings(), rig_context(plc.clock)) as rig:
                with pytest.raises(RigUnreadable, match="layout 0; expected 1"):
                    await rig.read()
            plc.scan()
            plc.memory[INPUTS_AT + 1] ^= 1
            async with S7Rig(plc.settings(), rig_context(plc.clock)) as rig:
                with pytest.raises(RigUnreadable, match="begin with sequence"):
                    await rig.read()
            async with S7Rig(plc.settings(db=18), rig_context(plc.clock)) as rig:
                with pytest.raises(RigLost):
                    await rig.read()

    run(scene())


@pytest.mark.parametrize("answer", [False, True], ids=["question", "answer"])
def test_a_cable_cut_in_the_middle_is_a_lost_rig_until_it_is_mended(answer: bool) -> None:  # noqa: FBT001
    async def scene() -> None:
        with s7_plc() as plc:
            plc.scan()
            station = PlainStation(odd_passes)
            async with (
                cut_line(plc.port) as cable,
                S7Rig(plc.settings(port=cable.port), rig_context(plc.clock)) as rig,
            ):
                inputs = await rig.read()
                cable.cut_within_next(answer=answer, after_bytes=9)
                with pytest.raises(RigLost):
                    await rig.write(station.scan(inputs))
                cable.mend()
                plc.clock.advance(3.0)
                assert (await rig.read()).online
                assert rig.link.connections == 2

    run(scene())
