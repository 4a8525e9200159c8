"""A PLC's registers over Modbus/TCP: a real server whose memory a `SimulatedLine` reads and writes, scan by scan."""

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from lineside.client.clock import Clock
from lineside.station.rig.confirmations import ConfirmationRing
from lineside.station.rig.errors import RigUnreadable
from lineside.station.rig.register_map import (
    INPUT_WORDS,
    OUTPUT_WORDS,
    WordOrder,
    inputs_to_words,
    outputs_from_words,
)
from lineside.station.rig.simulated_line import SimulatedLine

_EVERY_UNIT: Final = 0
_READ_HOLDING_REGISTERS: Final = 3


class ModbusPlc:
    """A Modbus/TCP server with a line behind it; `async with` serves.

    The programme scans by the clock, in a task of its own and before each block that is read. A block of outputs that
    is torn, or of another layout, it does not see: the station's heartbeat then stands, and nothing passes.

    Args:
        line: what happens at the PLC.
        clock: of the line.
        host: to listen on.
        port: 0 takes a free one.
        inputs_at: address of the first register of what the station reads.
        outputs_at: of what it writes; the blocks must not overlap.
        word_order: of the encoder.
        scans_itself: whether the task runs; without it the line stands still while nobody reads.
    """

    def __init__(
        self,
        line: SimulatedLine,
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        inputs_at: int = 0,
        outputs_at: int = 100,
        word_order: WordOrder = "high_first",
        scans_itself: bool = True,
    ) -> None:
        self.line = line
        self.blocks_refused = 0
        """Scans in which the outputs could not be believed."""
        self._clock = clock
        self._address = (host, port)
        self._inputs_at = inputs_at
        self._outputs_at = outputs_at
        self._word_order: WordOrder = word_order
        self._scans_itself = scans_itself
        self._server: ModbusTcpServer | None = None
        self._scanning: asyncio.Task[None] | None = None
        self._outputs = [0] * OUTPUT_WORDS
        self._sequence = 0

    async def __aenter__(self) -> Self:
        """Listen, and begin to scan."""
        device = SimDevice(
            _EVERY_UNIT,
            [
                SimData(self._inputs_at, values=[0] * INPUT_WORDS, datatype=DataType.REGISTERS, readonly=True),
                SimData(self._outputs_at, values=[0] * OUTPUT_WORDS, datatype=DataType.REGISTERS),
            ],
            action=self._on_access,
        )
        self._server = ModbusTcpServer(device, address=self._address)
        await self._server.serve_forever(background=True)
        self._address = (self._address[0], self._listening_on())
        if self._scans_itself:
            self._scanning = asyncio.create_task(self._scan_for_ever(), name="plc-scan")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        if self._scanning is not None:
            self._scanning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._scanning
            self._scanning = None
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call] # pymodbus leaves it untyped
            self._server = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._address[1]

    def scan(self) -> None:
        """See what the station wrote, and move the line on to now."""
        if any(self._outputs):
            try:
                self.line.take(outputs_from_words(self._outputs))
            except RigUnreadable:
                self.blocks_refused += 1
        self.line.advance(self._clock.monotonic())

    async def _scan_for_ever(self) -> None:
        while True:
            self.scan()
            await asyncio.sleep(self.line.settings.scan_s)

    async def _on_access(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Called by the server for every request, before it is answered; `registers` is its memory from `start` on."""
        if written is not None:
            at = address - self._outputs_at
            if not 0 <= at <= OUTPUT_WORDS - count:
                return ExcCodes.ILLEGAL_ADDRESS
            self._outputs[at : at + count] = [int(word) for word in written]
        elif function == _READ_HOLDING_REGISTERS and address == self._inputs_at:
            self.scan()
            registers[self._inputs_at - start : self._inputs_at - start + INPUT_WORDS] = self._input_words()
        return None

    def _input_words(self) -> list[int]:
        self._sequence = (self._sequence + 1) & 0xFFFF
        ring = ConfirmationRing.of(self.line.confirmations)
        return inputs_to_words(self.line.inputs(), ring, sequence=self._sequence, word_order=self._word_order)

    def _listening_on(self) -> int:
        transport = None if self._server is None else self._server.transport
        if not isinstance(transport, asyncio.Server):
            raise RigUnreadable("the Modbus server does not listen")
        port: int = transport.sockets[0].getsockname()[1]
        return port
