"""Where the attacks on releases and deployments take place: keys of every kind, folders, and signed documents."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from blob_detector import BlobModel, TinyRelease, describe_files
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.release import (
    DEPLOYMENT_SCHEMA,
    MANIFEST_NAME,
    RELEASE_SCHEMA,
    SIGNATURE_NAME,
    Role,
    SigningKey,
    TrustStore,
)
from signing import a_deployment
from verifier_mutants import Verifier

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HIGHEST_SERIAL = 7

Change = tuple[str, Any]
"""A dotted path into a document and the value to put there."""

REMOVED: Any = object()
"""As a value: take the key away."""


@dataclass(frozen=True)
class Attack:
    """One try, and what must come of it.

    Attributes:
        label: of the row.
        error: name of the error that refuses it; empty where it must be accepted.
        match: what its message says.
        run: tries it on a verifier.
    """

    label: str
    error: str
    match: str
    run: Callable[[Verifier], object]


class Keys:
    """Who holds what."""

    def __init__(self) -> None:
        self.build, self.build_2 = SigningKey.generate(Role.BUILD), SigningKey.generate(Role.BUILD)
        self.deploy = SigningKey.generate(Role.DEPLOY)
        self.thief_build, self.thief_deploy = SigningKey.generate(Role.BUILD), SigningKey.generate(Role.DEPLOY)
        self.revoked = SigningKey.generate(Role.BUILD)
        self.ended = SigningKey.generate(Role.BUILD, not_after=NOW - timedelta(seconds=1))
        self.ending = SigningKey.generate(Role.BUILD, not_after=NOW)

    def trust(self) -> dict[str, Any]:
        """The plant's trust file as JSON values; the thief is not in it."""
        keys = (self.build, self.build_2, self.deploy, self.revoked, self.ended, self.ending)
        document: dict[str, Any] = json.loads(TrustStore([key.public for key in keys]).to_json())
        document["keys"][3]["revoked"] = True
        return document


class Scene:
    """Makes the folders and documents of the attacks.

    Args:
        folder: for the release folders, one an attack.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self.keys = Keys()
        self.trust = json.dumps(self.keys.trust()).encode()
        self.single = TinyRelease().write(folder / "single")
        self.reference = TinyRelease(model=BlobModel(kind="reference")).write(folder / "reference")

    def release(
        self,
        *changes: Change,
        key: SigningKey | None = None,
        base: Path | None = None,
        files: dict[str, bytes] | None = None,
        without: Sequence[str] = (),
    ) -> Path:
        """A release folder, signed in the proper way, whatever its manifest says.

        Args:
            *changes: to the manifest, before it is signed.
            key: that signs; the build key if None.
            base: the folder to begin with.
            files: to write over or beside those of the folder; the manifest names them.
            without: files to leave out; the manifest does not name them.
        """
        self._made += 1
        folder = self._folder / f"attack-{self._made}"
        shutil.copytree(base or self.single, folder)
        for name, content in (files or {}).items():
            (folder / name).write_bytes(content)
        for name in without:
            (folder / name).unlink()
        manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        manifest["files"] = describe_files(folder)
        self.sign(folder, canonical_json(changed(manifest, changes)).encode(), key=key)
        return folder

    def sign(self, folder: Path, manifest: bytes, *, key: SigningKey | None = None) -> None:
        """Write these very bytes as the manifest, and their signature."""
        (folder / MANIFEST_NAME).write_bytes(manifest)
        (folder / SIGNATURE_NAME).write_bytes((key or self.keys.build).sign(manifest, schema=RELEASE_SCHEMA))

    def deployment(self, *changes: Change) -> bytes:
        """A deployment's document, right but for the changes."""
        right = a_deployment_json(self.single)
        return canonical_json(changed(right, changes)).encode()

    def verify(self, folder: Path) -> Callable[[Verifier], object]:
        """Try a release folder."""
        return lambda verifier: verifier.release(folder, self.trust, NOW)

    def follow(
        self, document: bytes, *, signature: bytes | None = None, key: SigningKey | None = None
    ) -> Callable[[Verifier], Any]:
        """Try a deployment, signed by the deploy key or by another."""
        signed = signature or (key or self.keys.deploy).sign(document, schema=DEPLOYMENT_SCHEMA)
        return lambda verifier: verifier.deploy(document, signed, self.trust, NOW, highest_serial=HIGHEST_SERIAL)


def a_deployment_json(release: Path) -> dict[str, Any]:
    """A deployment that must be followed, as JSON values."""
    return a_deployment(
        release,
        serial=HIGHEST_SERIAL + 1,
        lines=["line-1", "line-2"],
        products=["BRD"],
        issued_at=NOW - timedelta(hours=1),
        previous_serial=HIGHEST_SERIAL,
    ).to_json()


def changed(document: Any, changes: Sequence[Change]) -> Any:
    """A copy of a JSON document with some values replaced, added or removed."""
    copy = json.loads(json.dumps(document))
    for path, value in changes:
        *way, last = path.split("/")
        place = copy
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        at = int(last) if isinstance(place, list) else last
        if value is REMOVED:
            del place[at]
        else:
            place[at] = value
    return copy


def edit(content: bytes, *changes: Change) -> bytes:
    """The same of a document's bytes; the result is canonical."""
    return canonical_json(changed(json.loads(content), changes)).encode()
