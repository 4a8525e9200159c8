"""The station's side of a PLC that speaks Modbus/TCP: two blocks of holding registers, each exchanged in one request.

Function codes 3 (read holding registers) and 16 (write multiple registers) of the Modbus Application Protocol
Specification V1.1b3, sections 6.3 and 6.12. Both blocks fit into one request each.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from lineside.station.rig.confirmations import ConfirmationReader
from lineside.station.rig.encoder_count import UnwrappedCount
from lineside.station.rig.errors import RigLost, RigMisconfigured
from lineside.station.rig.link import Link
from lineside.station.rig.protocol import Rig
from lineside.station.rig.records import Inputs, Outputs
from lineside.station.rig.register_map import (
    INPUT_WORDS,
    InputsBlock,
    TornBlock,
    inputs_from_words,
    outputs_to_words,
)
from lineside.station.rig.settings import ModbusSettings, RigContext, RigSettings

_MOST_READINGS: Final = 4
"""Of one `read`, while blocks come torn; a PLC tears one in hundreds."""


class _Connection:
    """A client and the news that its connection broke, for which pymodbus' own requests would wait in vain."""

    def __init__(self, settings: ModbusSettings) -> None:
        self._broke = asyncio.Event()
        # Its own tries and reconnections are off: they would answer an old question with a new connection.
        self.client = AsyncModbusTcpClient(
            settings.host,
            port=settings.port,
            timeout=settings.connect_timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=lambda is_connected: None if is_connected else self._broke.set(),
        )

    async def ask(self, request: Awaitable[ModbusPDU]) -> ModbusPDU:
        """The answer to a request.

        Raises:
            RigLost: the connection broke before it came, or the PLC refused.
        """
        asking = asyncio.ensure_future(request)
        breaking = asyncio.ensure_future(self._broke.wait())
        try:
            await asyncio.wait({asking, breaking}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise RigLost("the connection broke before the answer came")
            answer = asking.result()
        finally:
            asking.cancel()
            breaking.cancel()
        if answer.isError():
            raise RigLost(f"the PLC refused: {answer}")
        return answer


class ModbusRig:
    """A PLC's holding registers.

    Args:
        settings: where they are.
        context: the station's clock.
    """

    def __init__(self, settings: ModbusSettings, context: RigContext) -> None:
        self._settings = settings
        self._encoder = UnwrappedCount()
        self._confirmations = ConfirmationReader()
        self._sequence = 0
        self.link: Link[_Connection] = Link(
            f"the PLC at {settings.host}:{settings.port}",
            connect=self._connect,
            close=_close,
            broken=(ModbusException, OSError, RigLost),
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            backoff=settings.backoff,
            clock=context.clock,
        )

    async def __aenter__(self) -> Self:
        """Get ready; the first `read` connects."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.link.close()

    async def read(self) -> Inputs:
        """What the PLC says now.

        Raises:
            RigLost: not within the bound, or nothing that can be trusted.
        """
        block = await self.link.use(self._read_block, may_connect=True)
        return replace(
            block.inputs,
            encoder=self._encoder.follow(block.inputs.encoder),
            confirmed=self._confirmations.fresh(block.ring),
        )

    async def write(self, outputs: Outputs) -> None:
        """Tell the PLC.

        Raises:
            RigLost: not within the bound; whether it arrived is not known.
        """
        self._sequence = (self._sequence + 1) & 0xFFFF
        words = outputs_to_words(outputs, sequence=self._sequence)

        async def write_block(connection: _Connection) -> None:
            settings = self._settings
            await connection.ask(connection.client.write_registers(settings.outputs_at, words, device_id=settings.unit))

        await self.link.use(write_block, may_connect=False)

    async def _connect(self) -> _Connection:
        connection = _Connection(self._settings)
        if not await connection.client.connect():
            raise RigLost("no connection; is it switched on, and does it serve Modbus/TCP?")
        return connection

    async def _read_block(self, connection: _Connection) -> InputsBlock:
        for _ in range(_MOST_READINGS - 1):
            try:
                return await self._read_once(connection)
            except TornBlock:
                await asyncio.sleep(0)
        return await self._read_once(connection)

    async def _read_once(self, connection: _Connection) -> InputsBlock:
        settings = self._settings
        answer = await connection.ask(
            connection.client.read_holding_registers(settings.inputs_at, count=INPUT_WORDS, device_id=settings.unit)
        )
        return inputs_from_words(answer.registers, word_order=settings.word_order)


async def _close(connection: _Connection) -> None:
    connection.client.close()


def build(settings: RigSettings, context: RigContext) -> Rig:
    """Make the rig; nothing connects yet.

    Raises:
        RigMisconfigured: settings of another kind.
    """
    if not isinstance(settings, ModbusSettings):
        raise RigMisconfigured(f"settings of a {settings.kind!r} rig; expected modbus")
    return ModbusRig(settings, context)
