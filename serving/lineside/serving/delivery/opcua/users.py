"""Who may log in to the OPC UA server: a file of names, roles and hashed passwords.

Passwords are hashed with scrypt (RFC 7914); a login costs some 30 ms, so guessing is slow and needs a trusted
certificate besides. The file is read at every login, so that a change needs no restart.
"""

import base64
import binascii
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.errors import LinesideError

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 256
_COST: Final = 2**14
_BLOCK: Final = 8
_LENGTH_BYTES: Final = 32


class UsersFileRefused(LinesideError, ValueError):
    """The file of users cannot be used, or a user cannot be added to it."""


class UserRoleName(StrEnum):
    """What somebody who logged in may do."""

    VIEWER = "viewer"
    """Read, subscribe, and call the methods that only look something up."""
    OPERATOR = "operator"
    """Call every method besides."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody whose password was right."""

    name: str
    role: UserRoleName


class _User(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")
    role: UserRoleName
    salt: str
    hash: str


class _UsersFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_: Literal["lineside.opcua-users/1"] = Field(alias="schema")
    users: Sequence[_User] = Field(max_length=1000)


class UserBook:
    """The users of one file.

    Args:
        path: of the file; where there is none nobody may log in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> Mapping[str, UserRoleName]:
        """Everybody's role.

        Raises:
            UsersFileRefused: the file cannot be read.
        """
        return {user.name: user.role for user in self._read()}

    def sign_in(self, name: str, password: str) -> SignedIn | None:
        """Whoever has that name and password; None for nobody.

        An unknown name takes as long as a wrong password.

        Raises:
            UsersFileRefused: the file cannot be read.
        """
        found = next((user for user in self._read() if user.name == name), None)
        salt = secrets.token_bytes(16) if found is None else _bytes_of(found.salt, self._path)
        computed = _hashed(password[: LONGEST_PASSWORD + 1], salt)
        if found is None or not hmac.compare_digest(computed, _bytes_of(found.hash, self._path)):
            return None
        return SignedIn(found.name, found.role)

    def put(self, name: str, password: str, role: UserRoleName) -> None:
        """Add a user, or give one another password or role.

        Raises:
            UsersFileRefused: the name or the password does not do, or the file cannot be used.
        """
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise UsersFileRefused(
                f"the password has {len(password)} characters; expected {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
            )
        salt = secrets.token_bytes(16)
        try:
            user = _User(name=name, role=role, salt=_text_of(salt), hash=_text_of(_hashed(password, salt)))
        except ValidationError as error:
            raise UsersFileRefused(
                f"the name {name!r} does not do; expected 1 to 64 letters, digits or any of . _ @ -"
            ) from error
        self._write([*(known for known in self._read() if known.name != name), user])

    def _read(self) -> Sequence[_User]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UsersFileRefused(f"cannot read the users {self._path}: {error.strerror}") from error
        try:
            return _UsersFile.model_validate_json(content).users
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise UsersFileRefused(
                f"{self._path}: {where}: {first['msg']}; make it with `lineside opcua user`"
            ) from None

    def _write(self, users: Sequence[_User]) -> None:
        document = {
            "schema": "lineside.opcua-users/1",
            "users": [user.model_dump(mode="json") for user in sorted(users, key=lambda user: user.name)],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(json.dumps(document, indent=2) + "\n")
        beside.replace(self._path)


def _hashed(password: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_LENGTH_BYTES, n=_COST, r=_BLOCK, p=1).derive(password.encode())


def _text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes_of(text: str, path: Path) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise UsersFileRefused(f"{path}: a salt or hash is no base64; make the file anew") from error
