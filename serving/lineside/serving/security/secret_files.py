"""Secrets that a server makes for itself on its first start, each in a file that only its user can read."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def read_or_create_secret(path: Path) -> bytes:
    """The secret in a file; made at random if the file is not there.

    Safe when several processes start at once: one of them creates the file whole, all read the same bytes.

    Args:
        path: the file; its folder must exist.

    Raises:
        ValueError: the file is there and is no such secret.
        OSError: it can be neither read nor made.
    """
    if not path.exists():
        _create(path)
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise ValueError(
            f"{path} has {len(secret)} bytes, expected {SECRET_BYTES}: restore it from a backup; "
            "with a new one every key and login made so far is void"
        )
    return secret


def _create(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # unlike a rename, never replaces what another process made meanwhile
        except FileExistsError:
            return
    finally:
        temporary.unlink()
