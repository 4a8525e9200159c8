"""A webhook receiver on a real socket that does to its senders what receivers do: on the bytes, below any framework."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Answers one request on its connection; the connection is closed afterwards unless the answer keeps it."""

TLS_RECORD = b"\x16"


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class RudeReceiver:
    """What came in.

    Attributes:
        url: where it listens.
        requests: in order of arrival.
        connections: how many were made.
    """

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def rude_receiver(
    *replies: Reply, tls: ssl.SSLContext | None = None, reads: bool = True
) -> AsyncIterator[RudeReceiver]:
    """Listen on a free port; each request gets the next reply, the last one again and again.

    Args:
        *replies: at least one.
        tls: the server's side of it.
        reads: whether it reads what comes at all.
    """
    receiver = RudeReceiver()
    left = list(replies)
    served: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        served[asyncio.create_task(answer(reader, writer))] = writer

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not reads:
                await asyncio.Event().wait()
            while (request := await _read(reader)) is not None:
                receiver.requests.append(request)
                reply = left.pop(0) if len(left) > 1 else left[0]
                await reply(writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the sender went away
        except asyncio.LimitOverrunError:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # no HTTP: what a server says to TLS, for one
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/lineside"
    try:
        yield receiver
    finally:
        server.close()
        for task, writer in served.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*served, return_exceptions=True)
        await server.wait_closed()


def answering(status: int, said: str = "", **headers: str) -> Reply:
    """A whole answer; `retry_after="3"` is the header Retry-After."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        body = said.encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return reply


def writing(content: bytes) -> Reply:
    """Those bytes, and the connection closes."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        writer.close()

    return reply


def hanging(content: bytes = b"") -> Reply:
    """Those bytes, and then nothing for ever."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        await asyncio.Event().wait()

    return reply


def streaming_for_ever(head: bytes) -> Reply:
    """An answer whose body never ends, as fast as it is read."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    return reply


async def _read(reader: asyncio.StreamReader) -> Request | None:
    beginning = await reader.readexactly(1)
    if beginning == TLS_RECORD:
        raise asyncio.LimitOverrunError("no HTTP", 0)
    head = (beginning + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)
