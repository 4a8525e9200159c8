"""Uploaded model packages on disk: a folder for each digest, whole and verified or not there."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineside.inspection.errors import ReleaseError
from lineside.inspection.release import Release
from lineside.serving.clock import Clock
from lineside.serving.errors import DigestMismatch, PackageStoreUnavailable
from lineside.serving.releases.archives import ArchiveLimits, unpack
from lineside.serving.releases.trusted import TrustFile

_INCOMING = ".incoming-"


class PackageStore:
    """A folder of verified packages, named by their digests.

    Args:
        folder: made if need be; what a killed server left half written in it is removed.
        trust: whose signatures count.
        clock: tells whether they still do.
        limits: what an archive may hold.
    """

    def __init__(self, folder: Path, *, trust: TrustFile, clock: Clock, limits: ArchiveLimits | None = None) -> None:
        self._folder = folder
        self._trust = trust
        self._clock = clock
        self._limits = limits or ArchiveLimits()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left_over in folder.glob(f"{_INCOMING}*"):
            _remove(left_over)

    def folder_of(self, digest: str) -> Path:
        """Where a package lies, whether it is there or not."""
        return self._folder / digest

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A path for an archive on its way in; gone at the end of the block."""
        path = self._folder / f"{_INCOMING}{secrets.token_hex(8)}.zip"
        try:
            with _disk():
                yield path
        finally:
            _remove(path)

    def take_in(self, archive: Path, digest: str) -> Release:
        """Unpack an archive, verify it, and only then keep it; harmless when repeated.

        Args:
            archive: a zip file of the release folder's content.
            digest: of its manifest, lowercase hex SHA-256, as the caller knows it.

        Raises:
            PackageRefused: the archive is unsafe or no archive.
            ReleaseError: its content does not verify.
            NoTrustFile: this server believes no signature.
            DigestMismatch: it is another release.
            PackageStoreUnavailable: the disk does not take it.
        """
        self._trust.load()  # without one nothing is unpacked at all
        unpacked = self._folder / f"{_INCOMING}{secrets.token_hex(8)}"
        try:
            with _disk():
                unpacked.mkdir(mode=0o700)
                unpack(archive, unpacked, limits=self._limits)
            release = self._trust.verified(unpacked, now=self._clock.now())
            if release.digest != digest:
                raise DigestMismatch(f"the package's digest is {release.digest}, its address says {digest}")
            if not self._is_whole(digest):
                with _disk():
                    _sync(unpacked)
                    self._put_in_place(unpacked, digest)
            return release
        finally:
            _remove(unpacked)

    def size_bytes(self, digest: str) -> int:
        """Bytes of a package's files."""
        return sum(path.stat().st_size for path in self.folder_of(digest).rglob("*") if path.is_file())

    def _is_whole(self, digest: str) -> bool:
        """Whether the package is there and still verifies; one that was damaged is replaced."""
        try:
            found = self._trust.verified(self.folder_of(digest), now=self._clock.now())
        except ReleaseError:
            return False
        return found.digest == digest

    def _put_in_place(self, unpacked: Path, digest: str) -> None:
        target = self.folder_of(digest)
        if target.exists():
            target.rename(self._folder / f"{_INCOMING}damaged-{secrets.token_hex(8)}")
        unpacked.rename(target)
        _sync_folder(self._folder)
        for damaged in self._folder.glob(f"{_INCOMING}damaged-*"):
            _remove(damaged)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PackageStoreUnavailable(f"the folder of releases cannot be written: {error}") from error


def _sync(folder: Path) -> None:
    """Make a folder's files durable."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # a folder cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
