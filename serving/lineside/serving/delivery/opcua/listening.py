"""A server that keeps no more of what a connection sends than one chunk.

asyncua waits for as many bytes as a message's header announces, up to 4 GiB, from anybody who can reach the port. The
largest chunk is agreed upon in the handshake (OPC 10000-6, clause 7.1.2.3), so who sends a larger one is cut off.
"""

from typing import Any

from asyncua import Server
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol

from lineside.serving.delivery.opcua.guard import GuardedServer


class BoundedServer(Server):
    """asyncua's server, listening with bounded connections.

    Args:
        guard: its inner server.
    """

    def __init__(self, guard: GuardedServer) -> None:
        super().__init__(iserver=guard)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: it cannot listen there.
        """
        await self._setup_server_nodes()
        await self.iserver.start()
        try:
            address, port = self._get_bind_socket_info()
            self.bserver = _BoundedListener(self.iserver, address, port, self.limits)
            self.bserver.set_policies(self._policies)
            await self.bserver.start()
        except OSError:
            await self.iserver.stop()
            raise

    @property
    def port(self) -> int:
        """The port that it got."""
        port: int = self.bserver._server.sockets[0].getsockname()[1]
        return port


class _BoundedListener(BinaryServer):
    def _make_protocol(self) -> OPCUAProtocol:
        return _BoundedConnection(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )


class _BoundedConnection(OPCUAProtocol):
    _buffer: bytes

    def data_received(self, data: Any) -> None:
        """Take what came, and hang up on a connection whose next chunk is larger than any may be."""
        super().data_received(data)
        if len(self._buffer) > self.limits.max_recv_buffer:
            self._buffer = b""
            if self.transport is not None:
                self.transport.abort()
