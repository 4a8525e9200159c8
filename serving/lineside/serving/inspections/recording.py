"""Writing attempts down: the row is durable before the answer leaves, the image before the row says it is kept."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from lineside.inspection.errors import LinesideError
from lineside.serving.clock import Clock
from lineside.serving.images import ImageStore, StagedImage
from lineside.serving.inspections import store
from lineside.serving.inspections.attempts import OpenAttempt
from lineside.serving.inspections.closing import Closing, attempt_columns, interrupted_answer, verdict_columns
from lineside.serving.inspections.schemas import PendingOut
from lineside.serving.inspections.submission import Answer
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.metrics import Metrics
from lineside.serving.settings import Settings

_log = structlog.get_logger(__name__)


def pending_answer(attempt: OpenAttempt) -> Answer:
    """The answer to a view while others are missing."""
    pending = PendingOut(
        id=attempt.inspection_id,
        missing_views=attempt.missing_views(),
        deadline_at=attempt.opened_at + timedelta(seconds=attempt.deadline_s - attempt.opened_s),
    )
    return Answer(202, pending.model_dump(mode="json"))


class Recorder:
    """Writes views and verdicts to the ledger and their images to the store."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        images: ImageStore,
        closing: Closing,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._images = images
        self._closing = closing
        self._metrics = metrics
        self._disk = ThreadPoolExecutor(2, thread_name_prefix="images")
        self._expiring: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Let the verdicts being written finish."""
        if self._expiring:
            await asyncio.wait(self._expiring)
        self._disk.shutdown(wait=True)

    def stage(self, body: bytes) -> asyncio.Future[StagedImage]:
        """Start writing an image on a disk thread, so that it is there when the verdict is."""
        return asyncio.get_running_loop().run_in_executor(self._disk, self._images.stage, body)

    def discard(self, staged: StagedImage) -> None:
        """Forget a staged image, on a disk thread; nobody waits for it."""
        asyncio.get_running_loop().run_in_executor(self._disk, self._images.discard, staged)

    async def close_left_open(self) -> int:
        """Give every attempt that a stop or crash left without a verdict its NOT_INSPECTED.

        Returns:
            How many there were.
        """
        plant = self._settings.plant
        left_open = await self._ledger.read(lambda connection: store.pending_attempts(connection, plant))
        for row in left_open:
            await self._ledger.write(partial(self._close_interrupted, row=row))
        if left_open:
            _log.warning("attempts_interrupted", count=len(left_open))
        return len(left_open)

    def _close_interrupted(self, transaction: Transaction, *, row: Mapping[str, Any]) -> None:
        frames = store.received_views(transaction.connection, row["id"])
        deadline_ms = (row["deadline_at"] - row["opened_at"]).total_seconds() * 1000.0
        answer = interrupted_answer(row, frames, deadline_ms=deadline_ms, now=self._clock.now())
        store.close_attempt(transaction, answer, values=verdict_columns(answer), is_open=True)

    async def record_pending(
        self, attempt: OpenAttempt, view: str, staged: StagedImage, promise: store.Promise | None
    ) -> Answer:
        """Write one view of several down; its image is kept until the verdict says whether it is needed."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._disk, self._images.keep, staged)
        row = attempt.frames[view] = replace(attempt.frames[view], kept=True)
        now = self._clock.now()
        answer = pending_answer(attempt)
        is_first = not attempt.is_recorded
        columns = attempt_columns(attempt, plant=self._settings.plant, is_simulated=self._settings.is_simulated)

        def write(transaction: Transaction) -> None:
            if is_first:
                store.open_attempt(transaction, columns)
            store.add_frame(transaction, attempt.inspection_id, row)
            if promise is not None:
                store.keep_promise(transaction, promise, answer=answer, inspection_id=attempt.inspection_id, now=now)

        await self._ledger.write(write)
        attempt.is_recorded = True
        if attempt.timer is None:
            wait_s = max(0.0, attempt.deadline_s - self._clock.monotonic())
            attempt.timer = loop.call_later(wait_s, self._expire, attempt)
        return answer

    async def record_verdict(
        self,
        attempt: OpenAttempt,
        view: str | None,
        staged: StagedImage | None,
        promise: store.Promise | None,
    ) -> Answer:
        """Judge, write the verdict down, and only then answer.

        Args:
            attempt: the attempt, its lock held.
            view: the view that completed it; None when the deadline or a restart ended it.
            staged: that view's image.
            promise: the idempotency key of its request.
        """
        closed = self._closing.close(attempt)
        if staged is not None and closed.keep_images:
            await asyncio.get_running_loop().run_in_executor(self._disk, self._images.keep, staged)
        elif staged is not None:
            self.discard(staged)
        columns = {
            **attempt_columns(attempt, plant=self._settings.plant, is_simulated=self._settings.is_simulated),
            **verdict_columns(closed.answer),
        }
        is_open = attempt.is_recorded
        row = None if view is None else replace(attempt.frames[view], kept=closed.keep_images)
        now = self._clock.now()

        def write(transaction: Transaction) -> Mapping[str, Any]:
            body = store.close_attempt(transaction, closed.answer, values=columns, is_open=is_open)
            if row is not None:
                store.add_frame(transaction, attempt.inspection_id, row)
            if is_open:
                store.mark_frames(transaction, attempt.inspection_id, kept=closed.keep_images)
            if promise is not None:
                store.keep_promise(
                    transaction,
                    promise,
                    answer=Answer(200, body),
                    inspection_id=attempt.inspection_id,
                    now=now,
                )
            return body

        body = await self._ledger.write(write)
        attempt.is_closed = True
        if attempt.timer is not None:
            attempt.timer.cancel()
        self._metrics.inspection_closed(closed.answer)
        return Answer(200, body)

    def _expire(self, attempt: OpenAttempt) -> None:
        task = asyncio.create_task(self._close_at_deadline(attempt))
        self._expiring.add(task)
        task.add_done_callback(self._expiring.discard)

    async def _close_at_deadline(self, attempt: OpenAttempt) -> None:
        """Give an attempt whose views did not all come its verdict: NOT_INSPECTED, or NG if a view showed it."""
        async with attempt.lock:
            if attempt.is_closed:
                return
            try:
                await self.record_verdict(attempt, None, None, None)
            except LinesideError as error:
                # The row stays without a verdict and is closed at the next start; nobody was told anything else.
                _log.error("deadline_verdict_not_written", inspection=attempt.inspection_id, reason=str(error))
