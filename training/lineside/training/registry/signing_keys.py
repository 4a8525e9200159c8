"""Signing keys in files: the private half for its owner's eyes only, the public half in the trust file."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lineside.inspection.errors import KeyFileRefused, TrustRefused
from lineside.inspection.release import Role, SigningKey, TrustedKey, TrustStore

TRUST_NAME = "trust.json"


def create_key(
    path: Path, role: Role, *, trust: Path, passphrase: bytes | None, not_after: datetime | None = None
) -> SigningKey:
    """Make a key: its private half in a new file that only its user can read, its public half in the trust file.

    Args:
        path: of the new file.
        role: what the key may sign.
        trust: the trust file; made if it is not there.
        passphrase: encrypts the file; None leaves it readable to whoever can read the disk.
        not_after: its signatures count until then; None for no end.

    Raises:
        KeyFileRefused: the file is there already; a key is never written over.
        TrustRefused: the trust file is none.
    """
    store = TrustStore.load(trust) if trust.exists() else TrustStore([])
    key = SigningKey.generate(role, not_after=not_after)
    extended = TrustStore([*store.keys, key.public])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyFileRefused(f"{path} is there already, and a key is never written over; give another name") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.to_pem(passphrase))
        file.flush()
        os.fsync(descriptor)
    write_trust(extended, trust)
    return key


def read_key(path: Path, role: Role, *, passphrase: bytes | None) -> SigningKey:
    """Read a private key.

    Raises:
        KeyFileRefused: it cannot be read, others can read it too, or the passphrase is wrong.
    """
    try:
        mode = path.stat().st_mode
        pem = path.read_bytes()
    except OSError as error:
        raise KeyFileRefused(f"the key {path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and mode & 0o077:
        raise KeyFileRefused(
            f"the key {path} can be read by others (mode {mode & 0o777:o}): take their rights (chmod 600), and ask "
            "yourself who has it"
        )
    return SigningKey.from_pem(pem, role, passphrase=passphrase, source=str(path))


def revoke_key(trust: Path, key_id: str) -> TrustedKey:
    """Mark a key in a trust file: nothing that it signed counts any more.

    Args:
        trust: the trust file.
        key_id: the key, or the first digits of its id.

    Raises:
        TrustRefused: no key of the file begins so, or several do.
    """
    store = TrustStore.load(trust)
    found = [key for key in store.keys if key.key_id.startswith(key_id)]
    if len(found) != 1 or not key_id:
        raise TrustRefused(
            f"{len(found)} keys of {trust} begin with {key_id!r}; it has {', '.join(key.key_id for key in store.keys)}"
        )
    revoked = replace(found[0], is_revoked=True)
    write_trust(TrustStore([revoked if key.key_id == revoked.key_id else key for key in store.keys]), trust)
    return revoked


def write_trust(store: TrustStore, path: Path) -> None:
    """Write a trust file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(store.to_json())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
