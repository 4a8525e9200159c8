"""Images are kept whole, found again by their digest, and never given back changed."""

import hashlib
import os
import resource
from pathlib import Path

import pytest

from lineside.serving.images import (
    ImageCorrupt,
    ImageMissing,
    ImageStore,
    ImageStoreFull,
    ImageStoreUnavailable,
)

BODY = b"a frame" * 1_000
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", free_floor_bytes=0)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_kept_image_is_read_back_by_its_digest(store: ImageStore) -> None:
    staged = store.stage(BODY)
    assert (staged.digest, staged.size_bytes) == (DIGEST, len(BODY))
    assert not store.contains(DIGEST)

    store.keep(staged)

    assert store.contains(DIGEST)
    assert store.read(DIGEST) == BODY
    assert [(image.digest, image.size_bytes) for image in store.images()] == [(DIGEST, len(BODY))]


def test_the_same_image_kept_twice_is_stored_once(store: ImageStore, tmp_path: Path) -> None:
    first, second = store.stage(BODY), store.stage(BODY)
    store.keep(first)
    store.keep(second)
    store.keep(second)
    assert len(files(tmp_path)) == 1


def test_a_discarded_image_leaves_nothing(store: ImageStore, tmp_path: Path) -> None:
    staged = store.stage(BODY)
    store.discard(staged)
    store.discard(staged)
    assert files(tmp_path) == []
    with pytest.raises(ImageMissing, match="discarded"):
        store.keep(staged)


def test_what_a_crashed_process_staged_is_removed_on_start_and_what_it_kept_is_not(tmp_path: Path) -> None:
    crashed = ImageStore(tmp_path, free_floor_bytes=0)
    crashed.keep(crashed.stage(BODY))
    crashed.stage(b"never kept")

    reopened = ImageStore(tmp_path, free_floor_bytes=0)

    assert [path.name for path in files(tmp_path)] == [DIGEST]
    assert reopened.read(DIGEST) == BODY


def test_a_changed_file_is_reported_and_repaired_by_keeping_the_image_again(store: ImageStore, tmp_path: Path) -> None:
    store.keep(store.stage(BODY))
    (path,) = files(tmp_path)
    damaged = bytearray(BODY)
    damaged[500] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ImageCorrupt, match=DIGEST):
        store.read(DIGEST)

    store.keep(store.stage(BODY))
    assert store.read(DIGEST) == BODY


def test_an_unknown_digest_is_missing(store: ImageStore) -> None:
    with pytest.raises(ImageMissing, match="never kept"):
        store.read("0" * 64)


@pytest.mark.parametrize("digest", ["", "../../../etc/passwd", "A" * 64, "0" * 63, f"{'0' * 64}\n"], ids=repr)
def test_what_is_no_digest_never_becomes_a_path(store: ImageStore, digest: str) -> None:
    with pytest.raises(ValueError, match="no image digest"):
        store.read(digest)


def test_an_image_that_would_use_up_the_free_floor_is_refused(tmp_path: Path) -> None:
    store = ImageStore(tmp_path, free_floor_bytes=1 << 60)
    with pytest.raises(ImageStoreFull, match="not stored"):
        store.stage(BODY)
    assert files(tmp_path) == []


def test_a_write_that_fails_halfway_leaves_nothing_behind(store: ImageStore, tmp_path: Path) -> None:
    """A file-size limit stands for the full disk: both fail the write after part of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(ImageStoreUnavailable, match="not stored"):
            store.stage(BODY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == []
    store.keep(store.stage(BODY))


def test_an_image_kept_anew_during_a_sweep_stays(store: ImageStore) -> None:
    store.keep(store.stage(BODY))
    (listed,) = store.images()
    refreshed = store.stage(BODY)
    os.utime(refreshed.path, (listed.kept_at_s + 10, listed.kept_at_s + 10))
    store.keep(refreshed)

    assert store.remove(listed) is False
    assert store.read(DIGEST) == BODY
    (listed,) = store.images()
    assert store.remove(listed) is True
    assert store.remove(listed) is False
