"""Files that are there whole or not at all, on any fsspec filesystem."""

import io
import os
import uuid
from typing import Any

from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]  # fsspec ships no types

from lineside.datasets.errors import StoreUnwritable

_INCOMING = "incoming"


class AtomicFiles:
    """Reads and writes below one root; paths are relative to it, with forward slashes."""

    def __init__(self, filesystem: AbstractFileSystem, root: str) -> None:
        self._filesystem = filesystem
        self._root = root

    def read(self, path: str) -> bytes | None:
        """The whole file; None if it is not there."""
        try:
            data: bytes = self._filesystem.cat_file(self._full(path))
        except FileNotFoundError:
            return None
        return data

    def size_bytes(self, path: str) -> int | None:
        """The file's size; None if it is not there."""
        try:
            return int(self._filesystem.info(self._full(path))["size"])
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of what lies in a folder, sorted; none if the folder is not there."""
        self._filesystem.invalidate_cache(self._full(folder))  # another process may have written since the last look
        try:
            entries: list[str] = self._filesystem.ls(self._full(folder), detail=False)
        except FileNotFoundError:
            return ()
        return tuple(sorted(entry.rstrip("/").rpartition("/")[2] for entry in entries))

    def write(self, path: str, data: bytes) -> None:
        """Write under a temporary name, flush to disk where the filesystem can, then move.

        Raises:
            StoreUnwritable: the filesystem refused; the path is as it was.
        """
        incoming = self._full(f"{_INCOMING}/{uuid.uuid4().hex}")
        target = self._full(path)
        try:
            self._filesystem.makedirs(self._parent(incoming), exist_ok=True)
            self._filesystem.makedirs(self._parent(target), exist_ok=True)
            with self._filesystem.open(incoming, "wb") as stream:
                stream.write(data)
                _flush_to_disk(stream)
            self._filesystem.mv(incoming, target)
        except OSError as error:
            self._discard(incoming)
            raise StoreUnwritable(
                f"{target} cannot be written: {error.strerror or error}; the store holds no half of it, so make "
                "room or correct the permissions, and run again"
            ) from error

    def _discard(self, incoming: str) -> None:
        """Take away what a refused write left; if that fails too, the folder of temporary names keeps it."""
        try:
            self._filesystem.rm_file(incoming)
        except OSError:
            return

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _parent(self, full_path: str) -> str:
        return full_path.rpartition("/")[0]


def _flush_to_disk(stream: Any) -> None:
    """A rename may reach the disk before the data does, and a power cut in between would leave an empty file."""
    stream.flush()
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # an object store's stream: the write counts once it is closed
        return
    os.fsync(descriptor)
