"""Scripted people at the review place: the only way by which the truth reaches the server."""

import asyncio
from collections import Counter
from types import TracebackType
from typing import Self

from lineside.client import InspectionAnswer, LinesideClient
from lineside.inspection.verdict import Verdict
from lineside.serving.clock import Clock
from lineside.workflows.demo.site import REVIEWER
from lineside.workflows.demo.virtual_line import VirtualPart

_WAIT_S = 1.0  # people look after the verdict, not during it


class ScriptedReviewer:
    """Looks at every flagged part and every audit draw, a moment after the verdict, and says the truth of it.

    Parts that passed and were not drawn are never looked at, as on a real line; their escapes stay unknown.

    Args:
        client: with a key of role quality.
        clock: when the reviews are made.
    """

    def __init__(self, client: LinesideClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[VirtualPart, InspectionAnswer] | None] = asyncio.Queue()
        self._done: Counter[str] = Counter()
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to work."""
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what is left, if anything."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def consider(self, part: VirtualPart, answer: InspectionAnswer) -> None:
        """Put a part on the review place if it belongs there."""
        if answer.verdict is Verdict.NG or (answer.verdict is Verdict.OK and answer.audit):
            self._waiting.put_nowait((part, answer))

    async def finish(self) -> Counter[str]:
        """Review what waits and end; how many reviews of each kind the server took."""
        self._waiting.put_nowait(None)
        if self._worker is not None:
            await self._worker
        return self._done

    async def _work(self) -> None:
        while (waiting := await self._waiting.get()) is not None:
            part, answer = waiting
            if self._waiting.empty():
                await asyncio.sleep(_WAIT_S)
            kind = _kind(part, answer)
            await self._client.review(
                answer.id,
                kind=kind,
                source="audit" if answer.verdict is Verdict.OK else "operator",
                reviewer=REVIEWER,
                at=self._clock.now(),
            )
            self._done[kind] += 1


def _kind(part: VirtualPart, answer: InspectionAnswer) -> str:
    """What an honest reviewer says of the verdict."""
    if answer.verdict is Verdict.NG:
        return "confirmed" if part.is_defective else "false_call"
    return "escape" if part.is_defective else "confirmed"
