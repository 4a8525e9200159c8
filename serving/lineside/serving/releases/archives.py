"""Unpacking an uploaded archive; what is wrong with it is the sender's to mend."""

from pathlib import Path

from lineside.inspection.errors import ArchiveRefused
from lineside.inspection.release.archives import ArchiveLimits
from lineside.inspection.release.archives import unpack as unpack_archive
from lineside.serving.errors import PackageRefused

__all__ = ["ArchiveLimits", "unpack"]


def unpack(archive: Path, folder: Path, *, limits: ArchiveLimits) -> None:
    """Write an archive's files into an empty folder.

    Raises:
        PackageRefused: it is no zip file, is damaged, too large, or names a path outside the folder.
    """
    try:
        unpack_archive(archive, folder, limits=limits)
    except ArchiveRefused as error:
        raise PackageRefused(str(error)) from error
