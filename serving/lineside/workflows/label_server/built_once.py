"""A folder that takes minutes to build: built once, whole or not at all, by one program at a time."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from lineside.client.file_lock import FileLock

_LOOK_AGAIN_S = 0.5


def built_once(
    base: Path, name: str, build: Callable[[Path], None], *, on_wait: Callable[[str], None] = lambda _who: None
) -> Path:
    """The finished folder of a name; built first where it is not there.

    A small file `NAME.json` names the folder that is whole, and is written last: a build that was killed is never taken
    for a finished one, and what it may still write goes to a folder of its own that nobody uses. Of programs that ask
    at once one builds and the others wait for it.

    Args:
        base: where such folders are kept; made if missing.
        name: says everything that the content depends on.
        build: fills an empty folder, which is not moved afterwards: a virtual environment knows its own path.
        on_wait: told once, with the other builder's note, if another program is building.

    Raises:
        OSError: the base cannot be written.
    """
    base.mkdir(parents=True, exist_ok=True)
    pointer = base / f"{name}.json"
    lock = FileLock(base / f"{name}.lock")
    has_told = False
    while True:
        found = _finished(base, pointer)
        if found is not None:
            return found
        if lock.acquire(note=f"process {os.getpid()}"):
            break
        if not has_told:
            has_told = True
            on_wait(lock.note())
        time.sleep(_LOOK_AGAIN_S)
    try:
        found = _finished(base, pointer)
        if found is None:
            found = _build(base, name, build)
            _point(pointer, found)
        return found
    finally:
        lock.release()


def _finished(base: Path, pointer: Path) -> Path | None:
    try:
        folder = base / str(json.loads(pointer.read_text(encoding="utf-8"))["folder"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return folder if folder.is_dir() else None


def _build(base: Path, name: str, build: Callable[[Path], None]) -> Path:
    for abandoned in base.glob(f"{name}-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    folder = base / f"{name}-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        build(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _point(pointer: Path, folder: Path) -> None:
    temporary = pointer.with_name(f".{pointer.name}.{secrets.token_hex(4)}")
    temporary.write_text(json.dumps({"folder": folder.name}) + "\n", encoding="utf-8")
    temporary.replace(pointer)
