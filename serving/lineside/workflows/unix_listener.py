"""A Unix socket to listen on: the way of stations on the same machine, without TCP's copies and without a port."""

import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineside.workflows.errors import ServerFailed

_MODE = 0o660  # a station runs as this user, or as one of the group; a key is asked for all the same


@contextmanager
def listening_at(path: Path) -> Iterator[socket.socket]:
    """A bound socket, of this user and group only; its file is removed at the end.

    A file that a killed server left is taken over, a living server's is not.

    Raises:
        ServerFailed: another server listens there, something else has that name, or the folder cannot be used.
    """
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        try:
            listener.bind(str(path))
            path.chmod(_MODE)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _make_room(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISSOCK(mode):
        raise ServerFailed(f"{path} is there and is no socket: choose another place with --unix-socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)  # nobody listens: left by a server that was killed
            return
        except OSError as error:
            raise _unusable(path, error) from error
    raise ServerFailed(f"another server listens at {path}: stop it, or choose another place with --unix-socket")


def _unusable(path: Path, error: OSError) -> ServerFailed:
    return ServerFailed(
        f"cannot listen at {path}: {error.strerror or error}; expected a folder that this user may write to "
        "and a path of at most some hundred characters, choose another with --unix-socket"
    )
