"""How far everything was delivered once the line stands."""

import asyncio
from dataclasses import dataclass
from typing import Final

from lineside.client import LinesideClient

_DRAINED_WITHIN_S: Final = 15.0  # longer, and the summary says what still waits; the next start goes on there
_ASK_AGAIN_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class SinkStanding:
    """One who listened.

    Attributes:
        name: of the sink.
        kind: webhook, mqtt, sparkplug or opcua.
        proof: what it proves of an event: acknowledged, handed_over, recoverable or pulled.
        delivered: events of which that is proved.
        waiting: events behind its position.
        parked: events that it refused for good.
        trouble: why nothing goes through; None where all is well.
    """

    name: str
    kind: str
    proof: str
    delivered: int
    waiting: int
    parked: int
    trouble: str | None


async def drained(mes: LinesideClient) -> tuple[SinkStanding, ...]:
    """Wait a moment until every sink has everything, and say how each stands.

    Args:
        mes: a client that may read how delivery stands.
    """
    give_up_s = asyncio.get_running_loop().time() + _DRAINED_WITHIN_S
    while True:
        answer = await mes.delivery()
        standing = tuple(
            SinkStanding(
                name=sink["name"],
                kind=sink["kind"],
                proof=sink["proof"],
                delivered=sink["delivered"],
                waiting=sink["lag"]["events"],
                parked=sink["parked"],
                trouble=None if sink["trouble"] is None else sink["trouble"]["reason"],
            )
            for sink in answer["items"]
            if sink["is_configured"]
        )
        is_there = answer["process"] == "running" and not any(sink.waiting for sink in standing)
        if is_there or asyncio.get_running_loop().time() >= give_up_s:
            return standing
        await asyncio.sleep(_ASK_AGAIN_S)
