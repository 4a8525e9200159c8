"""Letting images go: by their recipe's age and size, each time with an event that says what went and why."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
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

    async def run_forever(self) -> None:
        """Run now and then every interval, until cancelled; a run that fails is logged and the next one tries again."""
        while True:
            try:
                await self.run_once()
            except (LinesideError, OSError) as error:
                _log.error("retention_failed", reason=str(error))
            await asyncio.sleep(self._interval_s)

    async def run_once(self) -> RetentionReport:
        """Let go what is due, record it, then remove the files that nothing claims any more."""
        now = self._clock.now()
        await self._let_go(None, _NO_RECIPE, now)
        for stored in self._recipes.latest():
            await self._let_go(stored.recipe.id, stored.recipe.retention, now)
        report = await asyncio.to_thread(self._remove_unclaimed, now)
        if report.is_over_limit:
            _log.error("image_disk_nearly_full", kept_bytes=report.kept_bytes, min_free_bytes=self._min_free_bytes)
        return report

    async def _let_go(self, recipe_id: str | None, retention: Retention, now: datetime) -> None:
        plant = self._ledger.plant
        held = await self._ledger.read(lambda connection: store.held_frames(connection, plant, recipe_id))
        due, left = _by_age(held, oldest=now - timedelta(days=retention.days))
        if due:
            await self._record(recipe_id, "age", due, now)
        if retention.max_gigabytes is not None:
            excess = _by_size(left, max_bytes=round(retention.max_gigabytes * _GIGABYTE))
            if excess:
                await self._record(recipe_id, "size", excess, now)

    async def _record(
        self, recipe_id: str | None, cause: Literal["age", "size"], gone: Sequence[HeldFrame], now: datetime
    ) -> None:
        event = RetentionEvent(
            recipe_id=recipe_id,
            cause=cause,
            frames=len(gone),
            size_bytes=sum(frame.size_bytes for frame in gone),
            oldest=min(frame.received_at for frame in gone),
            newest=max(frame.received_at for frame in gone),
        )

        def write(transaction: Transaction) -> None:
            store.let_go(transaction, gone)
            transaction.append_event(EVENT_TYPE, station=None, occurred_at=now, data=event.model_dump(mode="json"))

        await self._ledger.write(write)

    def _remove_unclaimed(self, now: datetime) -> RetentionReport:
        limits = RetentionLimits(
            max_age=_GRACE, max_age_pinned=None, max_total_bytes=None, min_free_bytes=self._min_free_bytes
        )
        return sweep(
            self._images,
            limits,
            is_pinned=lambda digest: self._ledger.read_blocking(
                lambda connection: store.is_claimed(connection, digest)
            ),
            now=now,
        )


def _by_age(held: Sequence[HeldFrame], *, oldest: datetime) -> tuple[list[HeldFrame], list[HeldFrame]]:
    """Split into those received before an instant and the rest."""
    due = [frame for frame in held if frame.received_at < oldest]
    return due, [frame for frame in held if frame.received_at >= oldest]


def _by_size(held: Sequence[HeldFrame], *, max_bytes: int) -> list[HeldFrame]:
    """The frames to let go so that the rest fits: OK parts' first, then the others, each from the oldest on."""
    excess_bytes = sum(frame.size_bytes for frame in held) - max_bytes
    gone: list[HeldFrame] = []
    for frame in sorted(held, key=lambda frame: (not frame.is_expendable, frame.received_at)):
        if excess_bytes <= 0:
            break
        gone.append(frame)
        excess_bytes -= frame.size_bytes
    return gone
