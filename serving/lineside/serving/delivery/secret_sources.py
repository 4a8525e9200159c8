"""Secrets and files that a delivery file names: a secret stands in a file of its own or in a variable, nowhere else."""

import os
from pathlib import Path
from typing import Final

from lineside.serving.delivery.errors import SinkMisconfigured

_LONGEST_SECRET_BYTES: Final = 64 * 1024


def path_from(folder: Path, written: str) -> Path:
    """A path as a delivery file writes it: absolute, or from the file's own folder on."""
    return folder / Path(written).expanduser()


def read_secret(*, file: str | None, env: str | None, folder: Path, what: str) -> str:
    """A secret from its file or its variable, without white space around it.

    Args:
        file: the setting `..._file`; None where it was not given.
        env: the setting `..._env`, a variable's name; None where it was not given.
        folder: the delivery file's.
        what: the secret's name in messages: "the password".

    Raises:
        SinkMisconfigured: not exactly one of the two is given, or there is no secret; the message never has it.
    """
    if (file is None) == (env is None):
        raise SinkMisconfigured(f"{what}: expected a file or a variable that holds it, one of the two")
    secret = _from_variable(env, what) if file is None else _from_file(path_from(folder, file), what)
    if not secret:
        raise SinkMisconfigured(f"{what}: {env or file} is empty")
    return secret


def _from_variable(name: str | None, what: str) -> str:
    found = os.environ.get(name or "")
    if found is None:
        raise SinkMisconfigured(f"{what}: the variable {name} is not set where the server was started")
    return found.strip()


def _from_file(path: Path, what: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SinkMisconfigured(f"{what}: cannot read {path}: {error.strerror}") from error
    if len(content) > _LONGEST_SECRET_BYTES:
        raise SinkMisconfigured(f"{what}: {path} has {len(content)} bytes, which is no secret")
    try:
        return content.decode().strip()
    except UnicodeDecodeError as error:
        raise SinkMisconfigured(f"{what}: {path} is no UTF-8 text") from error
