"""Files that are whole or not there, and stay after a power cut."""

import contextlib
import os
from pathlib import Path


def write_durably(incoming: Path, path: Path, body: bytes) -> None:
    """Write a file under another name, make it durable, and then give it its own.

    Args:
        incoming: a name in the same folder that nobody looks at.
        path: the name it gets; what had it is replaced.
        body: the content.

    Raises:
        OSError: the disk does not take it; nothing is left behind.
    """
    try:
        with incoming.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        incoming.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            incoming.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable.

    Raises:
        OSError: the disk fails.
    """
    if os.name != "posix":
        return  # Windows cannot open a folder; NTFS journals names itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
