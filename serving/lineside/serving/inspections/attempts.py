"""Attempts in progress: who waits for what, and the locks that keep one frame from being judged twice."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from lineside.inspection.inspector import Examination
from lineside.serving.inspections.binding import Binding
from lineside.serving.inspections.store import FrameRow
from lineside.serving.inspections.submission import Cause
from lineside.serving.recipes import StoredRecipe
from lineside.serving.releases import LoadedRelease
from lineside.serving.shadowing.queue import SeenView
from lineside.serving.stations import BoundContext


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """What names an attempt within a plant."""

    station: str
    part_id: str
    attempt: int


@dataclass(slots=True, eq=False)
class OpenAttempt:
    """An attempt from its first view to its verdict.

    Attributes:
        inspection_id: UUIDv7 of the inspection.
        key: station, part and attempt.
        cause: why the attempt is made.
        parent_id: the panel or carrier the part belongs to.
        context: product, lot, order and recipe in force at the part's trigger.
        recipe: that recipe; None if the station had none.
        opened_at: when the first view came, aware UTC.
        opened_s: the same on the monotonic clock.
        deadline_s: when the verdict is due, on the monotonic clock.
        is_recorded: whether the attempt's row is in the ledger.
        examinations: by view, as they come.
        frames: the rows to write, by view.
        stored: views whose image is durable in the image store.
        lock: held while a view is added or the verdict is written.
        is_closed: whether the verdict is written.
        binding: who examines its views; None before the first one is examined.
        seen: its views as they were examined, where another release is to look at them as well.
        users: requests that work on it now.
    """

    inspection_id: str
    key: AttemptKey
    cause: Cause
    parent_id: str | None
    context: BoundContext
    recipe: StoredRecipe | None
    opened_at: datetime
    opened_s: float
    deadline_s: float
    is_recorded: bool = False
    examinations: dict[str, Examination] = field(default_factory=dict)
    frames: dict[str, FrameRow] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_closed: bool = False
    binding: Binding | None = None
    seen: dict[str, SeenView] = field(default_factory=dict)
    users: int = 0

    @property
    def loaded(self) -> LoadedRelease | None:
        """The release that examines its views; None if none can."""
        return None if self.binding is None else self.binding.loaded

    def missing_views(self) -> tuple[str, ...]:
        """Views that the recipe asks for and that have not come, in the recipe's order."""
        if self.recipe is None:
            return ()
        return tuple(view for view in self.recipe.recipe.views if view not in self.examinations)

    @contextmanager
    def adding(self, examination: Examination, row: FrameRow) -> Iterator[None]:
        """Add a view for as long as it takes to write it down; one that was not written is not there.

        Else its retry would be told that it came, though a crash would lose it.
        """
        view = row.submission.view
        self.examinations[view] = examination
        self.frames[view] = row
        try:
            yield
        except BaseException:
            del self.examinations[view], self.frames[view]
            self.stored.discard(view)
            raise


class OpenAttempts:
    """The attempts that wait for views or for their verdict; those that are done leave."""

    def __init__(self) -> None:
        self._by_key: dict[AttemptKey, OpenAttempt] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: AttemptKey) -> OpenAttempt | None:
        """The attempt if it is open."""
        return self._by_key.get(key)

    @contextmanager
    def using(self, attempt: OpenAttempt) -> Iterator[OpenAttempt]:
        """Work on an attempt, or on the one with its key that is open already; it stays while anybody does."""
        attempt = self._by_key.setdefault(attempt.key, attempt)
        attempt.users += 1
        try:
            yield attempt
        finally:
            attempt.users -= 1
            if attempt.users == 0 and (attempt.is_closed or not attempt.is_recorded):
                self._by_key.pop(attempt.key, None)
                if attempt.binding is not None:
                    attempt.binding.end()
                    attempt.binding = None


class Turns:
    """One lock for each key in use, gone when nobody holds or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable) -> AsyncIterator[None]:
        """Be the only one with this key for the length of the block."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)
