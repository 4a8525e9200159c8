"""Images as files named by the SHA-256 of their bytes.

A body is staged (written, not yet fsynced) while inference runs, and then kept or discarded once the verdict says
which: the disk works in the time that the detector needs anyway. A kept file survives a power cut.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lineside.serving.images.errors import ImageCorrupt, ImageMissing, ImageStoreFull, ImageStoreUnavailable

_DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")

DEFAULT_FREE_FLOOR_BYTES = 512 * 1024 * 1024
"""Space that images leave to the ledger on a disk they share: verdicts go before pictures."""


@dataclass(frozen=True, slots=True)
class StagedImage:
    """An image that is written but not yet kept.

    Attributes:
        digest: lowercase hex SHA-256 of the bytes.
        size_bytes: how many.
        path: where they lie until kept or discarded.
    """

    digest: str
    size_bytes: int
    path: Path


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as it lies in the store.

    Attributes:
        digest: lowercase hex SHA-256 of the bytes.
        size_bytes: how many.
        kept_at_s: when it was last kept, in seconds since 1970 UTC.
    """

    digest: str
    size_bytes: int
    kept_at_s: float


class ImageStore:
    """A folder of images; thread-safe, for one process at a time.

    Args:
        folder: created when missing. What an earlier process staged and never kept is removed.
        free_floor_bytes: nothing is stored that would leave less free space than this.
    """

    def __init__(self, folder: Path, *, free_floor_bytes: int = DEFAULT_FREE_FLOOR_BYTES) -> None:
        self._kept = folder / "sha256"
        self._incoming = folder / "incoming"
        self._free_floor_bytes = free_floor_bytes
        self._lock = threading.Lock()  # a removal must not take what is kept anew
        self._kept.mkdir(parents=True, exist_ok=True)
        self._incoming.mkdir(exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        for changed in (folder, folder.parent):
            _sync_folder(changed)

    def stage(self, body: bytes, *, digest: str | None = None) -> StagedImage:
        """Write a body where `keep` can take it from.

        Args:
            body: the image.
            digest: its SHA-256 as lowercase hex, if the caller has computed it already.

        Raises:
            ImageStoreFull: no space, or it would leave less than the floor.
        """
        free_bytes = shutil.disk_usage(self._incoming).free
        if free_bytes - len(body) < self._free_floor_bytes:
            raise ImageStoreFull(
                f"{free_bytes} bytes are free and {self._free_floor_bytes} must stay so: an image of"
                f" {len(body)} bytes is not stored; free space or shorten the retention"
            )
        path = self._incoming / secrets.token_hex(16)
        try:
            path.write_bytes(body)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise _translated(error) from error
        return StagedImage(digest or hashlib.sha256(body).hexdigest(), len(body), path)

    def keep(self, staged: StagedImage) -> None:
        """Make a staged image durable under its digest; one that is kept already is kept anew.

        Raises:
            ImageStoreFull: the disk could not take it; the staged file is gone.
            ImageStoreUnavailable: the disk failed.
            ImageMissing: it was discarded before.
        """
        target = self._path(staged.digest)
        try:
            if not target.parent.is_dir():
                self._make_shard(target.parent)
            with staged.path.open("rb+") as file:
                os.fsync(file.fileno())
            with self._lock:
                staged.path.replace(target)  # a copy that is there has the same bytes, unless it is damaged
            _sync_folder(target.parent)
        except FileNotFoundError as error:
            if not target.is_file():
                raise ImageMissing(f"staged image {staged.digest} is gone: it was discarded before") from error
        except OSError as error:
            self.discard(staged)
            raise _translated(error) from error

    def discard(self, staged: StagedImage) -> None:
        """Drop a staged image; harmless when it is gone."""
        staged.path.unlink(missing_ok=True)

    def contains(self, digest: str) -> bool:
        """Whether an image of this digest is stored."""
        return self._path(digest).is_file()

    def read(self, digest: str) -> bytes:
        """The bytes of an image, checked against its digest.

        Raises:
            ImageMissing: none is stored, or no longer.
            ImageCorrupt: the disk gives back other bytes.
        """
        try:
            body = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise ImageMissing(f"no image {digest} is stored: it was never kept, or its retention ended") from error
        found = hashlib.sha256(body).hexdigest()
        if found != digest:
            raise ImageCorrupt(
                f"image {digest} was changed on disk: its {len(body)} bytes have digest {found};"
                " restore it from a backup"
            )
        return body

    def images(self) -> Iterator[StoredImage]:
        """Every stored image, in no particular order."""
        for shard in self._kept.iterdir():
            with os.scandir(shard) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):  # removed while we walk
                        status = entry.stat()
                        yield StoredImage(entry.name, status.st_size, status.st_mtime)

    def remove(self, image: StoredImage) -> bool:
        """Delete an image as `images` listed it; only retention does that, and reports it.

        Returns:
            False if it is gone, or was kept again meanwhile and therefore stays.
        """
        path = self._path(image.digest)
        with self._lock:
            try:
                if path.stat().st_mtime != image.kept_at_s:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def free_bytes(self) -> int:
        """Free space on the store's disk."""
        return shutil.disk_usage(self._kept).free

    def _path(self, digest: str) -> Path:
        if not _DIGEST_PATTERN.fullmatch(digest):
            raise ValueError(f"{digest!r} is no image digest: expected 64 lowercase hex digits (SHA-256)")
        return self._kept / digest[:2] / digest

    def _make_shard(self, shard: Path) -> None:
        shard.mkdir(exist_ok=True)
        _sync_folder(shard.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open a folder; NTFS journals names itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translated(error: OSError) -> ImageStoreUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ImageStoreFull(f"the disk is full, the image is not stored: {error}")
    return ImageStoreUnavailable(f"the disk failed, the image is not stored: {error}")
