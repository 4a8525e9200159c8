"""Whom a plant trusts: the public keys of those who may build releases, and of those who may deploy them.

The trust file is what everything else is verified against. It is put on a server by hand, like an authorised key, and
is not itself signed: whoever can write it can deploy anything.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import parse_json
from lineside.inspection.errors import SignatureRefused, TrustRefused
from lineside.inspection.release.instants import read_instant, write_instant

TRUST_SCHEMA = "lineside.trust/1"
ED25519_KEY_BYTES = 32
ML_DSA_65_KEY_BYTES = 1952  # FIPS 204, table 2
_MAX_FILE_BYTES = 4 * 2**20


class Role(StrEnum):
    """What a key may sign. Two roles, so that one stolen key puts nothing on a line."""

    BUILD = "build"
    """Releases: what a model package is."""

    DEPLOY = "deploy"
    """Deployments: where it may run."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """The public half of a signing key: one key of each algorithm, used together only.

    Attributes:
        role: what it may sign.
        ed25519: 32 bytes.
        ml_dsa_65: 1952 bytes.
        not_after: signatures by it no longer count from then on; None if they count until it is revoked.
        is_revoked: its signatures count no more.
    """

    role: Role
    ed25519: bytes
    ml_dsa_65: bytes
    not_after: datetime | None = None
    is_revoked: bool = False

    def __post_init__(self) -> None:
        """Refuse keys of another length than their algorithm's."""
        lengths = len(self.ed25519), len(self.ml_dsa_65)
        if lengths != (ED25519_KEY_BYTES, ML_DSA_65_KEY_BYTES):
            raise ValueError(
                f"public keys of {lengths} bytes, expected {ED25519_KEY_BYTES} (Ed25519) and "
                f"{ML_DSA_65_KEY_BYTES} (ML-DSA-65)"
            )

    @property
    def key_id(self) -> str:
        """The key's name: the first 128 bits of SHA-256 over both public keys, in lowercase hex."""
        return hashlib.sha256(self.ed25519 + self.ml_dsa_65).hexdigest()[:32]


class TrustStore:
    """The keys of a trust file.

    Args:
        keys: in any order; none at all trusts nobody.

    Raises:
        TrustRefused: a key stands there twice, whole or in half. Of two roles with one key, or one half of it, one
            theft would be enough for both.
    """

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        given = tuple(keys)
        for half in ([key.ed25519 for key in given], [key.ml_dsa_65 for key in given]):
            if len(set(half)) != len(half):
                raise TrustRefused("the trust file has one key twice; every role and person has a key of its own")
        self._keys: Mapping[str, TrustedKey] = MappingProxyType({key.key_id: key for key in given})

    @property
    def keys(self) -> tuple[TrustedKey, ...]:
        """All keys, revoked ones among them, in the order of the file."""
        return tuple(self._keys.values())

    @classmethod
    def load(cls, path: Path) -> "TrustStore":
        """Read a trust file.

        Raises:
            TrustRefused: it cannot be read, or is no trust file.
        """
        try:
            if path.stat().st_size > _MAX_FILE_BYTES:
                raise TrustRefused(f"{path} is longer than a trust file can be ({_MAX_FILE_BYTES} bytes)")
            return cls.from_json(path.read_bytes(), source=str(path))
        except OSError as error:
            raise TrustRefused(f"the trust file {path} cannot be read: {error.strerror}") from error

    @classmethod
    def from_json(cls, text: bytes, *, source: str) -> "TrustStore":
        """Read the text of a trust file.

        Args:
            text: UTF-8 JSON, in any spelling: people write it.
            source: the file, for messages.

        Raises:
            TrustRefused: it is no trust file.
        """
        try:
            parse_json(text)
            file = _TrustFile.model_validate_json(text)
            keys = [entry.key() for entry in file.keys]
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise TrustRefused(f"{source}: {where}: {first['msg']}") from error
        except ValueError as error:
            raise TrustRefused(f"{source} is no trust file: {error}") from error
        return cls(keys)

    def to_json(self) -> bytes:
        """The text of a trust file with these keys, for people to read."""
        entries = [
            {
                "key_id": key.key_id,
                "role": key.role.value,
                "ed25519": base64.b64encode(key.ed25519).decode(),
                "ml_dsa_65": base64.b64encode(key.ml_dsa_65).decode(),
                "not_after": None if key.not_after is None else write_instant(key.not_after),
                "revoked": key.is_revoked,
            }
            for key in self.keys
        ]
        return (json.dumps({"schema": TRUST_SCHEMA, "keys": entries}, indent=2) + "\n").encode()

    def key_of(self, key_id: str, *, role: Role, now: datetime) -> TrustedKey:
        """The key that may verify a signature made in a role.

        Args:
            key_id: as the signature names it.
            role: what is being signed.
            now: aware.

        Raises:
            SignatureRefused: the key is unknown, of another role, revoked or out of date.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise SignatureRefused(f"signed with key {key_id}, which the trust file does not have")
        if key.role is not role:
            raise SignatureRefused(f"signed with key {key_id} of role {key.role.value!r}, expected {role.value!r}")
        if key.is_revoked:
            raise SignatureRefused(f"signed with key {key_id}, which is revoked; sign again with a trusted key")
        if key.not_after is not None and now > key.not_after:
            raise SignatureRefused(
                f"signed with key {key_id}, which ended {write_instant(key.not_after)}; sign again with a current key"
            )
        return key


def decode_base64(text: str) -> bytes:
    """Decode base64 in its one canonical spelling.

    Raises:
        ValueError: anything else: other alphabets, spaces, missing padding, spare bits that are not zero.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error
    if base64.b64encode(content).decode() != text:
        raise ValueError("base64 with spare bits that are not zero")
    return content


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _KeyEntry(_Section):
    key_id: str
    role: Role
    ed25519: str
    ml_dsa_65: str
    not_after: str | None
    revoked: bool

    def key(self) -> TrustedKey:
        key = TrustedKey(
            role=self.role,
            ed25519=decode_base64(self.ed25519),
            ml_dsa_65=decode_base64(self.ml_dsa_65),
            not_after=None if self.not_after is None else read_instant(self.not_after),
            is_revoked=self.revoked,
        )
        if key.key_id != self.key_id:
            raise ValueError(f"key {self.key_id!r} has the public keys of {key.key_id!r}; its two halves do not match")
        return key


class _TrustFile(_Section):
    schema_name: Annotated[Literal["lineside.trust/1"], Field(alias="schema")]
    keys: tuple[_KeyEntry, ...]
