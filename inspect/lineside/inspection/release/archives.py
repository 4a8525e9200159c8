"""Unpacking a release that came as one file: sizes bounded before a byte is written, nothing outside the folder."""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineside.inspection.errors import ArchiveRefused

_CHUNK_BYTES = 1 << 20
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1  # general purpose bit 0


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How large an archive may grow.

    Attributes:
        entries: files and folders in it; a release has some tens.
        total_bytes: unpacked, all together.
        ratio: unpacked to packed size of one file; weights hardly shrink, and zeros shrink a thousandfold.
    """

    entries: int = 1000
    total_bytes: int = 1 << 30
    ratio: float = 100.0


def unpack(archive: Path, folder: Path, *, limits: ArchiveLimits) -> None:
    """Write an archive's files into an empty folder.

    Args:
        archive: a zip file.
        folder: exists and is empty.
        limits: what it may hold.

    Raises:
        ArchiveRefused: it is no zip file, is damaged, too large, or names a path outside the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _checked(opened.infolist(), limits)
            left = limits.total_bytes
            for entry in files:
                left -= _write(opened, entry, folder / entry.filename, most_bytes=left)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        if isinstance(error, ArchiveRefused):
            raise
        raise ArchiveRefused(f"the body is no readable zip file: {error}; pack the release folder again") from error


def _checked(entries: list[zipfile.ZipInfo], limits: ArchiveLimits) -> list[zipfile.ZipInfo]:
    """The files among the entries, in order."""
    if len(entries) > limits.entries:
        raise ArchiveRefused(f"the archive has {len(entries)} entries and {limits.entries} are allowed")
    seen: set[str] = set()
    files = []
    for entry in entries:
        name = entry.filename
        _check_path(name, is_folder=entry.is_dir())
        if name.casefold() in seen:
            raise ArchiveRefused(f"the archive holds {name!r} twice")
        seen.add(name.casefold())
        mode = entry.external_attr >> 16
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
            raise ArchiveRefused(f"{name!r} is a link or a device; a release holds plain files")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise ArchiveRefused(f"{name!r} is encrypted or packed in an unusual way; use plain zip")
        if entry.is_dir():
            continue
        if entry.file_size > limits.ratio * max(entry.compress_size, 1024):
            raise ArchiveRefused(
                f"{name!r} unpacks from {entry.compress_size} to {entry.file_size} bytes, more than "
                f"{limits.ratio:g} times: that is no model"
            )
        files.append(entry)
    total = sum(entry.file_size for entry in files)
    if total > limits.total_bytes:
        raise ArchiveRefused(f"the archive unpacks to {total} bytes and {limits.total_bytes} are allowed")
    return files


def _check_path(name: str, *, is_folder: bool) -> None:
    plain = name.removesuffix("/") if is_folder else name
    path = PurePosixPath(plain)
    is_plain = plain != "" and not path.is_absolute() and ".." not in path.parts and str(path) == plain
    if not is_plain or "\\" in name or ":" in name or "\0" in name:
        raise ArchiveRefused(f"the archive names {name!r}, which is no plain path within the release")


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, *, most_bytes: int) -> int:
    """Write one file; what the archive claims of its size is not believed."""
    written = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            written += len(chunk)
            if written > most_bytes or written > entry.file_size:
                raise ArchiveRefused(f"{entry.filename!r} unpacks to more than the archive says or may hold")
            file.write(chunk)
    return written
