"""A network line that a test can cut: what is under way then is lost without a word, as when a cable is pulled."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CutLine:
    """Passes bytes on to a port of this machine, until it is cut.

    Attributes:
        port: where it takes connections.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._is_dead = False
        self._is_cut = False
        self._cut_within: tuple[bool, int] | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def go_dead(self) -> None:
        """Swallow what is sent from now on; nobody is told."""
        self._is_dead = True

    def cut(self) -> None:
        """End every connection, and take no new one."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def cut_within_next(self, *, answer: bool, after_bytes: int) -> None:
        """Pass on so many bytes of what is sent next (of what is answered next), then be cut."""
        self._cut_within = (answer, after_bytes)

    def mend(self) -> None:
        """Be a good line again, for new connections."""
        self._is_dead = self._is_cut = False
        self._cut_within = None

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        if self._is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, answers=False), self._pump(far_reader, writer, answers=True)
            )
        finally:
            for one in (writer, far_writer):
                self._open.discard(one)
                one.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                if self._cut_within is not None and self._cut_within[0] == answers:
                    sink.write(data[: self._cut_within[1]])
                    await sink.drain()
                    self._is_cut, self._cut_within = True, None
                    break
                if not self._is_dead:
                    sink.write(data)
                    await sink.drain()
        sink.transport.abort()


@asynccontextmanager
async def cut_line(target: int) -> AsyncIterator[CutLine]:
    """A line to 127.0.0.1 and a port, until the block ends."""
    line = CutLine(target)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.cut()
        await asyncio.sleep(0)
