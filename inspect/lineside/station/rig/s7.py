"""The station's side of a Siemens PLC: the two blocks of words in a data block, over the classic S7 protocol.

The data block must not be optimised, and the CPU must permit PUT/GET. Like Modbus, S7 has neither encryption nor a
login worth the name: keep it on the machine's own network.
"""

import asyncio
import struct
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from snap7 import AsyncClient
from snap7.error import S7Error

from lineside.station.rig.confirmations import ConfirmationReader
from lineside.station.rig.encoder_count import UnwrappedCount
from lineside.station.rig.errors import RigMisconfigured
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
from lineside.station.rig.settings import RigContext, RigSettings, S7Settings

_MOST_READINGS: Final = 4


class S7Rig:
    """A data block of a PLC.

    Args:
        settings: where it is.
        context: the station's clock.
    """

    def __init__(self, settings: S7Settings, context: RigContext) -> None:
        self._settings = settings
        self._encoder = UnwrappedCount()
        self._confirmations = ConfirmationReader()
        self._sequence = 0
        self.link: Link[AsyncClient] = Link(
            f"the PLC at {settings.host}:{settings.port}",
            connect=self._connect,
            close=_close,
            broken=(S7Error, OSError, EOFError, ValueError, struct.error),
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
        packed = bytearray(struct.pack(f">{len(words)}H", *words))

        async def write_block(client: AsyncClient) -> None:
            await client.db_write(self._settings.db, self._settings.outputs_at, packed)

        await self.link.use(write_block, may_connect=False)

    async def _connect(self) -> AsyncClient:
        client = AsyncClient()
        settings = self._settings
        await client.connect(settings.host, settings.rack, settings.slot, settings.port)
        return client

    async def _read_block(self, client: AsyncClient) -> InputsBlock:
        for _ in range(_MOST_READINGS - 1):
            try:
                return await self._read_once(client)
            except TornBlock:
                await asyncio.sleep(0)
        return await self._read_once(client)

    async def _read_once(self, client: AsyncClient) -> InputsBlock:
        packed = await client.db_read(self._settings.db, self._settings.inputs_at, 2 * INPUT_WORDS)
        words = struct.unpack(f">{INPUT_WORDS}H", packed)
        return inputs_from_words(words, word_order="high_first")


async def _close(client: AsyncClient) -> None:
    await client.disconnect()


def build(settings: RigSettings, context: RigContext) -> Rig:
    """Make the rig; nothing connects yet.

    Raises:
        RigMisconfigured: settings of another kind.
    """
    if not isinstance(settings, S7Settings):
        raise RigMisconfigured(f"settings of a {settings.kind!r} rig; expected s7")
    return S7Rig(settings, context)
