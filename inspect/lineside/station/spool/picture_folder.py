"""Pictures as files named by the SHA-256 of their bytes, durable before their record is."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lineside.client.durable_files import sync_folder, write_durably

_INCOMING: Final = ".incoming-"


class PictureFolder:
    """A folder of pictures; one process writes in it.

    Args:
        folder: created when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)

    def write(self, digest: str, body: bytes) -> None:
        """Keep a picture; it survives a power cut when this returns.

        Raises:
            OSError: the disk does not take it.
        """
        path = self._folder / digest
        if path.is_file() and path.stat().st_size == len(body):
            return
        incoming = self._folder / f"{_INCOMING}{secrets.token_hex(8)}"
        write_durably(incoming, path, body)

    def read(self, digest: str) -> bytes | None:
        """A picture's bytes; None if it is gone or the disk gives back others."""
        try:
            body = (self._folder / digest).read_bytes()
        except FileNotFoundError:
            return None
        return body if hashlib.sha256(body).hexdigest() == digest else None

    def remove(self, digests: Iterator[str] | tuple[str, ...] | list[str]) -> None:
        """Delete pictures that no record names any more; what stays because of a failure is swept at the next start."""
        for digest in digests:
            with contextlib.suppress(OSError):
                (self._folder / digest).unlink(missing_ok=True)

    def sweep(self, named: frozenset[str]) -> None:
        """Delete what no record names: leftovers of a crash."""
        with os.scandir(self._folder) as entries:
            self.remove([entry.name for entry in entries if entry.name not in named])
