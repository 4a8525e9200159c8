"""Letting images go: by their recipe's age and size, each time with an event that says what went and why."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict

from lineside.inspection.errors import LinesideError
from lineside.inspection.recipe import Retention
from lineside.serving.clock import Clock
from lineside.serving.images import ImageStore, RetentionLimits, RetentionReport, sweep
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.recipes import RecipeBook
from lineside.serving.retention import store
from lineside.serving.retention.store import HeldFrame

_log = structlog.get_logger(__name__)

EVENT_TYPE = "retention.v1"
_GIGABYTE = 10**9
_GRACE = timedelta(hours=1)  # an image is kept a moment before its row is written: no orphan is younger than this
_FRAMES_AT_ONCE = 200  # in one write, some milliseconds: verdicts wait for the same writer
_NO_RECIPE = Retention()  # for parts that came while their station had no recipe


class RetentionEvent(BaseModel):
    """Images that one recipe's retention let go. The data of the event `retention.v1`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe_id: str | None
    cause: Literal["age", "size"]
    frames: int
    size_bytes: int
    oldest: datetime
    newest: datetime


class Housekeeping:
    """Runs the recipes' retention every so often.

    Args:
        ledger: which frames there are.
        images: their files.
        recipes: their retention.
        clock: what their age is told by.
        interval_s: between two runs.
        min_free_bytes: space to keep free on the disk of the images.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        images: ImageStore,
        recipes: RecipeBook,
        clock: Clock,
        interval_s: float,
        min_free_bytes: int,
    ) -> None:
        self._ledger = ledger
        self._images = images
        self._recipes = recipes
        self._clock = clock
        self._interval_s = interval_s
        self._min_free_bytes = min_free_bytes
        self._stopping = threading.Event()
        self._wake = asyncio.Event()

    async def run_forever(self) -> None:
        """Run now and then every interval, until stopped; a run that fails is logged and the next one tries again."""
        while not self._stopping.is_set():
            try:
                await self.run_once()
            except (LinesideError, OSError) as error:
                _log.error("retention_failed", reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._interval_s)

    def stop(self) -> None:
        """End `run_forever` soon; nothing more is let go."""
        self._stopping.set()
        self._wake.set()

    async def run_once(self) -> RetentionReport:
        """Let go what is due, record it, then remove the files that nothing claims any more."""
        now = self._clock.now()
        await self._let_go(None, _NO_RECIPE, now)
        for stored in self._recipes.latest():
            await self._let_go(stored.recipe.id, stored.recipe.retention, now)
        report = await asyncio.to_thread(self._remove_unclaimed, now)
        free_bytes = self._images.free_bytes()
        if free_bytes < self._min_free_bytes:
            _log.error("image_disk_nearly_full", free_bytes=free_bytes, min_free_bytes=self._min_free_bytes)
        return report

    async def _let_go(self, recipe_id: str | None, retention: Retention, now: datetime) -> None:
        plant = self._ledger.plant
        held = await self._ledger.read(lambda connection: store.held_frames(connection, plant, recipe_id))
        due, left = _by_age(held, oldest=now - timedelta(days=retention.days))
        await self._record(recipe_id, "age", due, now)
        if retention.max_gigabytes is not None:
            excess = _by_size(left, max_bytes=round(retention.max_gigabytes * _GIGABYTE))
            await self._record(recipe_id, "size", excess, now)

    async def _record(
        self, recipe_id: str | None, cause: Literal["age", "size"], gone: Sequence[HeldFrame], now: datetime
    ) -> None:
        """Let frames go, a batch a write, each with its event."""
        for batch in _batches(gone):
            if self._stopping.is_set():
                return
            event = RetentionEvent(
                recipe_id=recipe_id,
                cause=cause,
                frames=len(batch),
                size_bytes=sum(frame.size_bytes for frame in batch),
                oldest=min(frame.received_at for frame in batch),
                newest=max(frame.received_at for frame in batch),
            )
            await self._ledger.write(partial(_let_go, gone=batch, event=event, now=now))

    def _remove_unclaimed(self, now: datetime) -> RetentionReport:
        # No limit by free space here: it would take images whose rows are just being written.
        limits = RetentionLimits(max_age=_GRACE, max_age_pinned=None, max_total_bytes=None, min_free_bytes=0)
        return sweep(self._images, limits, is_pinned=self._is_pinned, now=now)

    def _is_pinned(self, digest: str) -> bool:
        """Whether an image must stay; once the server is ending they all do."""
        return self._stopping.is_set() or self._ledger.read_blocking(
            lambda connection: store.is_claimed(connection, digest)
        )


def _let_go(transaction: Transaction, *, gone: Sequence[HeldFrame], event: RetentionEvent, now: datetime) -> None:
    store.let_go(transaction, gone)
    transaction.append_event(EVENT_TYPE, station=None, occurred_at=now, data=event.model_dump(mode="json"))


def _batches(held: Sequence[HeldFrame]) -> Iterator[Sequence[HeldFrame]]:
    return (held[start : start + _FRAMES_AT_ONCE] for start in range(0, len(held), _FRAMES_AT_ONCE))


def _by_age(held: Sequence[HeldFrame], *, oldest: datetime) -> tuple[list[HeldFrame], list[HeldFrame]]:
    """Split into those received before an instant that nobody needs, and the rest."""
    due = [frame for frame in held if frame.received_at < oldest and not frame.is_needed]
    return due, [frame for frame in held if frame.received_at >= oldest or frame.is_needed]


def _by_size(held: Sequence[HeldFrame], *, max_bytes: int) -> list[HeldFrame]:
    """The frames to let go so that the rest fits: OK parts' first, then the others, each from the oldest on."""
    excess_bytes = sum(frame.size_bytes for frame in held) - max_bytes
    gone: list[HeldFrame] = []
    for frame in sorted(held, key=lambda frame: (not frame.is_expendable, frame.received_at)):
        if excess_bytes <= 0:
            break
        if frame.is_needed:
            continue
        gone.append(frame)
        excess_bytes -= frame.size_bytes
    return gone
