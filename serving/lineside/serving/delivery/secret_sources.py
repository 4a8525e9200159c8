"""Secrets and files that a delivery file names: a secret stands in a file of its own or in a variable, nowhere else."""

from pathlib import Path

from lineside.client import secret_sources
from lineside.client.secret_sources import path_from
from lineside.serving.delivery.errors import SinkMisconfigured

__all__ = ["path_from", "read_secret"]


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
    return secret_sources.read_secret(
        file=file, env=env, folder=folder, what=what, error=SinkMisconfigured, starter="the server"
    )
