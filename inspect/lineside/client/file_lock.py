"""A lock on a file that the operating system frees when its holder ends, even by kill -9."""

import os
import sys
from pathlib import Path


class FileLock:
    """An exclusive, advisory, non-blocking lock; two in one process exclude each other as well.

    Args:
        path: the lock's own file; created when missing, left in place when released.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, note: str) -> bool:
        """Take the lock; False if someone else holds it.

        Args:
            note: who holds it, for whoever is refused.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        if not _try_lock(descriptor):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, note.encode())
        self._descriptor = descriptor
        return True

    def note(self) -> str:
        """What the holder wrote, empty if that cannot be read."""
        try:
            return self._path.read_text().strip()
        except OSError:  # Windows lets nobody read a locked file
            return ""

    def release(self) -> None:
        """Let go; harmless when nothing is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
