"""The files of a registry: whole or not at all, and some of them written by exactly one of those who try."""

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]  # it ships no types

from lineside.datasets.errors import StoreUnwritable
from lineside.datasets.revisions.atomic_files import AtomicFiles
from lineside.training.errors import RegistryDamaged

_INCOMING = "incoming"


class Storage:
    """Reads and writes below a folder or fsspec URL; paths are relative to it, with forward slashes.

    Args:
        url: a folder, or what fsspec takes. Nothing is made or connected until something is read or written.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        filesystem, root = fsspec.core.url_to_fs(url)
        self._filesystem: Any = filesystem
        self._root = root.rstrip("/")
        self._files = AtomicFiles(filesystem, self._root)
        self._is_local = "file" in _protocols(filesystem)

    def read(self, path: str) -> bytes | None:
        """The whole file; None if it is not there."""
        return self._files.read(path)

    def exists(self, path: str) -> bool:
        """Whether the file is there."""
        return self._files.size_bytes(path) is not None

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder, sorted; nothing if it is not there."""
        return self._files.names(folder)

    def replace(self, path: str, data: bytes) -> None:
        """Write a file, or another in its place.

        Raises:
            StoreUnwritable: the filesystem refused; what was there is still there.
        """
        self._files.write(path, data)

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that nobody has written; of several who try at once, one does.

        On a folder that is certain; on an object store as far as its filesystem's `mode="create"` goes.

        Returns:
            Whether this call wrote it; False leaves the other's file as it is.

        Raises:
            StoreUnwritable: the filesystem refused.
        """
        if not self._is_local:
            try:
                self._filesystem.pipe_file(f"{self._root}/{path}", data, mode="create")
            except FileExistsError:
                return False
            return True
        target = Path(self._root, path)
        incoming = Path(self._root, _INCOMING, uuid.uuid4().hex)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_durably(incoming, data)
            os.link(incoming, target)  # unlike a rename, never replaces what another made meanwhile
        except FileExistsError:
            return False
        except OSError as error:
            raise _unwritable(target, error) from error
        finally:
            incoming.unlink(missing_ok=True)
        return True

    def create_folder(self, path: str, files: Mapping[str, bytes], *, last: str) -> bool:
        """Write a folder that nobody has written, as one.

        Args:
            path: of the folder.
            files: by their paths within it.
            last: the file that makes it count: where a filesystem cannot move folders, it is written last.

        Returns:
            Whether this call wrote it.

        Raises:
            StoreUnwritable: the filesystem refused; no half folder counts.
        """
        if not self._is_local:
            if self.exists(f"{path}/{last}"):
                return False
            for name in sorted(files.keys() - {last}):
                self._files.write(f"{path}/{name}", files[name])
            return self.create(f"{path}/{last}", files[last])
        target = Path(self._root, path)
        incoming = Path(self._root, _INCOMING, uuid.uuid4().hex)
        try:
            for name, data in files.items():
                _write_durably(incoming / name, data)
            target.parent.mkdir(parents=True, exist_ok=True)
            incoming.rename(target)
        except OSError as error:
            shutil.rmtree(incoming, ignore_errors=True)
            if target.exists():
                return False
            raise _unwritable(target, error) from error
        return True

    def download(self, path: str, folder: Path) -> None:
        """Copy everything below a path into a local folder, and nothing out of it.

        Raises:
            RegistryDamaged: a name there leads out of the folder, as an object store allows.
        """
        for found in self._filesystem.find(f"{self._root}/{path}/"):
            relative = str(found).rpartition(f"/{path}/")[2]
            if ".." in relative.split("/") or not relative or Path(relative).is_absolute():
                raise RegistryDamaged(f"{path} holds {relative!r}, which is no name of a file within it; remove it")
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._filesystem.cat_file(found))

    def local_path(self, path: str) -> Path | None:
        """Where a path lies on this machine; None if it is elsewhere."""
        return Path(self._root, path) if self._is_local else None


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(target: Path, error: OSError) -> StoreUnwritable:
    return StoreUnwritable(f"{target} cannot be written: {error.strerror}; make room or correct the permissions")
