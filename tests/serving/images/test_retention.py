"""Retention removes what it may, says so, and spares what is pinned."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineside.serving.images import ImageStore, RetentionLimits, sweep

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SIZE_BYTES = 1_000
LIMITS = RetentionLimits(
    max_age=timedelta(days=10), max_age_pinned=timedelta(days=100), max_total_bytes=None, min_free_bytes=0
)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path, free_floor_bytes=0)


def keep(store: ImageStore, name: str, *, age_days: float) -> str:
    """Store an image as if it had been kept a while ago."""
    staged = store.stage(name.ljust(SIZE_BYTES).encode())
    kept_at_s = (NOW - timedelta(days=age_days)).timestamp()
    os.utime(staged.path, (kept_at_s, kept_at_s))
    store.keep(staged)
    return staged.digest


def limits(*, max_total_bytes: int | None = None, min_free_bytes: int = 0) -> RetentionLimits:
    return RetentionLimits(
        max_age=LIMITS.max_age,
        max_age_pinned=LIMITS.max_age_pinned,
        max_total_bytes=max_total_bytes,
        min_free_bytes=min_free_bytes,
    )


def test_images_go_past_their_age_and_pinned_ones_past_their_own(store: ImageStore) -> None:
    oldest_pinned = keep(store, "pinned too long", age_days=101)
    pinned = keep(store, "pinned", age_days=50)
    old = keep(store, "old", age_days=11)
    young = keep(store, "young", age_days=9)

    report = sweep(store, LIMITS, is_pinned={oldest_pinned, pinned}.__contains__, now=NOW)

    assert report.removed_by_age == (oldest_pinned, old)
    assert report.removed_for_space == ()
    assert report.removed_bytes == 2 * SIZE_BYTES
    assert (report.kept_count, report.kept_bytes, report.is_over_limit) == (2, 2 * SIZE_BYTES, False)
    assert store.contains(pinned)
    assert store.contains(young)
    assert not store.contains(old)


def test_pinned_images_without_an_age_limit_stay_for_good(store: ImageStore) -> None:
    pinned = keep(store, "pinned", age_days=10_000)
    for_good = RetentionLimits(max_age=timedelta(days=1), max_age_pinned=None, max_total_bytes=0, min_free_bytes=0)

    report = sweep(store, for_good, is_pinned=lambda _digest: True, now=NOW)

    assert store.contains(pinned)
    assert report.removed_bytes == 0
    assert report.is_over_limit


def test_past_the_total_size_the_oldest_unpinned_go_first(store: ImageStore) -> None:
    digests = [keep(store, str(age), age_days=age) for age in (5, 4, 3, 2, 1)]

    report = sweep(store, limits(max_total_bytes=3 * SIZE_BYTES), is_pinned={digests[0]}.__contains__, now=NOW)

    assert report.removed_for_space == (digests[1], digests[2])
    assert report.kept_bytes == 3 * SIZE_BYTES
    assert not report.is_over_limit
    assert [store.contains(digest) for digest in digests] == [True, False, False, True, True]


def test_a_disk_that_stays_too_full_is_reported(store: ImageStore) -> None:
    pinned, other = keep(store, "pinned", age_days=2), keep(store, "other", age_days=1)

    report = sweep(store, limits(min_free_bytes=1 << 60), is_pinned={pinned}.__contains__, now=NOW)

    assert report.removed_for_space == (other,)
    assert report.is_over_limit
    assert store.contains(pinned)


def test_an_empty_store_needs_no_sweep(store: ImageStore) -> None:
    report = sweep(store, LIMITS, is_pinned=lambda _digest: False, now=NOW)
    assert (report.removed_by_age, report.removed_for_space, report.kept_count) == ((), (), 0)


def test_limits_that_drop_pinned_images_before_others_are_refused() -> None:
    with pytest.raises(ValueError, match="pinned images would go"):
        RetentionLimits(
            max_age=timedelta(days=10), max_age_pinned=timedelta(days=1), max_total_bytes=None, min_free_bytes=0
        )
