"""Which images go when: by age and by size, never silently, and never the ones that someone will ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.serving.images.store import ImageStore, StoredImage


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How long images stay.

    Attributes:
        max_age: of an image nobody pinned.
        max_age_pinned: of a pinned one (NG, reviewed, audited, reference); None: for good.
        max_total_bytes: of all; beyond it the oldest unpinned go early; None: no limit.
        min_free_bytes: space that must be free; below it the oldest unpinned go early.
    """

    max_age: timedelta
    max_age_pinned: timedelta | None
    max_total_bytes: int | None
    min_free_bytes: int

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other."""
        if self.max_age_pinned is not None and self.max_age_pinned < self.max_age:
            raise ValueError(
                f"pinned images would go after {self.max_age_pinned}, before the others ({self.max_age}):"
                " expected the longer age for the pinned ones"
            )
        if self.min_free_bytes < 0 or (self.max_total_bytes is not None and self.max_total_bytes < 0):
            raise ValueError("sizes of a retention must not be negative")


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a sweep removed, for the caller to record as an event.

    Attributes:
        removed_by_age: digests past their age, oldest first.
        removed_for_space: digests that went before their age, oldest first.
        removed_bytes: of both.
        kept_count: images left.
        kept_bytes: of those.
        is_over_limit: the limits are still exceeded, with only pinned images left: a person must act.
    """

    removed_by_age: tuple[str, ...]
    removed_for_space: tuple[str, ...]
    removed_bytes: int
    kept_count: int
    kept_bytes: int
    is_over_limit: bool


def sweep(
    store: ImageStore, limits: RetentionLimits, *, is_pinned: Callable[[str], bool], now: datetime
) -> RetentionReport:
    """Remove what the limits no longer allow.

    Args:
        store: where.
        limits: what may stay.
        is_pinned: by digest; asked for each image that is about to go, at that moment.
        now: aware.

    Returns:
        What went and what is left; record it as an event.
    """
    now_s = now.timestamp()
    images = sorted(store.images(), key=lambda image: (image.kept_at_s, image.digest))
    by_age: list[StoredImage] = []
    left: list[StoredImage] = []
    for image in images:
        age = timedelta(seconds=now_s - image.kept_at_s)
        is_due = age > limits.max_age and not _pin_holds(image, age, limits, is_pinned)
        if is_due and store.remove(image):
            by_age.append(image)
        else:
            left.append(image)

    for_space: list[StoredImage] = []
    kept: list[StoredImage] = []
    total_bytes = sum(image.size_bytes for image in left)
    for image in left:
        is_in_excess = _is_over(store, limits, total_bytes) and not is_pinned(image.digest)
        if is_in_excess and store.remove(image):
            for_space.append(image)
            total_bytes -= image.size_bytes
        else:
            kept.append(image)

    return RetentionReport(
        removed_by_age=tuple(image.digest for image in by_age),
        removed_for_space=tuple(image.digest for image in for_space),
        removed_bytes=sum(image.size_bytes for image in (*by_age, *for_space)),
        kept_count=len(kept),
        kept_bytes=total_bytes,
        is_over_limit=_is_over(store, limits, total_bytes),
    )


def _pin_holds(image: StoredImage, age: timedelta, limits: RetentionLimits, is_pinned: Callable[[str], bool]) -> bool:
    if limits.max_age_pinned is not None and age > limits.max_age_pinned:
        return False
    return is_pinned(image.digest)


def _is_over(store: ImageStore, limits: RetentionLimits, total_bytes: int) -> bool:
    if limits.max_total_bytes is not None and total_bytes > limits.max_total_bytes:
        return True
    return store.free_bytes() < limits.min_free_bytes
