"""Filesystems of fsspec's kind that a full disk or a kill meets in the middle of a write."""

import errno
import os
import signal
from typing import Any

import fsspec  # type: ignore[import-untyped]  # it ships no types
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]  # the same


class FullDisk(LocalFileSystem):  # type: ignore[misc]  # an untyped base
    """A disk of a fixed size, under the folders that are written through it.

    Attributes:
        free_bytes: how much can still be written; shared by all URLs of this filesystem.
    """

    protocol = "fulldisk"
    free_bytes = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(LocalFileSystem._strip_protocol(path.removeprefix("fulldisk://")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        stream = super()._open(path, mode, **options)
        return _Metered(stream) if "w" in mode else stream


class _Metered:
    """A stream that takes what still fits and then fails as a full disk does."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        self._stream.write(data[: FullDisk.free_bytes])
        if len(data) > FullDisk.free_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        FullDisk.free_bytes -= len(data)
        return len(data)

    def __enter__(self) -> "_Metered":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class SuddenDeath(LocalFileSystem):  # type: ignore[misc]  # an untyped base
    """Kills its own process (SIGKILL) in the middle of a write, or between a write and its move.

    Attributes:
        writes_left: writes that still succeed.
        is_before_move: die after the write, before the file has its name.
    """

    protocol = "death"
    writes_left = 0
    is_before_move = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(LocalFileSystem._strip_protocol(path.removeprefix("death://")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if "w" in mode:
            SuddenDeath.writes_left -= 1
            if SuddenDeath.writes_left < 0 and not self.is_before_move:
                with open(path, "wb") as half:  # noqa: PTH123 - as the base does
                    half.write(b"half of i")
                    half.flush()
                    os.fsync(half.fileno())
                os.kill(os.getpid(), signal.SIGKILL)
        return super()._open(path, mode, **options)

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        """Move, unless it is time to die."""
        if SuddenDeath.writes_left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super().mv(path1, path2, **options)


def register() -> None:
    """Make `fulldisk://` and `death://` known to fsspec in this process."""
    for filesystem in (FullDisk, SuddenDeath):
        fsspec.register_implementation(filesystem.protocol, filesystem, clobber=True)
