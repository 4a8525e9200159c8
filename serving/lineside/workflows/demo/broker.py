"""The demonstration's own MQTT broker: amqtt in this process, on the loopback only. Never a plant's broker.

It speaks MQTT 3.1.1, keeps nothing on disk, and lets in everybody on this machine.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from lineside.serving.delivery.errors import ExtraMissing
from lineside.workflows.ports import free_port

_LOOPBACK: Final = "127.0.0.1"
_LONGEST_MESSAGE: Final = 1024 * 1024
_END_S: Final = 5.0


@asynccontextmanager
async def demo_broker(*, port: int = 0) -> AsyncIterator[int]:
    """A broker until the block ends.

    Args:
        port: on 127.0.0.1; 0 takes a free one.

    Yields:
        The port that it listens on.

    Raises:
        ExtraMissing: `lineside[mqtt]` is not installed.
        OSError: the port is taken.
    """
    try:
        from amqtt.broker import Broker  # type: ignore[import-untyped]  # ships no type information
    except ModuleNotFoundError as missing:
        raise ExtraMissing(f"the demonstration's broker needs {missing.name}: install lineside[mqtt]") from missing
    for name in ("amqtt", "transitions"):  # it tells of each connection, to nobody who asked
        logging.getLogger(name).setLevel(logging.ERROR)
    chosen = port or free_port(0)
    broker = Broker(_configuration(chosen))
    await broker.start()
    try:
        yield chosen
    finally:
        with contextlib.suppress(TimeoutError):  # its clients are ending as well, and its port closes with us
            async with asyncio.timeout(_END_S):
                await broker.shutdown()


def _configuration(port: int) -> dict[str, Any]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{_LOOPBACK}:{port}", "max_connections": 50}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
