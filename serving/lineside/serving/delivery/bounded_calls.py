"""Calls of a sink, each with an end: whatever it does, its runner goes on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from lineside.client import TryAgainLater
from lineside.serving.delivery.errors import ConnectionLost, Trouble, TryAgain
from lineside.serving.ledger import LedgerError

_LETS_GO_S = 2.0  # for what a cancelled call still has to tidy up


class SinkFault(Trouble):
    """A sink raised what no sink should: a fault of this program."""


async def call(coroutine: Coroutine[Any, Any, None], *, what: str, limit_s: float) -> None:
    """Wait for a call of a sink, but not longer than its limit.

    Args:
        coroutine: the call.
        what: it in words, for the message: "no proof".
        limit_s: seconds.

    Raises:
        Trouble: the call's own; `ConnectionLost` where it took too long; `TryAgain` where the disk, the network or
            the server failed below it; `SinkFault` for everything else.
    """
    task = asyncio.ensure_future(coroutine)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        await _let_go(task)
        raise
    if not done:
        await _let_go(task)
        raise ConnectionLost(f"{what} within {limit_s:g} s: the receiver hangs")
    try:
        task.result()
    except Trouble:
        raise
    except asyncio.CancelledError as error:
        raise ConnectionLost(f"{what}: the call was cancelled") from error
    except (TryAgainLater, LedgerError, OSError) as error:
        raise TryAgain(f"{what}: {type(error).__name__}: {error}") from error
    except Exception as error:
        raise SinkFault(f"{what}: the sink failed with {type(error).__name__}: {error}") from error


async def _let_go(task: "asyncio.Future[None]") -> None:
    """Cancel a call; one that does not heed it is left behind, with its errors unread."""
    task.cancel()
    task.add_done_callback(_read)
    await asyncio.wait({task}, timeout=_LETS_GO_S)


def _read(task: "asyncio.Future[None]") -> None:
    if not task.cancelled():
        task.exception()
