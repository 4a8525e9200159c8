"""Writing attempts down: the row is durable before the answer leaves, the image before the row says it is kept."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from lineside.serving.clock import Clock
from lineside.serving.images import ImageStore, ImageStoreError, StagedImage
from lineside.serving.inspections import store
from lineside.serving.inspections.attempts import OpenAttempt
from lineside.serving.inspections.closing import Closing, attempt_columns, interrupted_answer, verdict_columns
from lineside.serving.inspections.content_digest import CheckedBody
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
        self._disk_fails = False

    async def stop(self) -> None:
        """Let the images being written finish."""
        await asyncio.to_thread(self._disk.shutdown)

    def stage(self, body: CheckedBody) -> asyncio.Future[StagedImage | None]:
        """Start writing an image on a disk thread, so that it is there when the verdict is; None if it cannot be."""
        return asyncio.ensure_future(self._on_disk(partial(self._images.stage, body.content, digest=body.digest)))

    def discard(self, staged: StagedImage) -> None:
        """Forget a staged image, on a disk thread; nobody waits for it."""
        asyncio.get_running_loop().run_in_executor(self._disk, self._images.discard, staged)

    async def _keep(self, attempt: OpenAttempt, view: str, staged: StagedImage | None) -> None:
        """Make a view's image durable, if the disk takes it: a verdict does not wait for space for pictures."""
        if staged is not None and await self._on_disk(partial(self._kept, staged)) is not None:
            attempt.stored.add(view)

    def _kept(self, staged: StagedImage) -> StagedImage:
        self._images.keep(staged)
        return staged

    async def _on_disk(self, work: Callable[[], StagedImage]) -> StagedImage | None:
        """Work on a disk thread; a disk that fails is counted, and logged once when lost and once when back."""
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._disk, work)
        except (ImageStoreError, OSError) as error:
            self._metrics.image_not_stored()
            if not self._disk_fails:
                _log.error("images_not_stored", reason=str(error))
            self._disk_fails = True
            return None
        if self._disk_fails:
            _log.warning("images_stored_again")
        self._disk_fails = False
        return done

    async def close_left_open(self, station: str | None = None, part_id: str | None = None) -> None:
        """Give every attempt that has no verdict, and that nobody works on, its NOT_INSPECTED.

        Args:
            station: only attempts at this station; None for all of the plant, after a stop or crash.
            part_id: only attempts of this part.
        """
        plant = self._settings.plant
        left_open = await self._ledger.read(
            lambda connection: store.pending_attempts(connection, plant, station=station, part_id=part_id)
        )
        for row in left_open:
            await self._ledger.write(partial(self._close_interrupted, row=row))
        if left_open:
            _log.warning("attempts_interrupted", count=len(left_open))

    def _close_interrupted(self, transaction: Transaction, *, row: Mapping[str, Any]) -> None:
        frames = store.received_views(transaction.connection, row["id"])
        deadline_ms = (row["deadline_at"] - row["opened_at"]).total_seconds() * 1000.0
        answer = interrupted_answer(row, frames, deadline_ms=deadline_ms, now=self._clock.now())
        store.close_attempt(transaction, answer, values=verdict_columns(answer), is_open=True)

    async def record_pending(
        self, attempt: OpenAttempt, view: str, staged: StagedImage | None, promise: store.Promise | None
    ) -> Answer:
        """Write one view of several down; its image is kept until the verdict says whether it is needed."""
        await self._keep(attempt, view, staged)
        row = replace(attempt.frames[view], kept=view in attempt.stored)
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
        outcome = self._closing.judge(attempt)
        if view is not None and outcome.keep_images:
            await self._keep(attempt, view, staged)
        elif staged is not None:
            self.discard(staged)
        given = self._closing.answer(attempt, outcome)
        columns = {
            **attempt_columns(attempt, plant=self._settings.plant, is_simulated=self._settings.is_simulated),
            **verdict_columns(given),
        }
        is_open = attempt.is_recorded
        row = None
        if view is not None:
            row = replace(attempt.frames[view], kept=outcome.keep_images and view in attempt.stored)
        now = self._clock.now()

        def write(transaction: Transaction) -> Mapping[str, Any]:
            body = store.close_attempt(transaction, given, values=columns, is_open=is_open)
            if is_open and not outcome.keep_images:
                store.let_go_of_images(transaction, attempt.inspection_id)
            if row is not None:
                store.add_frame(transaction, attempt.inspection_id, row)
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
        self._metrics.inspection_closed(given)
        return Answer(200, body)
