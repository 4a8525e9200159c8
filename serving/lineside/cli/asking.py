"""How a command puts a question to a running server: where it is, with which key, and the call."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from lineside.client import LinesideClient

ServerOption = Annotated[str, typer.Option("--server", help="URL of the server, e.g. http://127.0.0.1:8470.")]

_PATIENCE_S = 30.0

Answer = TypeVar("Answer")


def ask(
    server: str,
    key: str,
    question: "Callable[[LinesideClient], Coroutine[Any, Any, Answer]]",
    *,
    patience_s: float = _PATIENCE_S,
) -> Answer:
    """Put one question to a server.

    Args:
        server: its URL.
        key: API key.
        question: what to call.
        patience_s: how long the server may take to answer one call.

    Raises:
        ClientError: the server cannot be reached, or refuses.
    """
    from lineside.client import LinesideClient

    async def put() -> Answer:
        async with LinesideClient(server, key, timeout_s=patience_s) as client:
            return await question(client)

    return asyncio.run(put())
