"""Archives from strangers: unpacked into a folder of their own, or refused.

Refused are members that would land outside (`../`, absolute paths), links and devices, two members of one name, and
archives that unpack to far more than they are. What members say of their size is not believed: the bytes are counted
as they come. Zip bombs that overlap their members (D. Fifield, "A better zip bomb", WOOT 2019) fall to the same count.
"""

import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from lineside.datasets.errors import UnsafeArchive

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_CHUNK_BYTES = 1024 * 1024
# What the standard library raises on damaged, encrypted or unknown archives.
_UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may become.

    Attributes:
        max_members: files and folders; a million pictures are a set to give as a folder.
        max_bytes: all files together, unpacked.
        max_ratio: unpacked size over the archive's own, once `free_bytes` are passed; pictures hardly shrink, text
            labels by about 20.
        free_bytes: unpacked size below which no ratio is too large.
    """

    max_members: int = 1_000_000
    max_bytes: int = 200 * 10**9
    max_ratio: float = 100.0
    free_bytes: int = 50 * 10**6


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES) and path.is_file()


@contextmanager
def unpacked(path: Path, limits: ArchiveLimits = ArchiveLimits()) -> Iterator[Path]:
    """The content of an archive as a folder, while it is needed; the one folder in it if there is nothing else.

    Raises:
        UnsafeArchive: it is damaged, encrypted, or one of what this module refuses.
        OSError: the disk is full, or the temporary folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="lineside-import-") as temporary:
        root = Path(temporary)
        count = _Count(path, limits)
        try:
            if path.name.lower().endswith(".zip"):
                _unpack_zip(path, root, count)
            else:
                _unpack_tar(path, root, count)
        except _UNREADABLE as error:
            if isinstance(error, UnsafeArchive):
                raise
            raise UnsafeArchive(f"{path} cannot be unpacked: {error or type(error).__name__}") from error
        inside = [entry for entry in root.iterdir() if entry.name != "__MACOSX"]
        yield inside[0] if len(inside) == 1 and inside[0].is_dir() else root


class _Count:
    """Counts what comes out of an archive, and ends it when it is too much."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.path = path
        self._limits = limits
        self._packed_bytes = max(path.stat().st_size, 1)
        self._members = 0
        self._bytes = 0

    def member(self) -> None:
        self._members += 1
        if self._members > self._limits.max_members:
            raise UnsafeArchive(f"{self.path} has more than {self._limits.max_members} members")

    def bytes_out(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._limits.max_bytes:
            raise UnsafeArchive(f"{self.path} unpacks to more than {self._limits.max_bytes} bytes")
        if self._bytes > max(self._limits.free_bytes, self._limits.max_ratio * self._packed_bytes):
            raise UnsafeArchive(
                f"{self.path} unpacks to more than {self._limits.max_ratio:g} times its {self._packed_bytes} bytes: a "
                "bomb; unpack it yourself and import the folder if it is none"
            )


def _unpack_zip(path: Path, root: Path, count: _Count) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            count.member()
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UnsafeArchive(f"{path}: {member.filename!r} is a link or device; only files and folders are read")
            # `orig_filename` is what the archive says; `filename` may be cut at a zero byte.
            target = _target(path, root, member.orig_filename)
            if member.is_dir():
                _make_folder(target, count, member.filename)
                continue
            with archive.open(member) as source:
                _copy(source, target, count, member.filename)


def _unpack_tar(path: Path, root: Path, count: _Count) -> None:
    with tarfile.open(path, "r|*") as archive:  # as a stream: members in the order of the file, none read twice
        for member in archive:
            count.member()
            if not (member.isfile() or member.isdir()) or member.issparse():
                raise UnsafeArchive(f"{path}: {member.name!r} is a link or device; only files and folders are read")
            target = _target(path, root, member.name)
            if member.isdir():
                _make_folder(target, count, member.name)
                continue
            source = archive.extractfile(member)
            if source is None:
                raise UnsafeArchive(f"{path}: {member.name!r} has no content")
            with source:
                _copy(source, target, count, member.name)


def _target(path: Path, root: Path, name: str) -> Path:
    """Where a member goes, by its name alone; nothing below the root is a link, so the name is all there is."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in name or name[1:2] == ":":
        raise UnsafeArchive(f"{path}: {name!r} leads out of the archive; an archive of a data set has no such member")
    return root.joinpath(*pure.parts)


def _make_folder(target: Path, count: _Count, name: str) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UnsafeArchive(f"{count.path}: {name!r} is there twice, as a file and as a folder") from error


def _copy(source: IO[bytes], target: Path, count: _Count, name: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise UnsafeArchive(f"{count.path}: {name!r} is there twice") from error
    with os.fdopen(descriptor, "wb") as out:
        while chunk := source.read(_CHUNK_BYTES):
            count.bytes_out(len(chunk))
            out.write(chunk)
