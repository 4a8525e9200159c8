"""The releases of a registry: immutable folders by name and version, signed once built, and retired for good.

```
<root>/releases/<name>/<version>/        a release folder, as serving reads it
<root>/checkpoints/<sha256>.safetensors  what training goes on from; never goes to a line
<root>/retired/<digest>.json             releases that may not be promoted any more
<root>/deployments/<plant>/              see `deployments`
<root>/gates/<sha256>.json               reports of the gate that deployments rest on
```
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lineside.inspection.canonical_json import canonical_json, parse_canonical_json
from lineside.inspection.errors import ReleaseUnverified, SignatureRefused
from lineside.inspection.release import (
    MANIFEST_NAME,
    RELEASE_SCHEMA,
    SIGNATURE_NAME,
    Manifest,
    Release,
    ReleaseReference,
    Signature,
    SigningKey,
    TrustStore,
    parse_manifest,
    read_instant,
    read_release,
    starter_release_folder,
    verify_release,
    write_instant,
)
from lineside.training.errors import RegistryDamaged, ReleaseTaken, ReleaseUnknown
from lineside.training.registry.storage import Storage

RETIRED_SCHEMA = "lineside.retired/1"


@dataclass(frozen=True, slots=True)
class Retirement:
    """Why a release may not be promoted any more.

    Attributes:
        name: who said so.
        reason: why.
        at: aware, UTC.
    """

    name: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RegisteredRelease:
    """A release as the registry lists it. Nothing of it is verified yet.

    Attributes:
        manifest: what it says of itself.
        digest: lowercase hex SHA-256 of the manifest.
        key_id: whose signature lies beside it; None if there is none.
        retirement: None while it may be promoted.
    """

    manifest: Manifest
    digest: str
    key_id: str | None
    retirement: Retirement | None


class Registry:
    """A store of releases on a folder or fsspec URL.

    Args:
        url: where; nothing is made or connected until something is read or written.
    """

    def __init__(self, url: str) -> None:
        self.storage = Storage(url)

    def add(self, folder: Path) -> Release:
        """Take a release in, whole.

        Args:
            folder: a release folder; it is read and checked first.

        Raises:
            ReleaseTaken: there is one of this name and version; a registry never changes a release.
            ReleaseUnverified, NotADetector: it is no release.
            StoreUnwritable: the registry cannot be written.
        """
        release = read_release(folder)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        path = _release_path(release.name, release.version)
        if not self.storage.create_folder(path, files, last=MANIFEST_NAME):
            raise ReleaseTaken(
                f"the registry has a {release.name} {release.version} already, and never changes a release; give the "
                "next version"
            )
        return release

    def add_checkpoint(self, path: Path) -> str:
        """Keep a checkpoint.

        Returns:
            Its SHA-256, lowercase hex: its name here.
        """
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self.storage.create(f"checkpoints/{digest}.safetensors", content)
        return digest

    def checkpoint(self, sha256: str) -> bytes | None:
        """A checkpoint that was kept; None if it was not.

        Raises:
            RegistryDamaged: its bytes are not those of its name.
        """
        content = self.storage.read(f"checkpoints/{sha256}.safetensors")
        if content is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise RegistryDamaged(f"checkpoints/{sha256}.safetensors was changed or is damaged; restore it from a copy")
        return content

    def names(self) -> tuple[str, ...]:
        """Names of the model lines."""
        return self.storage.names("releases")

    def list(self) -> Iterator[RegisteredRelease]:
        """Every release, by name, the newest version last.

        Raises:
            ReleaseUnverified: a manifest is none.
        """
        for name in self.names():
            for version in sorted(self.storage.names(f"releases/{name}"), key=_version_order):
                if self.storage.exists(f"{_release_path(name, version)}/{MANIFEST_NAME}"):
                    yield self.find(name, version)

    def find(self, name: str, version: str) -> RegisteredRelease:
        """One release.

        Raises:
            ReleaseUnknown: there is none.
            ReleaseUnverified: its manifest is none, or is that of another.
        """
        path = _release_path(name, version)
        text = self.storage.read(f"{path}/{MANIFEST_NAME}")
        if text is None:
            known = self.storage.names(f"releases/{name}")
            raise ReleaseUnknown(
                f"the registry {self.storage.url} has no {name} {version}; it has of this name: "
                f"{', '.join(known) or 'none'}"
            )
        manifest = parse_manifest(text, source=f"{path}/{MANIFEST_NAME}")
        if (manifest.name, manifest.version) != (name, version):
            raise RegistryDamaged(f"{path} holds {manifest.name} {manifest.version}; somebody moved it")
        digest = hashlib.sha256(text).hexdigest()
        return RegisteredRelease(manifest, digest, self._key_id(path), self._retirement(digest))

    @contextmanager
    def folder(self, name: str, version: str) -> Iterator[Path]:
        """A release's folder on this machine, for reading; a copy where the registry is elsewhere.

        Raises:
            ReleaseUnknown: there is none.
        """
        self.find(name, version)
        path = _release_path(name, version)
        local = self.storage.local_path(path)
        if local is not None:
            yield local
            return
        with tempfile.TemporaryDirectory(prefix="lineside-release-") as copy:
            self.storage.download(path, Path(copy))
            yield Path(copy)

    def sign(self, name: str, version: str, key: SigningKey) -> str:
        """Sign a release, after a look at every file of it. A signature that is there gives way to the new one.

        Returns:
            The id of the key.

        Raises:
            ReleaseUnknown: there is none.
            ReleaseUnverified: it is not as its manifest says, or its manifest is not canonical.
        """
        with self.folder(name, version) as folder:
            read_release(folder)
            manifest = (folder / MANIFEST_NAME).read_bytes()
        try:
            parse_canonical_json(manifest)
        except ValueError as error:
            raise RegistryDamaged(
                f"the manifest of {name} {version} cannot be signed: {error}; build it again"
            ) from error
        signature = key.sign(manifest, schema=RELEASE_SCHEMA)
        self.storage.replace(f"{_release_path(name, version)}/{SIGNATURE_NAME}", signature)
        return key.public.key_id

    def verify(self, name: str, version: str, trust: TrustStore, *, now: datetime) -> Release:
        """Read a release as a server would.

        Raises:
            ReleaseUnknown: there is none.
            ReleaseUnverified: a server would refuse it.
        """
        with self.folder(name, version) as folder:
            return verify_release(folder, trust, now=now)

    def retire(self, name: str, version: str, retirement: Retirement) -> RegisteredRelease:
        """Mark a release so that it is never promoted again. Retiring it twice leaves the first word.

        Raises:
            ReleaseUnknown: there is none.
        """
        found = self.find(name, version)
        document = {
            "schema": RETIRED_SCHEMA,
            "release": {"name": name, "version": version, "digest": found.digest},
            "name": retirement.name,
            "reason": retirement.reason,
            "at": write_instant(retirement.at),
        }
        self.storage.create(_retirement_path(found.digest), canonical_json(document).encode())
        return self.find(name, version)

    def is_starter(self, release: ReleaseReference) -> bool:
        """Whether a release comes with the package, so that every server has it and no signature is needed."""
        return release == starter_reference(release.name)

    def retirement_of(self, digest: str) -> Retirement | None:
        """Why a release is retired; None if it is not."""
        return self._retirement(digest)

    def add_gate_report(self, content: bytes) -> str:
        """Keep a gate report; returns its SHA-256, by which a deployment names it."""
        digest = hashlib.sha256(content).hexdigest()
        self.storage.create(f"gates/{digest}.json", content)
        return digest

    def gate_report(self, sha256: str) -> bytes | None:
        """A report that was kept."""
        return self.storage.read(f"gates/{sha256}.json")

    def _key_id(self, path: str) -> str | None:
        content = self.storage.read(f"{path}/{SIGNATURE_NAME}")
        if content is None:
            return None
        try:
            return Signature.from_bytes(content).key_id
        except SignatureRefused:
            return "unreadable"

    def _retirement(self, digest: str) -> Retirement | None:
        content = self.storage.read(_retirement_path(digest))
        if content is None:
            return None
        try:
            record: dict[str, Any] = json.loads(content)
            return Retirement(record["name"], record["reason"], read_instant(record["at"]))
        except (ValueError, KeyError, TypeError) as error:
            # the file's being there is what counts: a damaged one does not bring a release back
            raise RegistryDamaged(
                f"{_retirement_path(digest)} is damaged ({error!r}); the release stays retired"
            ) from error


def starter_reference(name: str) -> ReleaseReference | None:
    """The release of this name that comes with the package; None if there is none."""
    try:
        starter = read_release(starter_release_folder(name))
    except ReleaseUnverified:
        return None
    return ReleaseReference(starter.name, starter.version, starter.digest)


def _release_path(name: str, version: str) -> str:
    return f"releases/{name}/{version}"


def _retirement_path(digest: str) -> str:
    return f"retired/{digest}.json"


def _version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """1.10.0 after 1.9.0; what is no number after numbers, by its letters."""
    parts = version.replace("-", ".").replace("+", ".").split(".")
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
