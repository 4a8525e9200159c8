"""Secrets that a file of settings names: each stands in a file of its own or in a variable, never in the settings."""

import os
from pathlib import Path
from typing import Final

from lineside.inspection.errors import LinesideError

_LONGEST_SECRET_BYTES: Final = 64 * 1024


def path_from(folder: Path, written: str) -> Path:
    """A path as a file writes it: absolute, or from the file's own folder on."""
    return folder / Path(written).expanduser()


def read_secret(
    *, file: str | None, env: str | None, folder: Path, what: str, error: type[LinesideError], starter: str
) -> str:
    """A secret from its file or its variable, without white space around it.

    Args:
        file: the setting `..._file`; None where it was not given.
        env: the setting `..._env`, a variable's name; None where it was not given.
        folder: that of the file which names them.
        what: the secret's name in messages: "the password".
        error: what to raise.
        starter: whose environment the variable is looked for in: "the station".

    Raises:
        LinesideError: `error`: not exactly one of the two is given, or there is no secret; the message never has it.
    """
    if (file is None) == (env is None):
        raise error(f"{what}: expected a file or a variable that holds it, one of the two")
    if file is None:
        secret = os.environ.get(env or "")
        if secret is None:
            raise error(f"{what}: the variable {env} is not set where {starter} was started")
        secret = secret.strip()
    else:
        secret = _from_file(path_from(folder, file), what, error)
    if not secret:
        raise error(f"{what}: {env or file} is empty")
    return secret


def _from_file(path: Path, what: str, error: type[LinesideError]) -> str:
    try:
        content = path.read_bytes()
    except OSError as failed:
        raise error(f"{what}: cannot read {path}: {failed.strerror}") from failed
    if len(content) > _LONGEST_SECRET_BYTES:
        raise error(f"{what}: {path} has {len(content)} bytes, which is no secret")
    try:
        return content.decode().strip()
    except UnicodeDecodeError as failed:
        raise error(f"{what}: {path} is no UTF-8 text") from failed
